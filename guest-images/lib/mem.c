/* SPDX-License-Identifier: BSD-2-Clause */
/* A bump allocator on the largest range of RAM. */
#include <string.h>
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"

#define RAM    1
#define MAPPED (512ull << 30) /* what start.asm maps, where the CPU has 1 GiB pages */

extern const uint8_t guest_end[];
static uint64_t next_free, limit;

uint64_t mem_init(uint64_t floor)
{
	struct mb_range r;
	const struct mb1_module *m;

	if (floor < (uintptr_t)guest_end)
		floor = (uintptr_t)guest_end;
	for (unsigned i = 0; (m = mb_module(i)); i++)
		if (floor < m->end)
			floor = m->end;
	next_free = limit = 0;
	for (unsigned i = 0; mb_range(i, &r); i++) {
		uint64_t from = r.base > floor ? r.base : floor;
		uint64_t to = r.base + r.len < MAPPED ? r.base + r.len : MAPPED;

		if (r.type == RAM && to > from && to - from > limit - next_free) {
			next_free = from;
			limit = to;
		}
	}
	return limit - next_free;
}

void *mem_alloc(size_t size, size_t align)
{
	uint64_t at = (next_free + align - 1) & ~(uint64_t)(align - 1);

	if (at > limit || size > limit - at)
		return NULL;
	next_free = at + size;
	return memset((void *)(uintptr_t)at, 0, size);
}
