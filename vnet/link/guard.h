/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard.h: refuses guests' frames that claim outer addresses of the node (private to vnet/).
 *
 * A frame that leaves by an edge port may reach the wire of the node's links, and the nodes at
 * their other ends trust this node's address.  So on a node with an underlay, frames in a network
 * with an edge are checked before they are switched, unless they come from the underlay's own port:
 * the source must not be an underlay's MAC, and the sender in IPv4 or ARP not its address, its
 * gateway or a link's peer, which other nodes trust, too.  In networks without an edge nothing is
 * checked: their frames leave in outer packets only.
 */
#ifndef VNET_LINK_GUARD_H
#define VNET_LINK_GUARD_H
#include "vnet/state.h"

/*
 * The ingress stage of a checked port: forged frames are dropped and counted at the port
 * (VNET_DROP_outer_forged).  The first bytes of the others are replaced by copies, so that the
 * sender cannot change what was checked.
 */
extern const struct vnet_stage guard_stage;

/* Sets the stage of each port: guard_stage, inbound_stage where it has an
 * underlay, or none.  Called when ports or underlays changed, before members_publish(); control
 * lock held. */
void stages_set(struct vnet *v);

#endif
