/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_memory.h: allocates a guest's memory and decides its guest-physical addresses. */
#ifndef VMM_VM_MEMORY_H
#define VMM_VM_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

/* A guest's memory is identity-mapped from here on if it has a physical device that no IOMMU
 * confines: such a device takes the node's addresses, and the guest gives it its own. */
#define VM_IDENTITY_START (16ul << 20)

/* A contiguous range of a guest's memory: guest-physical address, host-physical address, bytes. */
struct vm_piece {
	uint64_t gpa, hpa, size;
};

/* Allocates the guest's memory, one contiguous range; 0 and a reason: not available.  Freed by
 * mem_free().  `identity`: it will be identity-mapped. */
uint64_t vm_memory_take(const struct guest_config *g, bool identity, char *why, size_t size);

/*
 * Memory in common (group.h).  A guest finds that of the group in slot n at
 * GROUP_GPA + n * CONFIG_GROUP_MAX, above its own memory and below 2^GROUP_GPA_BITS; if its memory
 * is identity-mapped, where it is in the node, so that its device finds it there, too.
 */
#define GROUP_GPA      (256ul << 30)
#define GROUP_GPA_BITS 39

/* Allocates the memory of the group in this slot, in large pages; 0 and a reason: not available.
 * Freed by mem_free().  `identity`: members with a physical device are identity-mapped. */
uint64_t vm_memory_take_group(const struct node_config *n, unsigned slot, bool identity, char *why,
                              size_t size);

/* Where a guest finds the memory at `hpa` of the group in this slot. */
uint64_t vm_memory_group_gpa(bool identity, unsigned slot, uint64_t hpa);

/* The most memory that a member can have unless it is identity-mapped. */
#define GROUP_GUEST_MAX (GROUP_GPA - (1ul << 30))

/* The guest's mapping of the g->memory bytes at `hpa`: one or two ranges; returns how many. */
unsigned vm_memory_pieces(const struct guest_config *g, bool identity, uint64_t hpa,
                          struct vm_piece piece[2]);
#endif
