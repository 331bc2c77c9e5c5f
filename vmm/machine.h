/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.h: the machine the node runs on, for `show machine` and the boot log. */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H
#include <stdint.h>

#define EXIT_SAMPLES 33 /* an odd number, for the median */

struct machine {
	char cpu[49];        /* the CPU's brand string; "": none */
	char hypervisor[13]; /* signature of the hypervisor below; "": none is visible */
	uint64_t exit_min;   /* TSC ticks of one exit, see machine_init(); 0: not measured */
	uint64_t exit_median;
};
extern struct machine machine;

/*
 * Fills `machine`; on the boot core, once, after hvm->core_enable() and tsc_init().  The exit is
 * measured with a guest of one instruction, CPUID, which exits on both vendors: from the call of
 * hvm->run() to its return, that is an entry, the instruction, the exit, and the vendor half's
 * work.  The guest is removed afterwards.
 */
void machine_init(void);

/* The hypervisor below: its name, its signature if unknown, or "no visible hypervisor". */
const char *machine_hypervisor(void);

/* Converts TSC ticks to nanoseconds. */
uint64_t machine_ns(uint64_t ticks);
#endif
