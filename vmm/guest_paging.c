/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_paging.c: translates guest-virtual addresses by the guest's page tables. */
#include <string.h>
#include "vmm/guest_paging.h"

#define CR0_WP   (1ull << 16)
#define CR0_PG   (1ull << 31)
#define CR4_PSE  (1ull << 4)
#define CR4_PAE  (1ull << 5)
#define CR4_LA57 (1ull << 12)
#define CR4_SMEP (1ull << 20)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)

#define PTE_P  (1ull << 0)
#define PTE_W  (1ull << 1)
#define PTE_U  (1ull << 2)
#define PTE_PS (1ull << 7)
#define PTE_NX (1ull << 63)

#define PAGE         4096ull
#define ADDRESS_BITS 0x000ffffffffff000ull /* a table or page address in an 8-byte entry */

/* The three page-table formats. */
struct format {
	unsigned levels, index_bits, entry_size;
	unsigned large_top; /* the highest level whose entries may map a page */
	bool top_unguarded; /* PAE: the top level's four entries carry no permissions */
	uint64_t root_mask;
};

static const struct format legacy = {2, 10, 4, 2, false, 0xfffff000};
static const struct format pae = {3, 9, 8, 2, true, 0xffffffe0};
static const struct format four_level = {4, 9, 8, 3, false, ADDRESS_BITS};

/* The rights that all entries so far allow. */
struct rights {
	bool write, user, fetch;
};

static bool allowed(const struct guest_paging *p, const struct rights *r, unsigned access)
{
	bool user = access & ACCESS_USER;

	if (user && !r->user)
		return false;
	if (access & ACCESS_WRITE && !r->write && (user || p->cr0 & CR0_WP))
		return false;
	if (access & ACCESS_FETCH && (!r->fetch || (!user && r->user && p->cr4 & CR4_SMEP)))
		return false;
	return true;
}

static bool maps_page(const struct guest_paging *p, const struct format *f, unsigned level,
                      uint64_t entry)
{
	if (level == 1)
		return true;
	if (level > f->large_top || !(entry & PTE_PS))
		return false;
	return f != &legacy || p->cr4 & CR4_PSE;
}

/* Reserved bits that are the same on every CPU.  Those that depend on the physical address width
 * are not checked: such an address is outside guest memory anyway. */
static bool reserved_bit_set(const struct guest_paging *p, const struct format *f, unsigned level,
                             bool leaf, uint64_t entry)
{
	if (f == &legacy)
		return leaf && level == 2 && entry & 1 << 21;
	if (entry & PTE_NX && !(p->efer & EFER_NXE))
		return true;
	if (leaf && level > 1) {
		unsigned shift = 12 + 9 * (level - 1);

		return entry & ((1ull << shift) - 1) & ~0x1fffull;
	}
	return f == &four_level && level == 4 && entry & PTE_PS;
}

static void restrict_rights(struct rights *r, uint64_t entry)
{
	r->write &= !!(entry & PTE_W);
	r->user &= !!(entry & PTE_U);
	r->fetch &= !(entry & PTE_NX);
}

static uint64_t leaf_address(const struct format *f, unsigned level, uint64_t entry, uint64_t gva)
{
	unsigned shift = 12 + f->index_bits * (level - 1);
	uint64_t offset = gva & ((1ull << shift) - 1);

	if (f == &legacy && level == 2) /* PSE-36: address bits 32 to 39 are in 13 to 20 */
		return (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32 | offset;
	return (entry & ADDRESS_BITS & ~((1ull << shift) - 1)) | offset;
}

static enum paging_fault translate_by_tables(const struct gmem *m, const struct guest_paging *p,
                                             const struct format *f, uint64_t gva, unsigned access,
                                             uint64_t *gpa)
{
	struct rights rights = {true, true, true};
	uint64_t table = p->cr3 & f->root_mask;

	for (unsigned level = f->levels; level; level--) {
		unsigned shift = 12 + f->index_bits * (level - 1);
		uint64_t entry = 0, index = gva >> shift & ((1u << f->index_bits) - 1);
		bool leaf;

		if (!gmem_read(m, table + index * f->entry_size, &entry, f->entry_size))
			return PAGING_NO_MEMORY;
		if (!(entry & PTE_P))
			return PAGING_NOT_PRESENT;
		leaf = maps_page(p, f, level, entry);
		if (reserved_bit_set(p, f, level, leaf, entry))
			return PAGING_RESERVED_BIT;
		if (!(f->top_unguarded && level == f->levels))
			restrict_rights(&rights, entry);
		if (leaf) {
			*gpa = leaf_address(f, level, entry, gva);
			return allowed(p, &rights, access) ? PAGING_OK : PAGING_PROTECTION;
		}
		table = entry & ADDRESS_BITS;
	}
	return PAGING_NOT_PRESENT;
}

enum paging_fault guest_translate(const struct gmem *m, const struct guest_paging *p, uint64_t gva,
                                  unsigned access, uint64_t *gpa)
{
	uint64_t at = 0;
	enum paging_fault fault = PAGING_OK;

	if (!(p->efer & EFER_LMA))
		gva &= UINT32_MAX;
	if (!(p->cr0 & CR0_PG)) {
		*gpa = gva;
		return PAGING_OK;
	}
	if (p->efer & EFER_LMA) {
		if (p->cr4 & CR4_LA57)
			return PAGING_FIVE_LEVEL;
		if (gva >> 47 != 0 && gva >> 47 != 0x1ffff)
			return PAGING_NON_CANONICAL;
		fault = translate_by_tables(m, p, &four_level, gva, access, &at);
	} else {
		fault =
		    translate_by_tables(m, p, p->cr4 & CR4_PAE ? &pae : &legacy, gva, access, &at);
	}
	if (fault == PAGING_OK)
		*gpa = at;
	return fault;
}

/* Bytes from gva to the end of its page, `len` at most. */
static size_t within_page(uint64_t gva, size_t len)
{
	size_t left = PAGE - gva % PAGE;

	return len < left ? len : left;
}

/* Reads bytes that are all in one page. */
static enum paging_fault read_page(const struct gmem *m, const struct guest_paging *p, uint64_t gva,
                                   uint8_t *bytes, size_t len)
{
	uint64_t gpa;
	enum paging_fault fault = guest_translate(m, p, gva, 0, &gpa);

	if (fault != PAGING_OK)
		return fault;
	return gmem_read(m, gpa, bytes, len) ? PAGING_OK : PAGING_NO_MEMORY;
}

enum paging_fault guest_fetch(const struct gmem *m, const struct guest_paging *p, uint64_t gva,
                              uint8_t bytes[15], size_t *got)
{
	size_t first = within_page(gva, 15);
	enum paging_fault fault = read_page(m, p, gva, bytes, first);

	*got = 0;
	if (fault != PAGING_OK)
		return fault;
	*got = first;
	/* The second page matters only if the instruction reaches it; its decoder finds out. */
	if (first < 15 && read_page(m, p, gva + first, bytes + first, 15 - first) == PAGING_OK)
		*got = 15;
	return PAGING_OK;
}
