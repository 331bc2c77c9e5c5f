/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's memory: one contiguous piece of the node's, at one or two places of the guest's. */
#include <stdio.h>
#include "lib/mem.h"
#include "vmm/vm_memory.h"
#include "drivers/bus/vpci.h"

#define MIB            (1ul << 20)
#define GIB            (1ul << 30)
#define LOW_MEMORY_END (3 * GIB) /* devices live above, up to 4 GiB */

/* The largest alignment that can be had decides the size of the pages.  A device may reach 32 bits
 * of addresses only (82540EM), and the guest's PCI window must be free. */
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

static unsigned ordinary(uint64_t size, uint64_t hpa, struct vm_piece piece[2])
{
	uint64_t low = size < LOW_MEMORY_END ? size : LOW_MEMORY_END;
	piece[0] = (struct vm_piece){0, hpa, low};
	piece[1] = (struct vm_piece){4 * GIB, hpa + low, size - low};
	return low == size ? 1 : 2;
}

/* A guest with a physical device: its memory is where it is, so that the device's DMA needs no
 * IOMMU; only the first 16 MiB, which a kernel's image needs at its linked address, are moved. */
static unsigned identity(uint64_t size, uint64_t hpa, struct vm_piece piece[2])
{
	uint64_t above = hpa + VM_IDENTITY_START;
	piece[0] = (struct vm_piece){0, hpa, VM_IDENTITY_START};
	piece[1] = (struct vm_piece){above, above, size - VM_IDENTITY_START};
	return 2;
}

unsigned vm_memory_pieces(const struct guest_config *g, uint64_t hpa, struct vm_piece piece[2])
{
	return g->has_pci ? identity(g->memory, hpa, piece) : ordinary(g->memory, hpa, piece);
}
