/* SPDX-License-Identifier: BSD-2-Clause */
/* passthrough.h: physical PCI devices for one guest, whose memory is where it seems (vm_memory.h).
 */
#ifndef VMM_PASSTHROUGH_PASSTHROUGH_H
#define VMM_PASSTHROUGH_PASSTHROUGH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;

/* NULL, or why the function at bus << 8 | device << 3 | function cannot be given to a guest, as in
 * "is not there". */
const char *passthrough_unfit(uint16_t bdf);

/* Puts that function onto the guest's PCI bus, behind those that it has (vm->passthrough), and maps
 * its memory BARs into the guest's PCI window.  false and a reason when it is unfit, has no such
 * BAR, or the guest can have no more. */
bool passthrough_attach(struct vm *vm, uint16_t bdf, char *why, size_t size);

/* The rest is of all devices of the guest, also of none.  Takes them away again. */
void passthrough_detach(struct vm *vm);

/* The guest is gone: they may touch no memory and raise no interrupt any more; their resets begin.
 */
void passthrough_quiesce(struct vm *vm);

/* The guest is about to start: they are as after a reset.  Waits for that up to 100 ms when the
 * guest was quick to come back. */
void passthrough_ready(struct vm *vm);
#endif
