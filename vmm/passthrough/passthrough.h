/* SPDX-License-Identifier: BSD-2-Clause */
/* passthrough.h: physical PCI devices for one guest, whose memory is identity-mapped (vm_memory.h)
 * unless an IOMMU confines them. */
#ifndef VMM_PASSTHROUGH_PASSTHROUGH_H
#define VMM_PASSTHROUGH_PASSTHROUGH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;

/* NULL, or why the PCI function (bus << 8 | device << 3 | function) cannot be given to a guest, as
 * in "is not there". */
const char *passthrough_unfit(uint16_t bdf);

/* Adds that function to the guest's PCI bus (and to vm->passthrough) and maps its memory BARs into
 * the guest's PCI window.  false and a reason: it cannot be given to a guest, has no memory BAR, or
 * the guest has the maximum of devices. */
bool passthrough_attach(struct vm *vm, uint16_t bdf, char *why, size_t size);

/* Lets the guest's devices reach memory that the guest has in common with others, at `gpa` for
 * both; and takes it back.  false: no memory for page tables; then to be taken back.  Nothing to do
 * if no IOMMU confines its devices. */
bool passthrough_share(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size);
/* False: a device may reach it for ever, as the IOMMU did not answer. */
bool passthrough_unshare(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size);

/* The i-th counter of the guest's devices, by name; false: there are no more. */
bool passthrough_counter(const struct vm *vm, unsigned i, char *name, size_t size, uint64_t *value);

/* The following act on all devices of the guest, if it has any.  Removes them.
 * False: one may reach the guest's memory for ever, as the IOMMU did not answer. */
bool passthrough_detach(struct vm *vm);

/* The guest has stopped: turns off the devices' DMA and interrupts and begins their resets. */
void passthrough_quiesce(struct vm *vm);

/* The guest is about to start: completes the devices' resets.  Waits up to 100 ms for them if the
 * guest restarts at once. */
void passthrough_ready(struct vm *vm);
#endif
