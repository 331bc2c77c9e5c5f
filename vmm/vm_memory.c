/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's memory: one contiguous range of the node's, mapped as one or two ranges of the
 * guest's. */
#include <stdio.h>
#include "lib/mem.h"
#include "vmm/vm_memory.h"
#include "drivers/bus/vpci.h"

#define MIB            (1ul << 20)
#define GIB            (1ul << 30)
#define LOW_MEMORY_END (3 * GIB) /* devices are above, up to 4 GiB */

_Static_assert(GROUP_GPA + CONFIG_GROUPS * CONFIG_GROUP_MAX <= 1ul << GROUP_GPA_BITS,
               "the groups' places end below 2^GROUP_GPA_BITS");

/* Tries the largest alignment first, for large nested pages. */
static uint64_t allocate(uint64_t bytes, uint64_t limit)
{
	uint64_t hpa = bytes >= GIB ? mem_alloc(bytes, GIB, limit) : 0;

	return hpa ? hpa : mem_alloc(bytes, 2 * MIB, limit);
}

/* What is identity-mapped must be below the guest's PCI window: the device may support only 32-bit
 * addresses (82540EM), and the window must stay free. */
static uint64_t limit_of(bool identity)
{
	return identity ? VPCI_MEM_BASE : 0;
}

/* Writes that `bytes` are not available for the object of this kind and name. */
static void say_no_memory(const char *kind, const char *name, uint64_t bytes, char *why,
                          size_t size)
{
	struct mem_stats ms;

	mem_stats(&ms);
	snprintf(why, size, "%s %s: no %lu MiB of contiguous memory left (largest: %lu MiB)", kind,
	         name, (unsigned long)(bytes / MIB), (unsigned long)(ms.largest / MIB));
}

uint64_t vm_memory_take(const struct guest_config *g, bool identity, char *why, size_t size)
{
	uint64_t hpa = allocate(g->memory, limit_of(identity));

	if (!hpa)
		say_no_memory("guest", g->name, g->memory, why, size);
	return hpa;
}

static bool has_device(const struct node_config *n, const struct group_config *group)
{
	for (unsigned i = 0; i < n->guests; i++)
		if (config_is_member(group, i) && n->guest[i].has_pci)
			return true;
	return false;
}

/* A guest that is identity-mapped has other memory below VM_IDENTITY_START. */
uint64_t vm_memory_take_group(const struct node_config *n, unsigned slot, bool identity, char *why,
                              size_t size)
{
	const struct group_config *g = &n->group[slot];
	bool device = identity && has_device(n, g);
	uint64_t hpa = allocate(g->memory, limit_of(device));

	if (hpa && device && hpa < VM_IDENTITY_START) {
		mem_free(hpa, g->memory);
		hpa = 0;
	}
	if (!hpa)
		say_no_memory("group", g->name, g->memory, why, size);
	return hpa;
}

uint64_t vm_memory_group_gpa(bool identity, unsigned slot, uint64_t hpa)
{
	return identity ? hpa : GROUP_GPA + slot * CONFIG_GROUP_MAX;
}

static unsigned ordinary_pieces(uint64_t size, uint64_t hpa, struct vm_piece piece[2])
{
	uint64_t low = size < LOW_MEMORY_END ? size : LOW_MEMORY_END;

	piece[0] = (struct vm_piece){0, hpa, low};
	piece[1] = (struct vm_piece){4 * GIB, hpa + low, size - low};
	return low == size ? 1 : 2;
}

/* So that a physical device's DMA works without an IOMMU; only the first 16 MiB, which a kernel
 * needs at its linked address, are not. */
static unsigned identity_pieces(uint64_t size, uint64_t hpa, struct vm_piece piece[2])
{
	uint64_t above = hpa + VM_IDENTITY_START;

	piece[0] = (struct vm_piece){0, hpa, VM_IDENTITY_START};
	piece[1] = (struct vm_piece){above, above, size - VM_IDENTITY_START};
	return 2;
}

unsigned vm_memory_pieces(const struct guest_config *g, bool identity, uint64_t hpa,
                          struct vm_piece piece[2])
{
	return identity ? identity_pieces(g->memory, hpa, piece)
	                : ordinary_pieces(g->memory, hpa, piece);
}
