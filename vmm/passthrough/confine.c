/* SPDX-License-Identifier: BSD-2-Clause */
/* confine.c: where there is an IOMMU, a guest's devices reach the guest's memory alone, at the
 * guest's addresses, and send no interrupt but those that were set up for them. */
#include <stdio.h>
#include "arch/x86_64/iommu/iommu.h"
#include "lib/log.h"
#include "vmm/passthrough/device.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/vm_memory.h"

static bool map_guest(const struct vm *vm)
{
	struct vm_piece piece[2];
	unsigned n = vm_memory_pieces(vm->config, vm->identity, vm->mem_hpa, piece);

	for (unsigned i = 0; i < n; i++)
		if (!iommu_map(vm->dma, piece[i].gpa, piece[i].hpa, piece[i].size))
			return false;
	return true;
}

const char *passthrough_confine(struct passthrough *p)
{
	struct vm *vm = p->vm;
	const char *why;

	if (!iommu_is_on())
		return NULL;
	if (!vm->dma) {
		vm->dma = iommu_domain_create(vm->name);
		if (!vm->dma || !map_guest(vm)) {
			passthrough_unconfine(vm);
			return "has no memory left for the page tables of its DMA";
		}
	}
	p->iommu = iommu_attach(vm->dma, p->bdf, &why);
	return p->iommu ? NULL : why;
}

bool passthrough_unconfine(struct vm *vm)
{
	bool done = !vm->dma || iommu_domain_destroy(vm->dma);

	vm->dma = NULL;
	return done;
}

void passthrough_log_risk(const struct vm *vm, const char *name)
{
	if (!iommu_is_on())
		log_warn("guest %s: device %s passed through without an IOMMU (%s): its DMA "
		         "reaches all memory, the VMM's and other guests' too, and it can raise "
		         "any interrupt",
		         vm->name, name, iommu_name() ? "iommu off" : iommu_absence());
	else if (!iommu_remaps_interrupts())
		log_warn("guest %s: device %s: its DMA reaches this guest's memory alone, but it "
		         "can raise any interrupt: the %s has no interrupt remapping",
		         vm->name, name, iommu_name());
	else
		log_info("guest %s: device %s: its DMA reaches this guest's memory alone, and its "
		         "interrupts this guest's cores (%s)",
		         vm->name, name, iommu_name());
}

bool passthrough_share(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	return !vm->dma || iommu_map(vm->dma, gpa, hpa, size);
}

bool passthrough_unshare(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	return !vm->dma || iommu_unmap(vm->dma, gpa, hpa, size);
}

bool passthrough_counter(const struct vm *vm, unsigned i, char *name, size_t size, uint64_t *value)
{
	static const char *const what[] = {"reads", "writes", "interrupts"};
	const struct passthrough *p = vm->passthrough;
	struct iommu_stopped s = {0, 0, 0};

	for (unsigned n = i / 3; p && n; n--)
		p = p->next;
	if (!p)
		return false;
	if (p->iommu)
		s = iommu_stopped(p->iommu);
	*value = i % 3 == 0 ? s.reads : i % 3 == 1 ? s.writes : s.interrupts;
	snprintf(name, size, "device.%02x:%02x.%u.stopped_%s", p->bdf >> 8, p->bdf >> 3 & 31u,
	         p->bdf & 7u, what[i % 3]);
	return true;
}
