/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_console.h: the language of control inside a guest that was declared with `control`: a
 * second virtio console (in Linux /dev/hvc1) whose bytes are a session (control/session.h).
 *
 * Requests are served by the core of the vCPU that asks, one before each entry to the guest: who
 * asks pays with its own time, and a flood of requests delays nobody else.
 */
#ifndef VMM_CONTROL_GUEST_CONSOLE_H
#define VMM_CONTROL_GUEST_CONSOLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;

/* Gives a guest that was made, and does not run yet, its control console (vm->service); false:
 * there is no memory for it, or no place on the guest's bus. */
bool control_console_create(struct vm *vm);

/* Before vm_destroy(); nothing when the guest has none. */
void control_console_destroy(struct vm *vm);

/* The i-th counter of the guest's control console by name, from 0 on; false: there are no more. */
bool control_console_counter(const struct vm *vm, unsigned i, char *name, size_t size,
                             uint64_t *value);
#endif
