/* SPDX-License-Identifier: BSD-2-Clause */
/* paging.h: the VMM's own map of memory; its tables are hostmap.h's. */
#ifndef ARCH_PAGING_H
#define ARCH_PAGING_H
#include <stdint.h>
#include "arch/x86_64/cpu.h"

struct core_stacks;

extern paddr_t host_cr3; /* 0 before paging_init() */

/* Makes the VMM's own map, all memory and the first 4 GiB, identity, each kind with its access, and
 * takes it on this core. */
void paging_init(void);

/* Takes the pages below a core's stacks out of the map, before the core starts; and back in. */
void paging_guard(struct core_stacks *s);
void paging_unguard(struct core_stacks *s);

/* In words, what an exception with this error code and this address in CR2 was; NULL: nothing that
 * the map could say. */
const char *paging_explain(uint64_t vector, uint64_t error, paddr_t at);
#endif
