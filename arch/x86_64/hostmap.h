/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostmap.h: page tables for the VMM's own address space, physical = virtual.
 *
 * No page is writable and executable, and none is a user page: SMEP and SMAP then have nothing to
 * allow.  A page that is not mapped has an entry of zeroes, so that it names no address either.
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

/* An empty map; panics when there is no memory below 4 GiB, as the others here do. */
uint64_t *hostmap_create(void);

/* Maps the page of 1 << shift bytes (30, 21 or 12) at `at`, where nothing is mapped yet, for reads
 * and writes.  `cached`: else as device memory. */
void hostmap_add(uint64_t *map, paddr_t at, unsigned shift, bool cached);

/* Gives the pages that [start, end) touches another access; larger ones are split.  What was never
 * mapped stays so, but a 4 KiB page that lost its access can get one again, as cached memory.  The
 * caller flushes the TLB. */
void hostmap_protect(uint64_t *map, paddr_t start, paddr_t end, enum host_access access);

/* The access that the map gives to an address. */
enum host_access hostmap_access(const uint64_t *map, paddr_t at);
#endif
