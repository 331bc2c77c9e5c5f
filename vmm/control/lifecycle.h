/* SPDX-License-Identifier: BSD-2-Clause */
/* lifecycle.h: starts and ends of guests as the description says. */
#ifndef VMM_CONTROL_LIFECYCLE_H
#define VMM_CONTROL_LIFECYCLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

struct vm;

/* Starts the guest, at TSC `from` at the earliest, on the cores that the live description gives it;
 * false and a reason as vm_start(). */
bool control_start(struct vm *vm, uint64_t from, char *why, size_t size);

/* Starts the guests that are to start by themselves and were never started. */
void control_autostart(const struct node_config *n);

/* A guest has ended and is reaped: restarts it, or ends the node, as the description says. */
void control_guest_ended(struct vm *vm);
#endif
