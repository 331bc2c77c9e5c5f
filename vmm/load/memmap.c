/* SPDX-License-Identifier: BSD-2-Clause */
/* memmap.c: a guest's memory map, and free places in it. */
#include <stdbool.h>
#include "vmm/load/load.h"

static bool memmap_add(struct memmap *map, uint64_t start, uint64_t end, uint32_t type)
{
	if (start == end)
		return true;
	if (map->n == MEMMAP_MAX)
		return false;
	map->entry[map->n].start = start;
	map->entry[map->n].size = end - start;
	map->entry[map->n++].type = type;
	return true;
}

/* Removes [start, end) from every entry, which may split an entry in two. */
static bool memmap_carve(struct memmap *map, uint64_t start, uint64_t end)
{
	struct memmap old = *map;

	map->n = 0;
	for (unsigned i = 0; i < old.n; i++) {
		uint64_t s = old.entry[i].start, e = s + old.entry[i].size;
		uint32_t type = old.entry[i].type;

		if (e <= start || s >= end) {
			if (!memmap_add(map, s, e, type))
				return false;
			continue;
		}
		if (s < start && !memmap_add(map, s, start, type))
			return false;
		if (e > end && !memmap_add(map, end, e, type))
			return false;
	}
	return true;
}

static void memmap_sort(struct memmap *map)
{
	for (unsigned i = 1; i < map->n; i++)
		for (unsigned j = i; j && map->entry[j].start < map->entry[j - 1].start; j--) {
			__typeof__(map->entry[0]) t = map->entry[j];
			map->entry[j] = map->entry[j - 1];
			map->entry[j - 1] = t;
		}
}

static bool memmap_reserve(struct memmap *map, uint64_t start, uint64_t end)
{
	return memmap_carve(map, start, end) && memmap_add(map, start, end, MEMMAP_RESERVED);
}

const char *memmap_build(struct memmap *map, const struct gmem *m, const struct gpa_range *reserved,
                         unsigned n_reserved)
{
	map->n = 0;
	for (unsigned i = 0; i < gmem_own(m); i++)
		if (!memmap_add(map, m->region[i].gpa, m->region[i].gpa + m->region[i].size,
		                MEMMAP_RAM))
			return "the memory map is full";
	if (!memmap_carve(map, GUEST_VGA, GUEST_BIOS) ||
	    !memmap_reserve(map, GUEST_LOW_TOP, GUEST_VGA) ||
	    !memmap_reserve(map, GUEST_BIOS, GUEST_HIGH))
		return "the memory map is full";
	for (unsigned i = 0; i < n_reserved; i++) {
		uint64_t end = reserved[i].start + reserved[i].size;

		if (end < reserved[i].start)
			return "a reserved range wraps around";
		if (!memmap_reserve(map, reserved[i].start, end))
			return "too many reserved ranges";
	}
	memmap_sort(map);
	return NULL;
}

bool memmap_is_ram(const struct memmap *map, uint64_t start, uint64_t size)
{
	for (unsigned i = 0; i < map->n; i++) {
		uint64_t off = start - map->entry[i].start;

		if (map->entry[i].type == MEMMAP_RAM && off < map->entry[i].size &&
		    size <= map->entry[i].size - off)
			return true;
	}
	return false;
}

static const struct gpa_range *overlapping(uint64_t start, uint64_t size,
                                           const struct gpa_range *avoid, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (avoid[i].size && start < avoid[i].start + avoid[i].size &&
		    avoid[i].start < start + size)
			return &avoid[i];
	return NULL;
}

static uint64_t align_up(uint64_t v, uint64_t align)
{
	uint64_t up = (v + align - 1) & ~(align - 1);

	return up < v ? UINT64_MAX : up;
}

/* The lowest place within [low, high), one contiguous range of RAM.  Each step moves past one of
 * `avoid` for good, so the loop ends. */
static uint64_t place_low(uint64_t low, uint64_t high, uint64_t size, uint64_t align,
                          const struct gpa_range *avoid, unsigned n)
{
	const struct gpa_range *hit;
	uint64_t at = align_up(low, align);

	while (at < high && size <= high - at) {
		hit = overlapping(at, size, avoid, n);
		if (!hit)
			return at;
		at = align_up(hit->start + hit->size, align);
	}
	return UINT64_MAX;
}

static uint64_t place_high(uint64_t low, uint64_t high, uint64_t size, uint64_t align,
                           const struct gpa_range *avoid, unsigned n)
{
	const struct gpa_range *hit;
	uint64_t top = high;

	while (top > low && size <= top - low) {
		uint64_t at = (top - size) & ~(align - 1);

		if (at < low)
			break;
		hit = overlapping(at, size, avoid, n);
		if (!hit)
			return at;
		top = hit->start;
	}
	return UINT64_MAX;
}

uint64_t memmap_place(const struct memmap *map, uint64_t size, uint64_t align, uint64_t min,
                      uint64_t max, const struct gpa_range *avoid, unsigned n, bool high)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < map->n; i++) {
		uint64_t s = map->entry[i].start, e = s + map->entry[i].size, at;

		s = s < min ? min : s;
		e = e > max ? max : e;
		if (map->entry[i].type != MEMMAP_RAM || s >= e)
			continue;
		if (!high) {
			at = place_low(s, e, size, align, avoid, n);
			if (at != UINT64_MAX)
				return at;
			continue;
		}
		at = place_high(s, e, size, align, avoid, n);
		if (at != UINT64_MAX)
			best = at;
	}
	return best;
}
