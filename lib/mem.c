/* SPDX-License-Identifier: BSD-2-Clause */
/* The page allocator: a sorted table of free extents. */
#include <string.h>
#include "lib/spinlock.h"
#include "lib/mem.h"

#define PAGE    4096ul
#define LARGE   (2ul << 20)
#define EXTENTS 512

static struct extent {
	uint64_t start, end;
} extent[EXTENTS];
static unsigned nextents;
static uint64_t total, lost_bytes;
static _Atomic uint64_t vmm_bytes;
static struct spinlock lock;

static void extent_remove(unsigned i)
{
	memmove(&extent[i], &extent[i + 1], (--nextents - i) * sizeof extent[0]);
}

/* With a full table the extent is lost, and counted: memory is wasted, never allocated twice. */
static void extent_insert(uint64_t start, uint64_t end)
{
	unsigned i = 0;

	if (start >= end)
		return;
	while (i < nextents && extent[i].end < start)
		i++;
	if (i < nextents && extent[i].start <= end) {
		if (start < extent[i].start)
			extent[i].start = start;
		if (end > extent[i].end)
			extent[i].end = end;
		while (i + 1 < nextents && extent[i + 1].start <= extent[i].end) {
			if (extent[i + 1].end > extent[i].end)
				extent[i].end = extent[i + 1].end;
			extent_remove(i + 1);
		}
		return;
	}
	if (nextents == EXTENTS) {
		lost_bytes += end - start;
		return;
	}
	memmove(&extent[i + 1], &extent[i], (nextents++ - i) * sizeof extent[0]);
	extent[i] = (struct extent){start, end};
}

static void extent_cut(uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < nextents;) {
		struct extent e = extent[i];

		if (e.end <= start || e.start >= end) {
			i++;
			continue;
		}
		extent_remove(i);
		extent_insert(e.start, start > e.start ? start : e.start);
		extent_insert(end < e.end ? end : e.end, e.end);
		i = 0;
	}
}

void mem_add(uint64_t start, uint64_t size)
{
	uint64_t end = (start + size) & ~(PAGE - 1);

	if (start + size < start)
		return; /* wraps: an invalid range */
	start = (start + PAGE - 1) & ~(PAGE - 1);
	if (end <= start)
		return;
	extent_insert(start, end);
	total += end - start;
}

void mem_reserve(uint64_t start, uint64_t size)
{
	extent_cut(start & ~(PAGE - 1), (start + size + PAGE - 1) & ~(PAGE - 1));
}

uint64_t mem_alloc(uint64_t size, uint64_t align, uint64_t limit)
{
	uint64_t found = 0;

	if (size > UINT64_MAX - PAGE)
		return 0;
	size = (size + PAGE - 1) & ~(PAGE - 1);
	spin_lock(&lock);
	for (unsigned i = nextents; size && i-- > 0 && !found;) {
		uint64_t end = limit && limit < extent[i].end ? limit : extent[i].end;
		uint64_t start;

		if (end < size)
			continue;
		start = (end - size) & ~(align - 1);
		if (start >= extent[i].start)
			found = start;
	}
	if (found)
		extent_cut(found, found + size);
	spin_unlock(&lock);
	return found;
}

void mem_free(uint64_t start, uint64_t size)
{
	spin_lock(&lock);
	extent_insert(start, start + ((size + PAGE - 1) & ~(PAGE - 1)));
	spin_unlock(&lock);
}

void *mem_zalloc_below(size_t size, uint64_t limit)
{
	uint64_t p = size < LARGE ? 0 : mem_alloc(size, LARGE, limit);

	if (!p)
		p = mem_alloc(size, PAGE, limit);
	if (!p)
		return NULL;
	memset((void *)p, 0, size);
	vmm_bytes += (size + PAGE - 1) & ~(PAGE - 1);
	return (void *)p;
}

void *mem_zalloc(size_t size)
{
	return mem_zalloc_below(size, 0);
}

void mem_zfree(void *p, size_t size)
{
	if (!p)
		return;
	vmm_bytes -= (size + PAGE - 1) & ~(PAGE - 1);
	mem_free((uint64_t)p, size);
}

void mem_stats(struct mem_stats *out)
{
	*out = (struct mem_stats){.total = total, .vmm = vmm_bytes};
	spin_lock(&lock);
	out->lost = lost_bytes;
	for (unsigned i = 0; i < nextents; i++) {
		uint64_t size = extent[i].end - extent[i].start;

		out->free += size;
		if (size > out->largest)
			out->largest = size;
	}
	spin_unlock(&lock);
}
