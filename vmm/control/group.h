/* SPDX-License-Identifier: BSD-2-Clause */
/* group.h: groups of guests with memory in common, as the description says. */
#ifndef VMM_CONTROL_GROUP_H
#define VMM_CONTROL_GROUP_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

struct group;

struct group *control_group(unsigned slot); /* NULL: none */

/* A group is made and removed only while none of its members runs.  False and a reason: one does,
 * or the text removes a group whose name or place it uses again. */
bool control_group_check(const struct node_config *n, char *why, size_t size);

/* Creates the groups of n that do not exist yet; their guests must.  False: why has the reason, and
 * the caller must call control_group_follow() with the live description. */
bool control_group_build(const struct node_config *n, char *why, size_t size);

/* Removes the groups that the description does not have; one of which a port is left, which could
 * not be removed, goes with a later change. */
void control_group_follow(const struct node_config *n);
#endif
