/* SPDX-License-Identifier: BSD-2-Clause */
/* lifecycle.h: the lives of guests as the description wants them. */
#ifndef VMM_CONTROL_LIFECYCLE_H
#define VMM_CONTROL_LIFECYCLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

struct vm;

/* Starts the guest, not before the TSC says `from`, on the cores that the live description gives
 * it; false and a reason as vm_start(). */
bool control_start(struct vm *vm, uint64_t from, char *why, size_t size);

/* Starts the guests that were never started and shall start by themselves. */
void control_autostart(const struct node_config *n);

/* A guest has ended and is reaped: starts it again, or ends the node, as described. */
void control_guest_ended(struct vm *vm);
#endif
