/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h: applies the description to the machine; owns the descriptions and the switch. */
#ifndef VMM_CONTROL_CONTROL_H
#define VMM_CONTROL_CONTROL_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

struct vnet;

/* Creates the switch and an empty description; panics if memory is short. */
void control_init(void);

extern struct vnet *node_vnet;

/* The live description. */
const struct node_config *control_config(void);

/* The descriptions, live and staged. */
struct config *control_store(void);

/* Applies the staged description whole, and commits it; or false and a reason, with nothing
 * changed. */
bool control_apply(char *why, size_t size);
#endif
