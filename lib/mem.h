/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.h: physical memory of the node, in contiguous pages (control path only). */
#ifndef LIB_MEM_H
#define LIB_MEM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds a range of RAM to the allocator; partial pages at its ends are left out. */
void mem_add(uint64_t start, uint64_t size);
/* Removes a range that is in use (image, modules, low memory). */
void mem_reserve(uint64_t start, uint64_t size);

/*
 * `size` contiguous bytes at a multiple of `align` (a power of two, at least a page) ending at or
 * below `limit` (0: anywhere), the highest that fits.  Physical address, or 0 when there is none.
 * Not zeroed.
 */
uint64_t mem_alloc(uint64_t size, uint64_t align, uint64_t limit);
void mem_free(uint64_t start, uint64_t size);

/* Zeroed memory for the VMM's own tables; NULL when there is none.  Sizes are rounded to pages.
 * From 2 MiB on it lies at a multiple of that, if there is such a place, for large pages. */
void *mem_zalloc(size_t size);
/* The same, ending at or below `limit` as in mem_alloc(). */
void *mem_zalloc_below(size_t size, uint64_t limit);
void mem_zfree(void *p, size_t size);

struct mem_stats {
	uint64_t total, free, largest; /* bytes */
	uint64_t vmm;                  /* allocated by mem_zalloc() */
	uint64_t lost;                 /* unusable: the table of free extents was full */
};
void mem_stats(struct mem_stats *out);
#endif
