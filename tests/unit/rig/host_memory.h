/* SPDX-License-Identifier: BSD-2-Clause */
/* host_memory.h: memory for parts of the VMM that run in a host program. */
#ifndef TESTS_UNIT_RIG_HOST_MEMORY_H
#define TESTS_UNIT_RIG_HOST_MEMORY_H
#include <stdlib.h>
#include <string.h>

/* Zeroed memory at a multiple of `align`, a power of two; NULL: there is none. */
static inline void *host_alloc_at(size_t align, size_t size)
{
	size_t whole = (size + align - 1) & ~(align - 1);
	void *p = aligned_alloc(align, whole);

	return p ? memset(p, 0, whole) : NULL;
}

/* The two functions of a struct vnet_mem. */
static inline void *host_alloc(size_t size)
{
	return host_alloc_at(64, size);
}

static inline void host_release(void *p, size_t size)
{
	(void)size;
	free(p);
}

#endif
