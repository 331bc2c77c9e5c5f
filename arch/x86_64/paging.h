/* SPDX-License-Identifier: BSD-2-Clause */
/* paging.h: the VMM's own address space, built with hostmap.h. */
#ifndef ARCH_PAGING_H
#define ARCH_PAGING_H
#include <stdint.h>
#include "arch/x86_64/cpu.h"

struct core_stacks;

extern paddr_t host_cr3; /* 0 before paging_init() */

/* Builds the VMM's identity map of all memory and the first 4 GiB, with the access of each part,
 * and loads it on this core. */
void paging_init(void);

/* Unmaps the guard pages below a core's stacks, before the core starts; and maps them again. */
void paging_guard(struct core_stacks *s);
void paging_unguard(struct core_stacks *s);

/* Explains in words an exception with this error code and this address in CR2; NULL: the page
 * tables do not explain it. */
const char *paging_explain(uint64_t vector, uint64_t error, paddr_t at);
#endif
