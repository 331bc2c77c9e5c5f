/* SPDX-License-Identifier: BSD-2-Clause */
/* pages.c: see pages.h. */
#include "arch/x86_64/iommu/pages.h"
#include "lib/mem.h"

#define PAGE_SHIFT 12u
#define PAGE_BYTES 4096ul
#define ENTRIES    512u
#define LINE       64u
#define ADDRESS    0x000ffffffffff000ul

void iommu_write_back(const void *at, size_t size)
{
	uintptr_t line = (uintptr_t)at & ~(uintptr_t)(LINE - 1);

	for (; line < (uintptr_t)at + size; line += LINE)
		__asm__ volatile("clflush (%0)" : : "r"(line) : "memory");
	__asm__ volatile("mfence" : : : "memory");
}

static void written(const struct iommu_pages *p, const void *at, size_t size)
{
	if (p->flush_lines)
		iommu_write_back(at, size);
}

/* An IOMMU may read the entry at any time: it changes in one store. */
static void store(const struct iommu_pages *p, uint64_t *slot, uint64_t entry)
{
	__atomic_store_n(slot, entry, __ATOMIC_RELEASE);
	written(p, slot, sizeof *slot);
}

static uint64_t *new_table(const struct iommu_pages *p)
{
	uint64_t *t = mem_zalloc(PAGE_BYTES);

	if (t)
		written(p, t, PAGE_BYTES);
	return t;
}

bool iommu_pages_init(struct iommu_pages *p)
{
	p->root = new_table(p);
	return p->root;
}

/* The shift of an entry of the root: 30 or 39. */
static unsigned top_shift(const struct iommu_pages *p)
{
	return PAGE_SHIFT + 9 * (p->levels - 1);
}

static bool is_present(const struct iommu_pages *p, uint64_t entry)
{
	return entry & p->format->present;
}

static uint64_t table_entry(const struct iommu_pages *p, const uint64_t *t, unsigned level)
{
	const struct iommu_format *f = p->format;

	return (uint64_t)(uintptr_t)t | f->table | (f->level ? (uint64_t)level << f->level : 0);
}

/* Does the entry, of which each maps 1 << shift bytes, point to a table? */
static bool is_table(const struct iommu_pages *p, uint64_t entry, unsigned shift)
{
	const struct iommu_format *f = p->format;

	if (shift == PAGE_SHIFT || !is_present(p, entry))
		return false;
	return f->level ? entry >> f->level & 7 : !(entry & f->large);
}

static uint64_t *table_in(uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(entry & ADDRESS);
}

/* The table below the slot, allocated if there is none; NULL: out of memory, or a page is there. */
static uint64_t *next_table(const struct iommu_pages *p, uint64_t *slot, unsigned shift)
{
	uint64_t *t;

	if (is_present(p, *slot))
		return is_table(p, *slot, shift) ? table_in(*slot) : NULL;
	t = new_table(p);
	if (t)
		store(p, slot, table_entry(p, t, (shift - PAGE_SHIFT) / 9));
	return t;
}

static bool map_page(struct iommu_pages *p, uint64_t at, uint64_t to, unsigned shift)
{
	uint64_t *t = p->root, *slot;

	for (unsigned s = top_shift(p); s > shift; s -= 9) {
		t = next_table(p, &t[at >> s & (ENTRIES - 1)], s);
		if (!t)
			return false;
	}
	slot = &t[at >> shift & (ENTRIES - 1)];
	if (is_present(p, *slot))
		return false;
	store(p, slot, to | p->format->leaf | (shift > PAGE_SHIFT ? p->format->large : 0));
	return true;
}

static bool fits(uint64_t at, uint64_t to, uint64_t size, unsigned shift)
{
	return !((at | to) & ((1ul << shift) - 1)) && size >> shift;
}

/* Where the translation of an address ends: the entry and its shift. */
static uint64_t *find_slot(const struct iommu_pages *p, uint64_t at, unsigned *shift)
{
	uint64_t *t = p->root;

	for (*shift = top_shift(p);; *shift -= 9) {
		uint64_t *slot = &t[at >> *shift & (ENTRIES - 1)];

		if (!is_table(p, *slot, *shift))
			return slot;
		t = table_in(*slot);
	}
}

/* The largest page for the start of the range; where a table is left of an earlier mapping, one
 * that fits below it. */
static unsigned best_shift(const struct iommu_pages *p, uint64_t at, uint64_t to, uint64_t size)
{
	unsigned there;

	find_slot(p, at, &there);
	if (p->gib && there >= 30 && fits(at, to, size, 30))
		return 30;
	return p->mib2 && there >= 21 && fits(at, to, size, 21) ? 21 : PAGE_SHIFT;
}

static bool reaches(const struct iommu_pages *p, uint64_t at, uint64_t size)
{
	uint64_t end = 1ul << (top_shift(p) + 9);

	return at < end && size <= end - at;
}

bool iommu_pages_map(struct iommu_pages *p, uint64_t at, uint64_t to, uint64_t size)
{
	if (!reaches(p, at, size))
		return false;
	while (size) {
		unsigned shift = best_shift(p, at, to, size);

		if (!map_page(p, at, to, shift))
			return false;
		at += 1ul << shift;
		to += 1ul << shift;
		size -= 1ul << shift;
	}
	return true;
}

void iommu_pages_unmap(struct iommu_pages *p, uint64_t at, uint64_t to, uint64_t size)
{
	if (!reaches(p, at, size))
		return;
	while (size) {
		unsigned shift;
		uint64_t *slot = find_slot(p, at, &shift), inside = at & ((1ul << shift) - 1);
		uint64_t step = (1ul << shift) - inside;

		if (!inside && step <= size && is_present(p, *slot) && (*slot & ADDRESS) == to)
			store(p, slot, 0);
		step = step < size ? step : size;
		at += step;
		to += step;
		size -= step;
	}
}

static void free_level(const struct iommu_pages *p, uint64_t *t, unsigned shift)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (is_table(p, t[i], shift))
			free_level(p, table_in(t[i]), shift - 9);
	mem_zfree(t, PAGE_BYTES);
}

void iommu_pages_free(struct iommu_pages *p)
{
	if (p->root)
		free_level(p, p->root, top_shift(p));
	p->root = NULL;
}
