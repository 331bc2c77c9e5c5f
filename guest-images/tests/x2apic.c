/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC by MSRs, which a guest with direct interrupts uses without exits. */
#include "guest-images/lib/check.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/tests/apic_checks.h"

#define CPUID_TOPOLOGY 0xb

void guest_main(void)
{
	uint32_t r[4];

	if (!check(lapic_init(false), "x2apic", "the CPU does not have it"))
		done();
	cpuid(CPUID_TOPOLOGY, 0, r);
	check(!r[1] || r[3] == lapic_id(), "cpuid_id", "%x, not %x", r[3], lapic_id());
	apic_checks();
	done();
}
