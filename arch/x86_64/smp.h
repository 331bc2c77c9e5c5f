/* SPDX-License-Identifier: BSD-2-Clause */
/* smp.h: the start of all other cores. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

struct core;

/* What a core runs; it never returns. */
typedef void core_entry(struct core *c);

/* Starts all cores of the MADT except the boot core, one after the other; each runs `entry` on a
 * stack of its own, its APIC enabled.  A core that does not start stays unused, with a warning;
 * panics when there is no memory for a stack. */
void smp_start(core_entry *entry);
#endif
