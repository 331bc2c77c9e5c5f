/* SPDX-License-Identifier: BSD-2-Clause */
/* topology.h: which cores are threads of one physical core, by their APIC IDs. */
#ifndef ARCH_TOPOLOGY_H
#define ARCH_TOPOLOGY_H
#include "arch/x86_64/cpu.h"

typedef struct cpuid topology_cpuid(uint32_t leaf, uint32_t sub);

/* How many low bits of an APIC ID tell the threads of one core apart: 0 without SMT.  The same on
 * all cores of a machine. */
unsigned topology_smt_bits(topology_cpuid *ask);
#endif
