/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostmap.h: page tables for the VMM's own address space, physical = virtual.
 *
 * No page is both writable and executable, and none is a user page, so SMEP and SMAP can be on.  An
 * unmapped page has an all-zero entry, which holds no physical address that could be speculated on.
 */
#ifndef ARCH_HOSTMAP_H
#define ARCH_HOSTMAP_H
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"

enum host_access {
	HOST_NONE,
	HOST_READ,
	HOST_WRITE,   /* and read */
	HOST_EXECUTE, /* and read */
};

/* An empty map.  Like all functions here, panics when there is no memory below 4 GiB for a table.
 */
uint64_t *hostmap_create(void);

/* Maps the page of 1 << shift bytes (30, 21 or 12) at `at`, which must be unmapped, for reads
 * and writes: as cached memory, or uncached for a device. */
void hostmap_add(uint64_t *map, paddr_t at, unsigned shift, bool cached);

/* Changes the access of all pages that overlap [start, end); larger pages are split.  Ranges that
 * were never mapped stay unmapped; a 4 KiB page set to HOST_NONE can be mapped again, as cached
 * memory. The caller flushes the TLB. */
void hostmap_protect(uint64_t *map, paddr_t start, paddr_t end, enum host_access access);
#endif
