/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's page tables (AMD APM vol. 2, 5.3; Intel SDM vol. 3, 4.5): 1 GiB, 2 MiB and 4 KiB. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hostmap.h"
#include "arch/x86_64/panic.h"
#include "lib/mem.h"

#define PTE_P    0x1ul
#define PTE_W    0x2ul
#define PTE_PWT  0x8ul
#define PTE_PCD  0x10ul
#define PTE_PS   0x80ul
#define PTE_NX   (1ul << 63)
#define PTE_ADDR 0x000ffffffffff000ul
#define PTE_UC   (PTE_PCD | PTE_PWT)
#define TOP      39u /* shift of the root's entries */
#define PAGE     12u

static const uint64_t bits_of[] = {
    [HOST_READ] = PTE_P | PTE_NX, [HOST_WRITE] = PTE_P | PTE_W | PTE_NX, [HOST_EXECUTE] = PTE_P};

/* Below 4 GiB: the boot page tables map no more, and a starting core loads CR3 in 32-bit mode. */
static uint64_t *new_table(void)
{
	uint64_t *t = mem_zalloc_below(PAGE_SIZE, 4 * GIB);

	if (!t)
		panic("not enough memory for page tables");
	return t;
}

uint64_t *hostmap_create(void)
{
	return new_table();
}

static uint64_t *slot_at(uint64_t *table, paddr_t at, unsigned shift)
{
	return &table[at >> shift & 511];
}

static uint64_t *table_in(uint64_t entry)
{
	return (uint64_t *)(entry & PTE_ADDR);
}

/* Does the entry map a page?  1 << shift: the bytes covered by each entry of its table. */
static bool is_leaf(uint64_t entry, unsigned shift)
{
	return shift == PAGE || entry & PTE_PS;
}

void hostmap_add(uint64_t *map, paddr_t at, unsigned shift, bool cached)
{
	uint64_t *t = map;

	for (unsigned level = TOP; level > shift; level -= 9) {
		uint64_t *slot = slot_at(t, at, level);

		if (!*slot)
			*slot = (uint64_t)new_table() | PTE_P | PTE_W;
		t = table_in(*slot);
	}
	*slot_at(t, at, shift) =
	    at | bits_of[HOST_WRITE] | (cached ? 0 : PTE_UC) | (shift > PAGE ? PTE_PS : 0);
}

/* Replaces a page by a table of 512 smaller ones with the same mapping.  The entry changes in one
 * store, so other cores may use the mapping meanwhile. */
static void split_page(uint64_t *slot, unsigned shift)
{
	uint64_t *t = new_table();
	unsigned below = shift - 9;
	uint64_t same = *slot & ~(below == PAGE ? PTE_PS : 0);

	for (uint64_t i = 0; i < 512; i++)
		t[i] = same | i << below;
	*slot = (uint64_t)t | PTE_P | PTE_W;
}

/* Sets the access of the largest page at `at` that ends within `end`; returns the address after it.
 */
static paddr_t protect_one(uint64_t *map, paddr_t at, paddr_t end, enum host_access access)
{
	uint64_t *t = map, *slot;
	unsigned shift = TOP;
	uint64_t kept;

	for (;; shift -= 9, t = table_in(*slot)) {
		uint64_t size = 1ul << shift;

		slot = slot_at(t, at, shift);
		if (!*slot && shift > PAGE)
			return (at | (size - 1)) + 1; /* the whole range of the entry is unmapped */
		if (!is_leaf(*slot, shift))
			continue;
		if (shift == PAGE || (!(at & (size - 1)) && end - at >= size))
			break;
		split_page(slot, shift);
	}
	kept = *slot & (PTE_PS | PTE_UC);
	*slot = access == HOST_NONE ? 0 : at | kept | bits_of[access];
	return at + (1ul << shift);
}

void hostmap_protect(uint64_t *map, paddr_t start, paddr_t end, enum host_access access)
{
	paddr_t at = start & ~(PAGE_SIZE - 1);

	end = (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	while (at < end)
		at = protect_one(map, at, end, access);
}
