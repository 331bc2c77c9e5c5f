/* SPDX-License-Identifier: BSD-2-Clause */
/* Nested page tables: guest-physical to host-physical, either vendor's format by struct npt_format.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/npt.h"
#include "lib/mem.h"
#include "lib/spinlock.h"

/* The root table, which the CPU uses, followed by the VMM's own data. */
struct npt {
	uint64_t table[512];
	uint64_t *spare;      /* preallocated tables, linked by their first words */
	struct spinlock lock; /* for `spare` and for splitting large pages */
};

static uint64_t *new_table(void)
{
	return mem_zalloc(PAGE_SIZE);
}

uint64_t npt_create(void)
{
	return (uint64_t)mem_zalloc(sizeof(struct npt));
}

/* --- preallocated tables -------------------------------------------------------------------- */

static bool preallocate_tables(struct npt *n, unsigned tables)
{
	for (; tables; tables--) {
		uint64_t *t = new_table();

		if (!t)
			return false;
		*t = (uint64_t)n->spare;
		n->spare = t;
	}
	return true;
}

static uint64_t *take_spare(struct npt *n)
{
	uint64_t *t = n->spare;

	if (t)
		n->spare = (uint64_t *)*t;
	return t;
}

/* A page of 2 MiB becomes one table, one of 1 GiB a table of 512 such pages. */
static unsigned tables_to_split(unsigned shift)
{
	return shift == 12 ? 0 : shift == 21 ? 1 : 1 + 512;
}

/* --- mapping -------------------------------------------------------------------------------- */

/* The table that `slot` points to, allocated if absent; NULL without memory, or for a large page.
 */
static uint64_t *next_level(const struct npt_format *f, uint64_t *slot)
{
	if (!(*slot & f->present)) {
		uint64_t *t = new_table();

		if (!t)
			return NULL;
		__atomic_store_n(slot, (uint64_t)t | f->table, __ATOMIC_RELEASE);
	}
	return *slot & f->large ? NULL : (uint64_t *)(*slot & NPT_ADDR);
}

/* Maps one page of 1 << shift bytes. */
static bool map_page(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa,
                     unsigned shift, uint64_t leaf)
{
	uint64_t *t = (uint64_t *)root;
	uint64_t *slot;

	for (unsigned level = 39; level > shift; level -= 9) {
		t = next_level(f, &t[gpa >> level & 511]);
		if (!t)
			return false;
	}
	slot = &t[gpa >> shift & 511];
	if (*slot & f->present)
		return false;
	__atomic_store_n(slot, hpa | leaf | (shift > 12 ? f->large : 0), __ATOMIC_RELEASE);
	return true;
}

/* The largest page that starts at both addresses and ends within `size`. */
static unsigned best_shift(const struct npt_format *f, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	for (unsigned shift = f->gib_pages() ? 30 : 21; shift > 12; shift -= 9) {
		uint64_t bytes = 1ul << shift;

		if (!((gpa | hpa) & (bytes - 1)) && size >= bytes)
			return shift;
	}
	return 12;
}

/* The bits of an entry that maps memory. */
static uint64_t ram_leaf(const struct npt_format *f, unsigned shift)
{
	return f->ram & ~(shift > 12 && f->small_fetch() ? f->fetch : 0);
}

/* Marks what is no RAM.  Both vendors' CPUs ignore the bit (AMD APM vol. 2, 5.3.3: available; Intel
 * SDM vol. 3, 28.3.2: ignored), and without it memory in common looks like RAM from which fetches
 * are not allowed yet. */
#define NOT_RAM (1ul << 11)

/* The bits of an entry. */
static uint64_t leaf_bits(const struct npt_format *f, enum npt_use use, unsigned shift)
{
	switch (use) {
	case NPT_RAM:
		break;
	case NPT_DEVICE:
		return f->device | NOT_RAM;
	case NPT_SHOWN:
		return f->shown | NOT_RAM;
	case NPT_SHARED:
		return f->shared | NOT_RAM;
	}
	return ram_leaf(f, shift);
}

/* Where a translation ends: the entry that maps the address, or one that is not present. */
struct leaf {
	uint64_t *slot;
	uint64_t entry; /* read once: another core may change it */
	unsigned shift;
};

static struct leaf find_leaf(const struct npt_format *f, uint64_t root, uint64_t gpa)
{
	uint64_t *t = (uint64_t *)root;

	for (unsigned shift = 39;; shift -= 9) {
		uint64_t *slot = &t[gpa >> shift & 511];
		uint64_t entry = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

		if (shift == 12 || !(entry & f->present) || (entry & f->large))
			return (struct leaf){slot, entry, shift};
		t = (uint64_t *)(entry & NPT_ADDR);
	}
}

bool npt_map(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size,
             enum npt_use use)
{
	while (size) {
		unsigned shift = best_shift(f, gpa, hpa, size);
		unsigned there = find_leaf(f, root, gpa).shift;

		/* A table stays when its pages were unmapped. */
		if (there < shift)
			shift = there;
		if (!map_page(f, root, gpa, hpa, shift, leaf_bits(f, use, shift)))
			return false;
		if (use == NPT_RAM && f->small_fetch() &&
		    !preallocate_tables((struct npt *)root, tables_to_split(shift)))
			return false;
		gpa += 1ul << shift;
		hpa += 1ul << shift;
		size -= 1ul << shift;
	}
	return true;
}

void npt_unmap(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	while (size) {
		struct leaf l = find_leaf(f, root, gpa);
		uint64_t inside = gpa & ((1ul << l.shift) - 1), step = (1ul << l.shift) - inside;

		if (!inside && step <= size && (l.entry & f->present) &&
		    (l.entry & NPT_ADDR) == hpa)
			__atomic_store_n(l.slot, 0, __ATOMIC_RELAXED);
		step = step < size ? step : size;
		gpa += step;
		hpa += step;
		size -= step;
	}
}

/* --- fetches -------------------------------------------------------------------------------- */

/* The CPU may use the entry meanwhile: the new table is complete before the entry points to it. */
static bool split_page(const struct npt_format *f, struct npt *n, const struct leaf *l)
{
	uint64_t *t = take_spare(n);
	unsigned below = l->shift - 9;
	uint64_t hpa = l->entry & NPT_ADDR, leaf = ram_leaf(f, below) | (below > 12 ? f->large : 0);

	if (!t)
		return false;
	for (uint64_t i = 0; i < 512; i++)
		t[i] = (hpa + (i << below)) | leaf;
	__atomic_store_n(l->slot, (uint64_t)t | f->table, __ATOMIC_RELEASE);
	return true;
}

/* Whether it maps a large page of RAM from which fetches are not allowed yet. */
static bool may_split(const struct npt_format *f, const struct leaf *l)
{
	return l->shift > 12 && (l->entry & ~NPT_ADDR) == (ram_leaf(f, l->shift) | f->large) &&
	       !(l->entry & f->fetch);
}

bool npt_allow_fetch(const struct npt_format *f, uint64_t root, uint64_t gpa)
{
	struct npt *n = (struct npt *)root;
	struct leaf l;

	spin_lock(&n->lock);
	l = find_leaf(f, root, gpa);
	while (may_split(f, &l) && split_page(f, n, &l))
		l = find_leaf(f, root, gpa);
	spin_unlock(&n->lock);
	return (l.entry & f->present) && (l.entry & f->fetch);
}

/* --- destruction ---------------------------------------------------------------------------- */

static void destroy_level(const struct npt_format *f, uint64_t *t, unsigned level)
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t *below;

		if (!(t[i] & f->present) || (t[i] & f->large))
			continue;
		below = (uint64_t *)(t[i] & NPT_ADDR);
		if (level > 21)
			destroy_level(f, below, level - 9);
		mem_zfree(below, PAGE_SIZE);
	}
}

void npt_destroy(const struct npt_format *f, uint64_t root)
{
	struct npt *n = (struct npt *)root;
	uint64_t *t;

	destroy_level(f, n->table, 39);
	while ((t = take_spare(n)))
		mem_zfree(t, PAGE_SIZE);
	mem_zfree(n, sizeof *n);
}
