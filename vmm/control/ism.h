/* SPDX-License-Identifier: BSD-2-Clause */
/* ism.h: the guests' ISM devices, as the description says. */
#ifndef VMM_CONTROL_ISM_H
#define VMM_CONTROL_ISM_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/vm.h"

struct ism;

/* Gives a new guest its ISM device, if its description names a domain.  False and a reason: no
 * memory, or no room on its PCI bus. */
bool control_ism_guest(const struct node_config *n, struct vm *vm, char *why, size_t size);

/* The guest of this slot is about to be destroyed: nobody finds its device any more. */
void control_ism_forget(unsigned slot);

/* The device of the guest in this slot; NULL: it has none. */
const struct ism *control_ism(unsigned slot);

#endif
