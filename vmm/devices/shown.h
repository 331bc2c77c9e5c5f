/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shown.h: a PCI device whose one BAR is memory of the VMM's, mapped into the guest.
 *
 * Two kinds: the observation window, which the guest may only read, and a trace ring, which it
 * writes.  No interrupt, no register: reading and writing cost no exit.
 */
#ifndef VMM_DEVICES_SHOWN_H
#define VMM_DEVICES_SHOWN_H
#include "vmm/vm.h"

/* Vendor and devices: of the numbers that are free for experiments (QEMU, docs/specs/pci-ids). */
#define SHOWN_VENDOR 0x1af4
#define SHOWN_WINDOW 0x10f0
#define SHOWN_RING   0x10f1

/* Memory of the VMM's that follows a BAR. */
struct shown_memory {
	struct vm *vm;
	uint64_t mapped; /* where the guest has it; 0: nowhere */
	uint8_t *memory; /* `size` bytes from a page's start, in whole pages */
	uint64_t size;
	bool writable;
};

struct shown {
	struct vpci_dev pci;
	struct shown_memory map;
};

/* The BAR is at `at` now, 0: nowhere.  The guest has the memory there, unless it is outside the
 * window for BARs or there is no memory for page tables. */
void shown_move(struct shown_memory *s, uint64_t at);

/*
 * Gives a guest that does not run the device, with `memory` in its BAR 0: `size` bytes from
 * a page's start, rounded up to pages, which the guest sees whole; they are mapped where
 * the guest has the BAR, and stay the caller's.  The BAR is the next power of two: beyond the pages
 * it reads all ones.  *shown stays the caller's until vm_destroy().  False: no room on the
 * guest's PCI bus, or no memory for page tables.
 */
bool shown_attach(struct shown *shown, struct vm *vm, const char *name, uint16_t device,
                  void *memory, uint64_t size, bool writable);

#endif
