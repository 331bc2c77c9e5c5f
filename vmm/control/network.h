/* SPDX-License-Identifier: BSD-2-Clause */
/* network.h: the switch as the description says: networks, ports, links, routes, and which cores
 * forward. */
#ifndef VMM_CONTROL_NETWORK_H
#define VMM_CONTROL_NETWORK_H
#include <stdbool.h>
#include <stddef.h>
#include "drivers/nic.h"
#include "vmm/config/config.h"

struct shm_member;
struct vnet;
struct vnet_port;

struct vnet_port *control_port(unsigned slot); /* the switch port of a port or link; NULL: none */
const struct nic *control_nic(unsigned slot);  /* a guest's device at that port; NULL: none */
struct shm_member *control_group_port(unsigned slot); /* the same if it is a group's; else NULL */
uint64_t control_copied(unsigned slot);               /* bytes that it has copied for its guest */

/* Creates the networks, ports and routes of n that do not exist yet; their guests must.  False: why
 * has the reason, and the caller must call control_net_unbuild(). */
bool control_net_build(const struct node_config *live, const struct node_config *n, char *why,
                       size_t size);

/* Removes what the live description does not have. */
void control_net_unbuild(const struct node_config *live);

/* After the commit: removes what the description does not have, and sets its limits and forwarding
 * modes. */
void control_net_follow(const struct node_config *n);
#endif
