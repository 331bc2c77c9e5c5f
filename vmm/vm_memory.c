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

/* Tries the largest alignment first, for large nested pages.  With a physical device the memory
 * must be below the guest's PCI window: the device may support only 32-bit addresses (82540EM), and
 * the window must stay free. */
static uint64_t allocate(const struct guest_config *g)
{
	uint64_t limit = g->has_pci ? VPCI_MEM_BASE : 0, hpa = 0;

	if (g->memory >= GIB)
		hpa = mem_alloc(g->memory, GIB, limit);
	return hpa ? hpa : mem_alloc(g->memory, 2 * MIB, limit);
}

uint64_t vm_memory_take(const struct guest_config *g, char *why, size_t size)
{
	struct mem_stats ms;
	uint64_t hpa = allocate(g);

	if (hpa)
		return hpa;
	mem_stats(&ms);
	snprintf(why, size, "guest %s: no %lu MiB of contiguous memory left (largest: %lu MiB)",
	         g->name, (unsigned long)(g->memory / MIB), (unsigned long)(ms.largest / MIB));
	return 0;
}

static unsigned ordinary_pieces(uint64_t size, uint64_t hpa, struct vm_piece piece[2])
{
	uint64_t low = size < LOW_MEMORY_END ? size : LOW_MEMORY_END;

	piece[0] = (struct vm_piece){0, hpa, low};
	piece[1] = (struct vm_piece){4 * GIB, hpa + low, size - low};
	return low == size ? 1 : 2;
}

/* With a physical device the memory is identity-mapped, so that DMA works without an IOMMU; only
 * the first 16 MiB, which a kernel needs at its linked address, are not. */
static unsigned identity_pieces(uint64_t size, uint64_t hpa, struct vm_piece piece[2])
{
	uint64_t above = hpa + VM_IDENTITY_START;

	piece[0] = (struct vm_piece){0, hpa, VM_IDENTITY_START};
	piece[1] = (struct vm_piece){above, above, size - VM_IDENTITY_START};
	return 2;
}

unsigned vm_memory_pieces(const struct guest_config *g, uint64_t hpa, struct vm_piece piece[2])
{
	return g->has_pci ? identity_pieces(g->memory, hpa, piece)
	                  : ordinary_pieces(g->memory, hpa, piece);
}
