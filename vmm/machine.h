/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.h: what the node runs on, as `show machine` and the boot's first lines tell it. */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H
#include <stdint.h>

#define EXIT_SAMPLES 33 /* an odd number, for the median */

struct machine {
	char cpu[49];        /* the CPU's own name for itself; "" when it has none */
	char hypervisor[13]; /* the signature of the one underneath; "" when none shows itself */
	uint64_t exit_min;   /* TSC ticks of one exit, see machine_init(); 0: not measured */
	uint64_t exit_median;
};
extern struct machine machine;

/*
 * Fills `machine`, on the boot core, once, when hvm->core_enable() and tsc_init() have run there.
 * The exit is measured with a guest of one instruction, CPUID, which exits on both vendors: from
 * hvm->run()'s call to its return, that is an entry, the instruction, the exit, and what the vendor
 * half does about them.  Nothing of that guest stays.
 */
void machine_init(void);

/* The hypervisor underneath in words: its name, its signature when nobody knows it, or "no
 * hypervisor that shows itself". */
const char *machine_under(void);

/* TSC ticks in nanoseconds. */
uint64_t machine_ns(uint64_t ticks);
#endif
