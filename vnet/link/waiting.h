/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waiting.h: the frame of a link that waits for its next hop's MAC (private to vnet/).
 *
 * While a next hop is asked for, the last frame to it is held instead of dropped (RFC 1122,
 * 2.3.2.2), one for each link, and sent when the reply comes.  A frame that waits is counted when
 * it is sent; one that is replaced by another, or waits for longer than a reply may take, counts as
 * VNET_DROP_no_neighbour.
 */
#ifndef VNET_LINK_WAITING_H
#define VNET_LINK_WAITING_H
#include <stdbool.h>

struct link;
struct neighbour;
struct underlay;
struct vnet_core;
struct vnet_frame;

/* Holds a frame that egress() was given; it replaces the one that waits.  False: it is not held,
 * and the caller counts it.  In the walk. */
bool waiting_hold(struct vnet_core *core, struct link *l, const struct vnet_frame *f);

/* The next hop has replied: sends what waits for it.  In the walk. */
void waiting_send(struct vnet_core *core, struct underlay *u, struct neighbour *n);

/* Gives back what waits for a link that no walk uses any more.  Control lock held. */
void waiting_forget(struct link *l);

#endif
