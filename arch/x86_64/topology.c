/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread's part of an APIC ID (Intel SDM vol. 3, 9.9.3; AMD APM vol. 3, E.4.15). */
#include "arch/x86_64/topology.h"

#define LEAF_TOPOLOGY  0x0b
#define LEAF_V2        0x1f
#define LEVEL_NONE     0
#define LEVEL_SMT      1
#define LEVELS_MAX     8
#define LEAF_EXTENDED  0x80000001
#define TOPOLOGY_EXT   (1u << 22) /* in ECX: leaf 8000001Eh exists */
#define LEAF_AMD_CORES 0x8000001e

/* Reads leaf 0Bh or 1Fh; false: the CPU lacks it, or it is empty. */
static bool read_levels(topology_cpuid *ask, uint32_t leaf, unsigned *bits)
{
	if (ask(0, 0).eax < leaf || !(ask(leaf, 0).ebx & 0xffff))
		return false;
	*bits = 0;
	for (uint32_t sub = 0; sub < LEVELS_MAX; sub++) {
		struct cpuid r = ask(leaf, sub);
		uint32_t level = r.ecx >> 8 & 0xff;

		if (level == LEVEL_NONE)
			break;
		if (level == LEVEL_SMT)
			*bits = r.eax & 0x1f;
	}
	return true;
}

unsigned topology_smt_bits(topology_cpuid *ask)
{
	unsigned bits = 0;
	uint32_t top, threads;

	if (read_levels(ask, LEAF_V2, &bits) || read_levels(ask, LEAF_TOPOLOGY, &bits))
		return bits;
	top = ask(0x80000000, 0).eax;
	if (top < LEAF_AMD_CORES || !(ask(LEAF_EXTENDED, 0).ecx & TOPOLOGY_EXT))
		return 0;
	threads = (ask(LEAF_AMD_CORES, 0).ebx >> 8 & 0xff) + 1;
	while (1u << bits < threads)
		bits++;
	return bits;
}
