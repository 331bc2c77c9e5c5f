/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waiting.h: the frame of a link that waits for its next hop's MAC (private to vnet/).
 *
 * While a next hop is asked for, the last frame to it is held instead of dropped (RFC 1122,
 * 2.3.2.2), one for each link, and sent when the reply comes.  A frame that waits is counted when
 * it is sent; one that is replaced by another, waits for longer than a reply may take, or whose
 * sender's port is down by then, counts as VNET_DROP_no_neighbour.
 */
#ifndef VNET_LINK_WAITING_H
#define VNET_LINK_WAITING_H
#include "vnet/vnet.h"

struct link;
struct neighbour;
struct underlay;

/* Holds a frame that egress() was given; it replaces the one that waits.  False: it is not held,
 * and the caller counts it.  In the walk. */
bool waiting_hold(struct vnet_core *core, struct link *l, const struct vnet_frame *f);

/* Whether a frame waits, for a link whose next hop is known. */
static inline bool waiting_there(const struct vnet_held *waiting)
{
	return atomic_load_explicit(&waiting->state, memory_order_relaxed) >= HELD_WAITS;
}

/* Sends it, before others.  In the walk. */
void waiting_go(struct vnet_core *core, struct link *l);

/* The next hop has replied: sends what waits for it, up to a bound; the rest goes with the next
 * frame of each link.  In the walk. */
void waiting_send(struct vnet_core *core, struct underlay *u, struct neighbour *n);

/* Gives back what waits for a link that no walk uses any more.  Control lock held. */
void waiting_forget(struct link *l);

#endif
