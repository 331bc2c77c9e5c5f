/* SPDX-License-Identifier: BSD-2-Clause */
/* histogram.h: the histograms as the description says. */
#ifndef VMM_CONTROL_HISTOGRAM_H
#define VMM_CONTROL_HISTOGRAM_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/vm.h"

/* Makes those that the staged description asks for, of all ports, routes and guests that there are.
 * False and a reason: they need too much memory, or there is none; the caller must call
 * control_histogram_follow() with the live description. */
bool control_histogram_build(const struct node_config *n, char *why, size_t size);

/* Makes those of a new guest, if the description asks for any.  False and a reason: no memory. */
bool control_histogram_guest(const struct node_config *n, struct vm *vm, char *why, size_t size);

/* Frees them all, if this description does not ask for them. */
void control_histogram_follow(const struct node_config *n);

#endif
