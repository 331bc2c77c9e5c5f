/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_memory.h: allocates a guest's memory and decides its guest-physical addresses. */
#ifndef VMM_VM_MEMORY_H
#define VMM_VM_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

#define VM_IDENTITY_START (16ul << 20) /* with a device: identity-mapped from here on */

/* A contiguous range of a guest's memory: guest-physical address, host-physical address, bytes. */
struct vm_piece {
	uint64_t gpa, hpa, size;
};

/* Allocates the guest's memory, one contiguous range; 0 and a reason: not available.  Freed by
 * mem_free(). */
uint64_t vm_memory_take(const struct guest_config *g, char *why, size_t size);

/* The guest's mapping of the g->memory bytes at `hpa`: one or two ranges; returns how many. */
unsigned vm_memory_pieces(const struct guest_config *g, uint64_t hpa, struct vm_piece piece[2]);
#endif
