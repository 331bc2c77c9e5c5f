/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.h: the observation window and the trace as the description says. */
#ifndef VMM_CONTROL_TRACE_H
#define VMM_CONTROL_TRACE_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/vm.h"

/* Makes what the staged description needs: the window, a ring for each core.  False and a reason:
 * no memory. */
bool control_trace_build(const struct node_config *n, char *why, size_t size);

/* Gives a new guest its devices: the window, if it has `control`; a ring of its own, if it has a
 * PCI device, as Dom0 has its NIC.  False and a reason: no memory, or no room on its PCI bus. */
bool control_trace_show(struct vm *vm, const struct guest_config *g, char *why, size_t size);

/* Frees what the guest of this slot had; it was destroyed. */
void control_trace_forget(unsigned slot);

/* After the commit: the ports' names, and what is traced. */
void control_trace_follow(const struct node_config *n);

#endif
