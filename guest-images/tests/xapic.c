/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that uses the APIC through the xAPIC page only. */
#include "guest-images/lib/check.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/tests/apic_checks.h"

void guest_main(void)
{
	check(!lapic_init(true), "page", "x2APIC is on");
	check((rdmsr(MSR_APIC_BASE) & 0xfffff000) == LAPIC_PAGE, "base", "%lx",
	      rdmsr(MSR_APIC_BASE));
	lapic_write(LAPIC_ICR_HIGH, 0x07000000);
	check(lapic_read(LAPIC_ICR_HIGH) == 0x07000000, "icr_high", "%x",
	      lapic_read(LAPIC_ICR_HIGH));
	apic_checks();
	done();
}
