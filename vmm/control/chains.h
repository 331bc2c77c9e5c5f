/* SPDX-License-Identifier: BSD-2-Clause */
/* chains.h: services and flows of the switch, as the description says. */
#ifndef VMM_CONTROL_CHAINS_H
#define VMM_CONTROL_CHAINS_H
#include "vmm/config/config.h"

/* Before the commit, when all ports are there: makes the table of flows.  False, and `why` (of
 * `size` bytes) says why: no memory. */
bool control_chains_build(const struct node_config *n, char *why, size_t size);

/* Drops the table that was built: the change failed. */
void control_chains_unbuild(void);

/* After the commit, before ports are removed: puts it to use. */
void control_chains_follow(void);

#endif
