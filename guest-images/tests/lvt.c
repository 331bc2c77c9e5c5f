/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery modes of the local vector table: SMI, INIT and ExtINT, which would affect more than the
 * guest, stay masked; fixed and NMI work; reserved bits raise #GP; there is no CMCI entry.
 * Option: page (through the xAPIC page, where nothing raises #GP).
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"

#define LVT_CMCI    0x2f0
#define LVT_THERMAL 0x330
#define LVT_PERF    0x340
#define LVT_LINT0   0x350
#define LVT_LINT1   0x360
#define LVT_ERROR   0x370
#define X2APIC_MSR  0x800
#define VECTOR      0x55

static const unsigned moded[] = {LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1};
static const char *const mode_name[8] = {"fixed", "lowest", "smi",  "reserved",
                                         "nmi",   "init",   "sipi", "extint"};

static void check_modes(unsigned reg)
{
	for (unsigned mode = 0; mode < 8; mode++) {
		bool allowed = mode == 0 || mode == 4;
		uint32_t is;

		lapic_write(reg, mode << 8 | VECTOR);
		is = lapic_read(reg);
		check(!(is & LVT_MASKED) == allowed, "mode", "%x %s: reads %x", reg,
		      mode_name[mode], is);
		lapic_write(reg, LVT_MASKED | mode << 8 | VECTOR);
		is = lapic_read(reg);
		check(is & LVT_MASKED && (is >> 8 & 7) == mode, "masked_mode", "%x %s: reads %x",
		      reg, mode_name[mode], is);
	}
	lapic_write(reg, LVT_MASKED);
}

static void check_faults(void)
{
	uint64_t v;

	check(!wrmsr_safe(X2APIC_MSR + (LVT_ERROR >> 4), LVT_MASKED | 0x400), "error_has_no_mode",
	      "written");
	check(!wrmsr_safe(X2APIC_MSR + (LVT_LINT0 >> 4), 1ul << 32 | LVT_MASKED), "upper_half",
	      "written");
	check(!wrmsr_safe(X2APIC_MSR + (LVT_PERF >> 4), LVT_MASKED | 0x2000), "reserved_bit",
	      "written");
	check(!rdmsr_safe(X2APIC_MSR + (LVT_CMCI >> 4), &v), "no_cmci", "read");
	check(!wrmsr_safe(X2APIC_MSR + (LVT_CMCI >> 4), 0x200 | VECTOR), "no_cmci_write",
	      "written");
}

void guest_main(void)
{
	char option[2];
	bool page = mb_option("page", option, sizeof option);

	irq_off();
	lapic_init(page);
	for (unsigned i = 0; i < sizeof moded / sizeof moded[0]; i++)
		check_modes(moded[i]);
	lapic_write(LVT_ERROR, VECTOR);
	check(lapic_read(LVT_ERROR) == VECTOR, "error_entry", "reads %x", lapic_read(LVT_ERROR));
	lapic_write(LVT_ERROR, LVT_MASKED);
	if (!page)
		check_faults();
	done();
}
