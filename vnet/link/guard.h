/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard.h: nobody but the node sends its own outer packets (private to vnet/).
 *
 * What leaves by an edge port may reach the wire on which the node's links run, and the node at
 * their other end believes whatever bears this one's address.  So in a network that has an edge, a
 * frame from any port but an underlay's own is looked at before it is switched, if there is an
 * underlay on the node: it must not have an underlay's MAC as source, nor as sender of IPv4 or ARP
 * its address, its gateway's or that of a link's peer, whom other nodes believe.  Networks without
 * an edge are not looked at: their frames leave in outer packets only.
 */
#ifndef VNET_LINK_GUARD_H
#define VNET_LINK_GUARD_H
#include "vnet/state.h"

/*
 * The stage of a port that is guarded: frames that would pass for the node's own are dropped at the
 * port (VNET_DROP_outer_forged).  The heads of the others are replaced by copies, so that the
 * sender cannot change what was looked at.
 */
extern const struct vnet_stage guard_stage;

/* Gives each port the stage that it is to have: guard_stage, inbound_stage where it has an
 * underlay, or none.  After ports or underlays changed, and before members_publish(); control lock
 * held. */
void stages_set(struct vnet *v);

#endif
