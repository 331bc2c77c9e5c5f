/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waiting.h: the frame of a link that waits for its next hop's MAC (private to vnet/).
 *
 * While a next hop is asked for, the last frame to it is saved instead of dropped (RFC 1122,
 * 2.3.2.2), a copy for each link, and sent when the reply comes.  A frame that waits is counted
 * when it is sent; one that is replaced by another, or waits for longer than a reply may take,
 * counts as VNET_DROP_no_neighbour.  So do large frames, which are not saved.
 */
#ifndef VNET_LINK_WAITING_H
#define VNET_LINK_WAITING_H
#include <stdatomic.h>
#include <stdbool.h>
#include "vnet/frame/frame.h"

struct link;
struct neighbour;
struct underlay;
struct vnet_core;

struct waiting {
	atomic_uint state; /* of the other members: free, held by a core, a frame waits */
	uint32_t len;
	uint64_t second; /* in which it came */
	struct vnet_hdr hdr;
	uint8_t *bytes; /* room for the largest frame that the underlay's MTU allows */
};

/* Saves a frame that egress() was given; it replaces the one that waits.  False: it is not saved,
 * and the caller counts it.  In the walk. */
bool waiting_save(struct vnet_core *core, struct link *l, const struct vnet_frame *f);

/* The next hop has replied: sends what waits for it.  In the walk. */
void waiting_send(struct vnet_core *core, struct underlay *u, struct neighbour *n);

#endif
