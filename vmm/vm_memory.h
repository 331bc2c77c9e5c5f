/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_memory.h: which of the node's memory a guest gets, and where the guest sees it. */
#ifndef VMM_VM_MEMORY_H
#define VMM_VM_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

#define VM_IDENTITY_START (16ul << 20) /* below, a DMA guest's memory is not where it seems */

/* A piece of a guest's memory: guest-physical address, host-physical address, bytes. */
struct vm_piece {
	uint64_t gpa, hpa, size;
};

/* Takes the one contiguous piece of the node's memory for the guest; 0 and a reason: there is none.
 * mem_free() gives it back. */
uint64_t vm_memory_take(const struct guest_config *g, char *why, size_t size);

/* Where the guest sees the g->memory bytes at `hpa`: one or two pieces; returns how many. */
unsigned vm_memory_pieces(const struct guest_config *g, uint64_t hpa, struct vm_piece piece[2]);
#endif
