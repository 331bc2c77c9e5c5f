/* SPDX-License-Identifier: BSD-2-Clause */
/* network.h: the switch as the description wants it: networks, ports, links, routes, who moves
 * frames. */
#ifndef VMM_CONTROL_NETWORK_H
#define VMM_CONTROL_NETWORK_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

struct virtio_net;
struct vnet;
struct vnet_port;

struct vnet_port *control_port(unsigned slot); /* of a port or link; NULL: none */
struct virtio_net *control_nic(unsigned slot); /* NULL: none */

/* Makes the networks, ports and routes of n that are not there yet; their guests
 * are.  False: why says the reason, and control_net_unbuild() is due. */
bool control_net_build(const struct node_config *live, const struct node_config *n, char *why,
                       size_t size);

/* Takes away again what the live description does not have. */
void control_net_unbuild(const struct node_config *live);

/* The description was committed: takes away what it does not have, and moves frames as it says. */
void control_net_follow(const struct node_config *n);
#endif
