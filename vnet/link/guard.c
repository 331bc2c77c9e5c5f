/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.c: nobody but the node sends its own outer packets. */
#include "vnet/link/guard.h"
#include <string.h>
#include "vnet/link/arp.h"
#include "lib/bytes.h"
#include "vnet/frame/headers.h"
#include "vnet/frame/view.h"
#include "vnet/link/wire.h"

_Static_assert(GUARD_HEAD >= HEADERS_L3 + 28, "an ARP packet behind its tags fits");

/* Whether an address is the node's own on the outer wire, or one of those that it talks to there:
 * they believe each other's packets, too. */
static bool is_outer(const struct underlay *u, uint32_t address)
{
	const struct peers *peers = atomic_load_explicit(&u->peers, memory_order_acquire);

	return address && (address == u->config.address || address == u->config.gateway ||
	                   (peers && peers_have(peers, address)));
}

/* Whether the frame that begins so passes for one of the underlay or of its peers.  A switch or a
 * host on the way may take its tags off and read on. */
static bool forged(const struct underlay *u, const uint8_t *head, const struct headers *h)
{
	const mac_t us = u->config.mac;
	const uint8_t *p = head + h->l3;

	if (mac_read(head + 6) == us)
		return true;
	if (h->type == ETHER_IPV4)
		return is_outer(u, be32(p + 12));
	/* RFC 826: the sender's addresses are at 8 and 14. */
	return h->type == ETHER_ARP && (mac_read(p + 8) == us || is_outer(u, be32(p + 14)));
}

static bool forged_any(struct vnet *v, const struct vnet_port *from, const uint8_t *head)
{
	const struct underlay *u = atomic_load_explicit(&v->underlays, memory_order_acquire);
	struct headers h;

	headers_read_ether(&h, head, GUARD_HEAD);
	for (; u; u = atomic_load_explicit(&u->next, memory_order_acquire))
		if (u->edge != from && forged(u, head, &h))
			return true;
	return false;
}

/* Whether the frame may go on.  `seg`: room for one piece more than it has. */
static bool take(struct vnet_core *core, const struct vnet_port *from, struct vnet_frame *f,
                 uint8_t *head, struct vnet_seg *seg)
{
	unsigned have;

	/* The walk counts a frame of such a length. */
	if (f->len < VNET_FRAME_MIN || f->len > VNET_FRAME_MAX)
		return true;
	have = view_read(f, head, GUARD_HEAD);
	if (have < VNET_FRAME_MIN)
		return true;
	/* A NIC pads what is short with zeroes, so a header that is cut off is read as this one. */
	memset(head + have, 0, GUARD_HEAD - have);
	if (forged_any(core->vnet, from, head))
		return false;
	view_replace_head(f, head, have, seg);
	return true;
}

static unsigned ingress(struct vnet_core *core, struct vnet_port *from, struct vnet_frame *frame,
                        unsigned n)
{
	struct vnet_heads *g = &core->guard;
	unsigned first = 0, moved = 0, used = 0;

	for (unsigned i = 0; i < n; i++) {
		struct vnet_seg *seg = g->seg + used;

		used += frame[i].nseg + 1u;
		if (take(core, from, &frame[i], g->head[i], seg))
			continue;
		count_add(&from->count[core->id].in_bytes, frame[i].len);
		count_drop(core, from, VNET_DROP_outer_forged, 1);
		if (i > first)
			moved += walk_frames(core, from, frame + first, i - first);
		first = i + 1;
	}
	if (n > first)
		moved += walk_frames(core, from, frame + first, n - first);
	return moved;
}

/* The source alone tells; what the addresses of IPv4 or ARP are is not asked. */
static int refuses(struct vnet_port *from, mac_t src, mac_t dst)
{
	const struct underlay *u = atomic_load(&from->vnet->underlays);

	(void)dst;
	for (; u; u = atomic_load(&u->next))
		if (u->edge != from && u->config.mac == src)
			return VNET_DROP_outer_forged;
	return -1;
}

const struct vnet_stage guard_stage = {.ingress = ingress, .refuses = refuses};

/* The stage that a port has; `edge`: the networks with an edge, if there is an underlay. */
static const struct vnet_stage *stage_for(struct vnet_port *port, const bool *edge)
{
	if (underlay_of(port))
		return &inbound_stage;
	return edge[port->net] ? &guard_stage : NULL;
}

void stages_set(struct vnet *v)
{
	bool edge[VNET_NETS] = {false}, any = atomic_load(&v->underlays) != NULL;
	struct vnet_port *port;

	for (unsigned i = 0; any && i < VNET_PORTS; i++) {
		port = port_at(v, i);
		if (port && port->flags & VNET_EDGE)
			edge[port->net] = true;
	}
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		port = port_at(v, i);
		if (port)
			atomic_store(&port->stage, stage_for(port, edge));
	}
}
