/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.h: counters with one writer at a time (one core, or under a lock) and readers on any core.
 *
 * A read is atomic, and may be slightly out of date.  A plain `+=` beside a reader is a
 * data race in C, a locked instruction costs the data path some 20 cycles, and gcc compiles a
 * relaxed load and store to three instructions.  An addition to aligned memory is one
 * instruction, whose store is atomic (Intel SDM 3, 9.1.1; AMD APM 2, 7.3.2).
 */
#ifndef LIB_COUNT_H
#define LIB_COUNT_H
#include <stdint.h>

/* Adds to a counter that no other core writes now. */
static inline void count_add(uint64_t *counter, uint64_t n)
{
	__asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
}

/* Reads a counter; any core. */
static inline uint64_t count_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
