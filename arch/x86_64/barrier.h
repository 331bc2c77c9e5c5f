/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * barrier.h: what a core flushes when it changes owner, so that nothing of one guest is left in its
 * predictors and buffers for the next one to be led by or to sample.
 *
 * Which of them this CPU has, and asks for, is a table of its CPUID and IA32_ARCH_CAPABILITIES
 * (barrier_policy.c), which needs no hardware.
 */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H
#include <stdbool.h>
#include <stdint.h>

enum barrier {
	BARRIER_IBPB = 1, /* indirect branch predictors: IA32_PRED_CMD bit 0 */
	BARRIER_L1D = 2,  /* the first-level data cache: IA32_FLUSH_CMD bit 0 */
	BARRIER_VERW = 4, /* store, fill and load buffers: VERW with the newer microcode */
};

/* The words that decide; 0 where the CPU has no such leaf or register. */
struct barrier_cpu {
	uint32_t leaf7_edx;         /* CPUID 7, sub-leaf 0 */
	uint32_t leaf80000008_ebx;  /* AMD */
	uint32_t leaf80000021_eax;  /* AMD */
	uint64_t arch_capabilities; /* MSR 10Ah */
};

/* The set of enum barrier. */
unsigned barriers_of(const struct barrier_cpu *cpu);

/* The same, of the running CPU; in words for the log, never empty. */
unsigned barriers_here(void);
const char *barriers_name(unsigned set);

/* Makes the set of barriers on the running core. */
void barriers_make(unsigned set);
#endif
