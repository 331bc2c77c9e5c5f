/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O virtualization reporting structure (AMD I/O Virtualization Technology Specification 3.05,
 * 5.2): which IOMMUs there are, and with which IDs requests come to them. */
#include <string.h>
#include "arch/x86_64/acpi_tables.h"
#include "arch/x86_64/iommu/tables.h"
#include "lib/bytes.h"

#define BLOCKS         48 /* where the blocks begin */
#define IVHD_10        0x10
#define IVHD_11        0x11
#define IVHD_40        0x40
#define IVHD_10_SIZE   24 /* up to its device entries */
#define IVHD_11_SIZE   40
#define IVMD_ALL       0x20
#define IVMD_ONE       0x21
#define IVMD_RANGE     0x22
#define IVMD_SIZE      32
#define REGISTER_BYTES 0x4000u

/* Device entries (5.2.2.1 and following). */
#define ENTRY_ALL         1
#define ENTRY_ONE         2
#define ENTRY_RANGE       3
#define ENTRY_RANGE_END   4
#define ENTRY_ALIAS       0x42
#define ENTRY_ALIAS_RANGE 0x43
#define ENTRY_EXT_ONE     0x46
#define ENTRY_EXT_RANGE   0x47
#define ENTRY_SPECIAL     0x48
#define ENTRY_HID         0xf0
#define HID_SIZE          22u
#define SPECIAL_IOAPIC    1
#define SPECIAL_HPET      2

/* The block at offset `at` of the table; NULL: it overruns the table, or is no block. */
static const uint8_t *block_at(const uint8_t *table, size_t size, size_t at, size_t *length)
{
	if (size - at < 4)
		return NULL;
	*length = le16(table + at + 2);
	return *length >= 4 && *length <= size - at ? table + at : NULL;
}

/* Tables list an IOMMU once for each type of block, for older and newer systems: those of the
 * highest type count (5.2.2).  0: no IOMMU. */
static uint8_t highest_type(const uint8_t *table, size_t size)
{
	uint8_t type = 0;
	size_t length;

	for (size_t at = BLOCKS; at < size; at += length) {
		const uint8_t *b = block_at(table, size, at, &length);

		if (!b)
			return type;
		if ((*b == IVHD_10 || *b == IVHD_11 || *b == IVHD_40) && *b > type)
			type = *b;
	}
	return type;
}

/* --- device entries ------------------------------------------------------------------------- */

/* The length of the entry, of which `left` bytes may be read; 0: it overruns its block. */
static size_t entry_length(const uint8_t *e, size_t left)
{
	size_t length = e[0] < 0x40 ? 4 : e[0] < 0x80 ? 8 : e[0] < 0xc0 ? 16 : 32;

	if (e[0] == ENTRY_HID)
		length = left >= HID_SIZE ? HID_SIZE + e[HID_SIZE - 1] : left + 1;
	return length <= left ? length : 0;
}

/* A range that waits for its end. */
struct range {
	bool open, has_alias;
	uint16_t first, as;
};

/* NULL, or what there is too much of. */
static const char *add_functions(struct iommu_tables *t, uint16_t first, uint16_t last)
{
	return iommu_add_range(t, (struct iommu_range){first, last}) ? NULL
	                                                             : "has too many entries";
}

static const char *add_alias(struct iommu_tables *t, uint16_t first, uint16_t last, uint16_t as)
{
	return iommu_add_alias(t, (struct iommu_alias){first, last, as})
	           ? add_functions(t, first, last)
	           : "has too many aliases";
}

static const char *begin_range(struct range *r, const struct range *next)
{
	if (r->open)
		return "has a range of functions without an end";
	*r = *next;
	return NULL;
}

static const char *end_range(struct iommu_tables *t, struct range *r, uint16_t last)
{
	if (!r->open)
		return "has a range of functions without a beginning";
	r->open = false;
	if (last < r->first)
		return "has a range of functions that ends before it begins";
	return r->has_alias ? add_alias(t, r->first, last, r->as)
	                    : add_functions(t, r->first, last);
}

static const char *add_entry(struct iommu_tables *t, const uint8_t *e, struct range *r)
{
	uint16_t function = le16(e + 1);

	switch (e[0]) {
	case ENTRY_ALL:
		return add_functions(t, 0, 0xffff);
	case ENTRY_ONE:
	case ENTRY_EXT_ONE:
		return add_functions(t, function, function);
	case ENTRY_ALIAS:
		return add_alias(t, function, function, le16(e + 5));
	case ENTRY_RANGE:
	case ENTRY_EXT_RANGE:
		return begin_range(r, &(struct range){true, false, function, 0});
	case ENTRY_ALIAS_RANGE:
		return begin_range(r, &(struct range){true, true, function, le16(e + 5)});
	case ENTRY_RANGE_END:
		return end_range(t, r, function);
	case ENTRY_SPECIAL:
		if (e[7] != SPECIAL_IOAPIC && e[7] != SPECIAL_HPET)
			return NULL;
		return iommu_add_source(
		           t,
		           (struct iommu_source){e[7] == SPECIAL_IOAPIC ? IOMMU_IOAPIC : IOMMU_HPET,
		                                 e[4], le16(e + 5), e[3]})
		           ? NULL
		           : "has too many I/O APICs and HPETs";
	}
	return NULL;
}

static const char *add_entries(struct iommu_tables *t, const uint8_t *e, size_t left)
{
	struct range r = {false, false, 0, 0};

	while (left) {
		size_t length = entry_length(e, left);
		const char *bad =
		    length ? add_entry(t, e, &r) : "has an entry that overruns its block";

		if (bad)
			return bad;
		e += length;
		left -= length;
	}
	return r.open ? "has a range of functions without an end" : NULL;
}

/* --- blocks --------------------------------------------------------------------------------- */

static bool has_unit(const struct iommu_tables *t, uint64_t registers)
{
	for (unsigned i = 0; i < t->units; i++)
		if (t->unit[i].registers == registers)
			return true;
	return false;
}

static const char *add_unit(struct iommu_tables *t, const uint8_t *b, size_t length)
{
	size_t entries = b[0] == IVHD_10 ? IVHD_10_SIZE : IVHD_11_SIZE;
	uint64_t registers;
	uint16_t segment;

	if (length < entries)
		return "has a block that is too short";
	registers = le64(b + 8);
	segment = le16(b + 16);
	if (!registers || registers % REGISTER_BYTES)
		return "names an IOMMU at an address that cannot be";
	if (has_unit(t, registers))
		return "names an IOMMU twice";
	if (!iommu_add_unit(t, (struct iommu_unit){registers, segment, b[1]}))
		return "names too many IOMMUs";
	return segment ? NULL : add_entries(t, b + entries, length - entries);
}

static const char *add_memory(struct iommu_tables *t, const uint8_t *b, size_t length)
{
	struct iommu_reserved r = {.first = 0, .last = 0xffff};

	if (length < IVMD_SIZE)
		return "has a block that is too short";
	r.start = le64(b + 16);
	r.size = le64(b + 24);
	if (b[0] != IVMD_ALL)
		r.first = r.last = le16(b + 4);
	if (b[0] == IVMD_RANGE)
		r.last = le16(b + 6);
	if (!r.size || r.start + r.size - 1 < r.start || r.last < r.first)
		return "reserves memory that cannot be";
	return iommu_add_reserved(t, r) ? NULL : "reserves too many ranges of memory";
}

/* A block of a lower type must be about an IOMMU that one of the highest type names, too: else that
 * one would be left out.  All blocks are inside the table. */
static bool names_all(const struct iommu_tables *t, const uint8_t *table, size_t size)
{
	size_t length;

	for (size_t at = BLOCKS; at < size; at += length) {
		const uint8_t *b = block_at(table, size, at, &length);

		if ((*b == IVHD_10 || *b == IVHD_11) &&
		    (length < IVHD_10_SIZE || !has_unit(t, le64(b + 8))))
			return false;
	}
	return true;
}

const char *iommu_ivrs_parse(const void *table, size_t size, struct iommu_tables *out)
{
	const uint8_t *b, *bytes = table;
	const struct acpi_header *h = table;
	struct iommu_tables t;
	const char *bad = NULL;
	size_t length;
	uint8_t type;

	if (size < BLOCKS || memcmp(h->signature, "IVRS", 4) || h->length > size ||
	    h->length < BLOCKS)
		return "is no IVRS";
	size = h->length;
	type = highest_type(bytes, size);
	memset(&t, 0, sizeof t);
	t.remaps_interrupts = true;
	for (size_t at = BLOCKS; at < size && !bad; at += length) {
		b = block_at(bytes, size, at, &length);
		if (!b)
			return "has a block that overruns it";
		if (b[0] == type)
			bad = add_unit(&t, b, length);
		else if (b[0] == IVMD_ALL || b[0] == IVMD_ONE || b[0] == IVMD_RANGE)
			bad = add_memory(&t, b, length);
	}
	if (!bad && !t.units)
		bad = "names no IOMMU";
	if (!bad && !names_all(&t, bytes, size))
		bad = "names an IOMMU only in a block of a lower type";
	if (!bad)
		*out = t;
	return bad;
}
