/* SPDX-License-Identifier: BSD-2-Clause */
/* map.c: see map.h. */
#include "guest-images/lib/map.h"

#define LARGE 0x200000ul

static uint64_t directory[512] __attribute__((aligned(4096)));

uint8_t *map_gib(uint64_t start)
{
	uint64_t *level;

	__asm__ volatile("mov %%cr3, %0" : "=r"(level));
	level = (uint64_t *)(level[start >> 39] & ~0xffful);
	for (unsigned i = 0; i < 512; i++)
		directory[i] = (start & ~0x3ffffffful) + i * LARGE + 0x83;
	level[start >> 30 & 511] = (uintptr_t)directory | 3;
	__asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
	return (uint8_t *)start;
}
