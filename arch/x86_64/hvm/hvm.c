/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by svm.c and vmx.c: selects one for this CPU; the MSRs that a guest accesses directly. */
#include <stdio.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/control_regs.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/apic_regs.h"

const struct hvm_ops *hvm;

bool hvm_select(char *why, size_t size)
{
	static const struct hvm_ops *const halves[] = {&svm_ops, &vmx_ops};

	for (unsigned i = 0; i < sizeof halves / sizeof halves[0]; i++) {
		enum hvm_found found = halves[i]->probe(why, size);

		if (found == HVM_ABSENT)
			continue;
		hvm = halves[i];
		return found == HVM_USABLE;
	}
	snprintf(why, size,
	         "this CPU has neither AMD SVM nor Intel VT-x: Patio needs one of them "
	         "(QEMU: -cpu EPYC,+x2apic; Bochs: model=corei7_skylake_x)");
	return false;
}

/*
 * Opens the x2APIC registers that a guest with direct interrupts accesses without an exit.  ICR
 * exits because it addresses other cores, ID and LDR because they identify the physical core.
 * Writes of the local vector table exit, for a check of the delivery mode, except the timer's
 * entry, which has none.  TMCCT: see lapic_timer_count().  CMCI would report errors of the machine
 * to the guest.
 */
static void open_x2apic(void (*open)(uint8_t *map, uint32_t msr, bool read, bool write),
                        uint8_t *map)
{
	for (uint32_t reg = 0; reg < APIC_REGS; reg++) {
		bool lvt = reg >= APIC_LVT_THERMAL && reg <= APIC_LVT_ERROR;
		bool closed = reg == APIC_ID || reg == APIC_LDR || reg == APIC_LVT_CMCI ||
		              reg == APIC_ICR || reg == APIC_TMCCT;

		open(map, MSR_X2APIC + reg, !closed, !closed && !lvt);
	}
}

/*
 * Opens the other MSRs that a world switch replaces or that the VMM never uses (docs/guest-cpu.md
 * has the reasons, also for those that exit).  On SVM, VMLOAD and VMSAVE switch all of `always`
 * except TSC_AUX; on VT-x the VMCS switches SYSENTER, FS and GS, while the rest stay in the core
 * and are cleared for the next guest by vmcs.c and cpu_scrub().  cpu_scrub() also clears XFD, with
 * which an OS enables AMX on demand: the VMM executes no instruction that XFD could make fault.
 */
void hvm_open_msrs(void (*open)(uint8_t *map, uint32_t msr, bool read, bool write), uint8_t *map,
                   unsigned own)
{
	static const uint32_t always[] = {
	    0x174,      0x175,      0x176,                  /* SYSENTER */
	    0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
	    0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, /* FS, GS, KernelGS base, TSC_AUX */
	};

	for (unsigned i = 0; i < sizeof always / sizeof always[0]; i++)
		open(map, always[i], true, true);
	if (cpuid(0, 0).eax >= 0xd && (cpuid(0xd, 1).eax & CPUID_D_XFD)) {
		open(map, MSR_XFD, true, true);
		open(map, MSR_XFD_ERR, true, true);
	}
	open(map, MSR_TSC, true, false);
	open(map, MSR_PRED_CMD, false, true); /* a barrier on this core: it has no state */
	if (own & HVM_OWN_SPEC_CTRL)
		open(map, MSR_SPEC_CTRL, true, true);
	if (own & HVM_OWN_X2APIC)
		open_x2apic(open, map);
}

uint64_t hvm_cr4_offered(void)
{
	struct cpuid seven = {0};

	if (cpuid(0, 0).eax >= 7)
		seven = cpuid(7, 0);
	return cr4_offered(cpuid(1, 0).ecx, seven.ebx, seven.ecx);
}
