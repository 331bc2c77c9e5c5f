/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h: makes the machine follow the description; the descriptions and the switch. */
#ifndef VMM_CONTROL_CONTROL_H
#define VMM_CONTROL_CONTROL_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

struct vnet;

/* Makes the switch and an empty description; panics when memory is short. */
void control_init(void);

extern struct vnet *node_vnet;

/* The live description. */
const struct node_config *control_config(void);

/* The descriptions, live and staged. */
struct config *control_store(void);

/* The staged description becomes the machine, whole; or false, a reason and nothing done. */
bool control_apply(char *why, size_t size);
#endif
