/* SPDX-License-Identifier: BSD-2-Clause */
/* shown.c: memory of the VMM's in a PCI device's BAR; see shown.h. */
#include <string.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/npt.h"
#include "vmm/devices/shown.h"
#include "vmm/vcpu.h"

#define CLASS_OTHER 0x088000 /* system peripheral, other (PCI Code and ID Assignment 1.9) */

/* An access that exits: a write to read-only memory, which is dropped, or any where the memory is
 * not mapped because something else is, or because the BAR is outside the window for BARs: local
 * APICs are there. */
static void shown_bar(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
                      uint64_t *val)
{
	struct shown_memory *s = &((struct shown *)d)->map;

	(void)bar;
	if (off + size > s->size) {
		if (!write)
			*val = ~0ull;
	} else if (!write) {
		*val = 0;
		memcpy(val, s->memory + off, size);
	} else if (s->writable) {
		memcpy(s->memory + off, val, size);
	}
}

void shown_move(struct shown_memory *s, uint64_t at)
{
	uint64_t root = s->vm->npt_root;
	bool removed = s->mapped;

	if (s->mapped)
		npt_unmap(hvm->npt, root, s->mapped, (uint64_t)s->memory, s->size);
	s->mapped = 0;
	if (at && vpci_claims_mmio(at)) {
		if (npt_map(hvm->npt, root, at, (uint64_t)s->memory, s->size,
		            s->writable ? NPT_SHARED : NPT_SHOWN)) {
			s->mapped = at;
		} else {
			/* Other vCPUs may have used its first pages. */
			npt_unmap(hvm->npt, root, at, (uint64_t)s->memory, s->size);
			removed = true;
		}
	}
	if (removed)
		vm_flush(s->vm);
}

/* The memory goes where the guest puts the BAR. */
static void shown_moved(struct vpci_dev *d, unsigned bar)
{
	shown_move(&((struct shown *)d)->map, atomic_load(&d->bar[bar].base));
}

static const struct vpci_ops ops = {.bar = shown_bar, .moved = shown_moved};

static uint32_t bar_size(uint64_t size)
{
	uint32_t bar = PAGE_SIZE;

	while (bar < size)
		bar *= 2;
	return bar;
}

bool shown_attach(struct shown *shown, struct vm *vm, const char *name, uint16_t device,
                  void *memory, uint64_t size, bool writable)
{
	size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	shown->map =
	    (struct shown_memory){.vm = vm, .memory = memory, .size = size, .writable = writable};
	vpci_dev_init(&shown->pci, name, &ops, SHOWN_VENDOR, device, CLASS_OTHER, 0);
	vpci_bar_init(&shown->pci, 0, VPCI_BAR_MEM, bar_size(size));
	return vpci_add(&vm->pci, &shown->pci, 0) && shown->map.mapped;
}
