/* SPDX-License-Identifier: BSD-2-Clause */
/* The barriers themselves (Intel, "Speculative Execution Side Channel Mitigations"; AMD, "Indirect
 * Branch Control Extension"), and which of them the running CPU has. */
#include "arch/x86_64/barrier.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"

#define MSR_FLUSH_CMD         0x10b
#define PRED_CMD_IBPB         1
#define FLUSH_CMD_L1D         1
#define HAS_ARCH_CAPABILITIES (1u << 29) /* CPUID 7 EDX */

unsigned barriers_here(void)
{
	struct barrier_cpu c = {0};
	uint32_t top = cpuid(0, 0).eax, top_extended = cpuid(0x80000000, 0).eax;

	if (top >= 7)
		c.leaf7_edx = cpuid(7, 0).edx;
	if (top_extended >= 0x80000008)
		c.leaf80000008_ebx = cpuid(0x80000008, 0).ebx;
	if (top_extended >= 0x80000021)
		c.leaf80000021_eax = cpuid(0x80000021, 0).eax;
	if (c.leaf7_edx & HAS_ARCH_CAPABILITIES)
		c.arch_capabilities = rdmsr(MSR_ARCH_CAPABILITIES);
	return barriers_of(&c);
}

void barriers_make(unsigned set)
{
	uint16_t data = cpu_tables(this_core()).data; /* a writable segment: VERW's slow form */

	if (set & BARRIER_IBPB)
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
	if (set & BARRIER_L1D)
		wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
	if (set & BARRIER_VERW)
		__asm__ volatile("verw %0" : : "m"(data) : "cc", "memory");
}
