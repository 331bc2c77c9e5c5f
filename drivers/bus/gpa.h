/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gpa.h: the VMM's only access to guest memory.
 *
 * A guest's memory is a few contiguous regions, each with a guest-physical start (GPA), a length
 * and the VMM's pointer to it.  Every address that comes from a guest is checked by gmem_ptr()
 * before it is used.
 */
#ifndef DRIVERS_BUS_GPA_H
#define DRIVERS_BUS_GPA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GMEM_REGIONS 6

struct gmem_region {
	uint64_t gpa, size; /* bytes */
	uint8_t *hva;       /* the VMM's pointer to the first byte */
};

/* The last `common` of the n regions are memory that the guest shares with others: its devices
 * reach it, and it is not part of the guest's memory map. */
struct gmem {
	unsigned n, common;
	struct gmem_region region[GMEM_REGIONS];
};

/*
 * The VMM's pointer to `len` bytes at `gpa`, or NULL when they do not lie wholly inside one region.
 * len 0 is allowed and checks only the address.  Wrapping ranges are refused.
 */
static inline void *gmem_ptr(const struct gmem *m, uint64_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct gmem_region *r = &m->region[i];
		uint64_t off = gpa - r->gpa;

		if (off < r->size && len <= r->size - off)
			return r->hva + off;
	}
	return NULL;
}

/* Adds a region of the guest's own memory, before any in common; false when the table is full, or
 * when the region is empty, wraps or overlaps. */
bool gmem_add(struct gmem *m, uint64_t gpa, uint64_t size, void *hva);

/* The same for memory in common with other guests; what is in it may change at any time.  It is
 * added and removed while the guest does not run. */
bool gmem_add_common(struct gmem *m, uint64_t gpa, uint64_t size, void *hva);
void gmem_remove_common(struct gmem *m, uint64_t gpa);

/* How many regions, the first ones, are the guest's own memory. */
static inline unsigned gmem_own(const struct gmem *m)
{
	return m->n - m->common;
}

/* Copies between the VMM and guest memory; may cross from one region into the next.
 * false when some byte is not guest memory; a part may have been copied. */
bool gmem_read(const struct gmem *m, uint64_t gpa, void *dst, size_t len);
bool gmem_write(const struct gmem *m, uint64_t gpa, const void *src, size_t len);
#endif
