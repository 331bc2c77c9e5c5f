/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.h: the switch's memory in a fuzzer.
 *
 * A switch has a megabyte of tables.  Allocated and cleared for each input, they left a few hundred
 * inputs a second.  Here the switch is built once, arena_keep() remembers what it looks like, and
 * arena_restore() brings that back before each input: one copy, no page fault.  Allocations are
 * apart from each other, and what is free is poisoned for the address sanitizer until the next
 * input, so that it sees an access beyond an end or after a free as it does with malloc(); large
 * ones alone are used again.
 */
#ifndef TESTS_FUZZ_ARENA_H
#define TESTS_FUZZ_ARENA_H
#include <stdbool.h>
#include "vnet/vnet.h"

/* As struct vnet_mem says: zeroed and aligned; NULL when the input has used everything. */
extern const struct vnet_mem arena_mem;

/* What is there now is what each input begins with.  Once, when the first input is there. */
void arena_keep(void);

/* Brings back what arena_keep() saw. */
void arena_restore(void);

/* Whether more is allocated than arena_keep() saw, or less. */
bool arena_grew(void);

#endif
