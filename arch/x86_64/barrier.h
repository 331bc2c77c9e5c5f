/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * barrier.h: what a core flushes when it is given to another guest, so that the next one can
 * neither be steered by the last one's branch predictions nor sample its data from buffers.
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

/* CPUID and MSR values that the choice depends on; 0 where the CPU lacks the leaf or register. */
struct barrier_cpu {
	uint32_t leaf7_edx;         /* CPUID 7, sub-leaf 0 */
	uint32_t leaf80000008_ebx;  /* AMD */
	uint32_t leaf80000021_eax;  /* AMD */
	uint64_t arch_capabilities; /* MSR 10Ah */
};

/* The set of enum barrier. */
unsigned barriers_of(const struct barrier_cpu *cpu);

/* The set for the running CPU; and a set in words for the log, never empty. */
unsigned barriers_here(void);
const char *barriers_name(unsigned set);

/* Executes the barriers in `set` on the running core. */
void barriers_make(unsigned set);
#endif
