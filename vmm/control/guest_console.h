/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_console.h: the control language for a guest that was declared with `control`: a second
 * virtio console (in Linux /dev/hvc1) that carries a session (control/session.h).
 *
 * Requests are carried out by the core of the vCPU that made them, one before each entry to the
 * guest: the guest pays with its own time, and a flood of requests delays nobody else.
 */
#ifndef VMM_CONTROL_GUEST_CONSOLE_H
#define VMM_CONTROL_GUEST_CONSOLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;

/* Gives a guest that has not run yet its control console (vm->service); false: out of memory, or
 * the guest's PCI bus is full. */
bool control_console_create(struct vm *vm);

/* To be called before vm_destroy(); does nothing if the guest has none. */
void control_console_destroy(struct vm *vm);

/* The i-th counter of the guest's control console, from 0 on, by name; false: there are no more.
 * First enum session_counter, then those of the device as virtio_pci_counter() has them. */
bool control_console_counter(const struct vm *vm, unsigned i, char *name, size_t size,
                             uint64_t *value);
#endif
