/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages.h: the page tables of a device's domain, from its addresses to physical ones, in either
 * vendor's format: AMD's host page tables (AMD I/O Virtualization Technology Specification 3.05,
 * 2.2.3), Intel's second-level ones (VT-d 3.3, 9.8).
 *
 * Nothing here touches an IOMMU: after a change that takes something away the caller flushes.
 */
#ifndef ARCH_IOMMU_PAGES_H
#define ARCH_IOMMU_PAGES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bits of one vendor's format. */
struct iommu_format {
	uint64_t present; /* any of these bits set: the entry is present */
	uint64_t leaf;    /* bits of an entry that maps memory, for reads and writes */
	uint64_t large;   /* and of one above the last level */
	uint64_t table;   /* bits of an entry that points to a table */
	unsigned level;   /* of such an entry: where the level of that table is; 0: nowhere */
};

struct iommu_pages {
	const struct iommu_format *format;
	uint64_t *root;
	unsigned levels;  /* 3 or 4: addresses of 39 or 48 bits */
	bool mib2, gib;   /* are pages of 2 MiB, of 1 GiB allowed? */
	bool flush_lines; /* the IOMMU reads memory past the caches: what is written is flushed */
};

/* Allocates an empty root table; all other fields were set before.  false: out of memory. */
bool iommu_pages_init(struct iommu_pages *p);

/*
 * Maps [at, at + size) to [to, ...) by the largest pages that fit; all are multiples of 4 KiB.
 * false, with what was mapped until then in place: out of memory, above the addresses that the
 * tables reach, or something is mapped there.
 */
bool iommu_pages_map(struct iommu_pages *p, uint64_t at, uint64_t to, uint64_t size);

/* Removes what one call of iommu_pages_map() mapped with these arguments, also when it failed.
 * Tables stay. */
void iommu_pages_unmap(struct iommu_pages *p, uint64_t at, uint64_t to, uint64_t size);

/* Frees all tables; no IOMMU may use them any more. */
void iommu_pages_free(struct iommu_pages *p);

/* Writes memory back from the caches, for an IOMMU that reads past them. */
void iommu_write_back(const void *at, size_t size);
#endif
