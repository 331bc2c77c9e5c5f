/* passthrough.h: a physical PCI device for one guest, whose memory is where it seems (vm_memory.h).
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

/* Puts that function onto the guest's PCI bus and maps its memory BARs into the guest's PCI window.
 * false and a reason when it is unfit, or has no such BAR. */
bool passthrough_attach(struct vm *vm, uint16_t bdf, char *why, size_t size);
void passthrough_detach(struct vm *vm);

/* The guest is gone: the device may touch no memory and raise no interrupt any more; its reset
 * begins. */
void passthrough_quiesce(struct vm *vm);

/* The guest is about to start: the device is as after a reset.  Waits for that up to 100 ms when
 * the guest was quick to come back. */
void passthrough_ready(struct vm *vm);
#endif
