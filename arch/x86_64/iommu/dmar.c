/* SPDX-License-Identifier: BSD-2-Clause */
/* The DMA remapping reporting structure (Intel VT-d 3.3, chapter 8). */
#include <string.h>
#include "arch/x86_64/acpi_tables.h"
#include "arch/x86_64/iommu/tables.h"
#include "lib/bytes.h"

#define BLOCKS       48 /* where the remapping structures begin */
#define FLAGS        37
#define FLAG_INTR    1
#define DRHD         0
#define DRHD_SIZE    16 /* up to its device scopes */
#define DRHD_ALL     1  /* of its flags: all functions of the segment that no other unit has */
#define RMRR         1
#define RMRR_SIZE    24
#define SCOPE_SIZE   6 /* up to its path */
#define SCOPE_DEVICE 1
#define SCOPE_BRIDGE 2
#define SCOPE_IOAPIC 3
#define SCOPE_HPET   4
#define PAGE         4096u

/* A device scope (8.3.1): `function` was reached by the path; a bridge stands for what is behind
 * it. */
struct scope {
	uint8_t type, id;
	bool found;
	uint16_t function, first, last;
};

/* Follows the path, a device and a function number on each bus, through bridges. */
static void follow_path(const uint8_t *s, iommu_bridge *bridge, struct scope *out)
{
	uint8_t bus = s[5], last = 0;

	for (unsigned at = SCOPE_SIZE;; at += 2) {
		out->function = (uint16_t)(bus << 8 | (s[at] & 31) << 3 | (s[at + 1] & 7));
		if (at + 2 == s[1])
			break;
		if (!bridge(out->function, &bus, &last))
			return;
	}
	out->found = true;
	out->first = out->last = out->function;
	if (out->type != SCOPE_BRIDGE)
		return;
	out->found = bridge(out->function, &bus, &last) && bus <= last;
	out->first = (uint16_t)(bus << 8);
	out->last = (uint16_t)(last << 8 | 0xff);
}

/* Reads the scope at `s`, of which `left` bytes may be read; its length, or 0: malformed. */
static size_t read_scope(const uint8_t *s, size_t left, iommu_bridge *bridge, struct scope *out)
{
	if (left < SCOPE_SIZE + 2 || s[1] < SCOPE_SIZE + 2 || s[1] > left || s[1] % 2)
		return 0;
	*out = (struct scope){.type = s[0], .id = s[4]};
	follow_path(s, bridge, out);
	return s[1];
}

/* NULL, or what there is too much of. */
static const char *add_scope(struct iommu_tables *t, const struct scope *s)
{
	const struct iommu_range own = {s->function, s->function}, behind = {s->first, s->last};

	if (!s->found)
		return NULL;
	if (s->type == SCOPE_IOAPIC || s->type == SCOPE_HPET)
		return iommu_add_source(t,
		                        (struct iommu_source){s->type == SCOPE_IOAPIC ? IOMMU_IOAPIC
		                                                                      : IOMMU_HPET,
		                                              s->id, s->function, 0})
		           ? NULL
		           : "has too many I/O APICs and HPETs";
	if (s->type != SCOPE_DEVICE && s->type != SCOPE_BRIDGE)
		return NULL;
	return iommu_add_range(t, own) && (s->type == SCOPE_DEVICE || iommu_add_range(t, behind))
	           ? NULL
	           : "has too many device scopes";
}

/* A segment other than 0 is not reached by the VMM: of its scopes nothing is kept. */
static const char *add_unit(struct iommu_tables *t, const uint8_t *b, size_t length,
                            iommu_bridge *bridge)
{
	uint64_t registers;
	uint16_t segment;
	struct scope s;
	const char *bad = NULL;

	if (length < DRHD_SIZE)
		return "has a block that is too short";
	segment = le16(b + 6);
	registers = le64(b + 8);
	if (!registers || registers % PAGE)
		return "names an IOMMU at an address that cannot be";
	for (unsigned i = 0; i < t->units; i++)
		if (t->unit[i].registers == registers)
			return "names an IOMMU twice";
	if (!iommu_add_unit(t, (struct iommu_unit){registers, segment, 0}))
		return "names too many IOMMUs";
	if (!segment && b[4] & DRHD_ALL && !iommu_add_range(t, (struct iommu_range){0, 0xffff}))
		return "has too many device scopes";
	for (size_t at = DRHD_SIZE, step; at < length && !bad; at += step) {
		step = read_scope(b + at, length - at, bridge, &s);
		if (!step)
			return "has a device scope that is malformed";
		if (!segment)
			bad = add_scope(t, &s);
	}
	return bad;
}

static const char *add_memory(struct iommu_tables *t, const uint8_t *b, size_t length,
                              iommu_bridge *bridge)
{
	uint64_t start, last;
	struct scope s;

	if (length < RMRR_SIZE)
		return "has a block that is too short";
	start = le64(b + 8);
	last = le64(b + 16);
	if (last < start || last - start == ~0ull)
		return "reserves memory that cannot be";
	for (size_t at = RMRR_SIZE, step; at < length; at += step) {
		step = read_scope(b + at, length - at, bridge, &s);
		if (!step)
			return "has a device scope that is malformed";
		if (le16(b + 6) || !s.found)
			continue;
		if (!iommu_add_reserved(
		        t, (struct iommu_reserved){start, last - start + 1, s.first, s.last}))
			return "reserves too many ranges of memory";
	}
	return NULL;
}

const char *iommu_dmar_parse(const void *table, size_t size, iommu_bridge *bridge,
                             struct iommu_tables *out)
{
	const uint8_t *bytes = table;
	const struct acpi_header *h = table;
	struct iommu_tables t;
	const char *bad = NULL;
	size_t length;

	if (size < BLOCKS || memcmp(h->signature, "DMAR", 4) || h->length > size ||
	    h->length < BLOCKS)
		return "is no DMAR";
	size = h->length;
	memset(&t, 0, sizeof t);
	t.remaps_interrupts = bytes[FLAGS] & FLAG_INTR;
	for (size_t at = BLOCKS; at < size && !bad; at += length) {
		const uint8_t *b = bytes + at;

		length = size - at < 4 ? 0 : le16(b + 2);
		if (length < 4 || length > size - at)
			return "has a block that overruns it";
		if (le16(b) == DRHD)
			bad = add_unit(&t, b, length, bridge);
		else if (le16(b) == RMRR)
			bad = add_memory(&t, b, length, bridge);
	}
	if (!bad && !t.units)
		bad = "names no IOMMU";
	if (!bad)
		*out = t;
	return bad;
}
