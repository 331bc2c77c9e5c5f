/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.c: see guard.h. */
#include "vnet/link/guard.h"
#include <string.h>
#include "vnet/link/arp.h"
#include "lib/bytes.h"
#include "vnet/frame/headers.h"
#include "vnet/frame/view.h"
#include "vnet/link/wire.h"

_Static_assert(GUARD_HEAD >= HEADERS_L3 + 28, "an ARP packet behind its tags fits");

/* Whether an address is the underlay's, its gateway's or a link peer's: they all trust each other's
 * packets. */
static bool is_outer(const struct underlay *u, uint32_t address)
{
	const struct peers *peers = atomic_load_explicit(&u->peers, memory_order_acquire);

	return address && (address == u->config.address || address == u->config.gateway ||
	                   (peers && peers_have(peers, address)));
}

/* Whether the frame claims an address of the underlay or its peers, also behind tags, which a
 * switch or host on the way may remove. */
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

/* Whether the frame may be switched.  `seg`: room for one piece more than the frame has. */
static bool check_frame(struct vnet_core *core, struct vnet_port *from, struct vnet_frame *f,
                        uint8_t *head, struct vnet_seg *seg)
{
	unsigned have;

	/* admit() drops and counts it. */
	if (f->len < VNET_FRAME_MIN || f->len > VNET_FRAME_MAX)
		return true;
	have = view_read(f, head, GUARD_HEAD);
	count_add(&from->count[core->id].copied, have);
	if (have < VNET_FRAME_MIN)
		return true;
	/* A NIC pads short frames with zeroes, and its receiver reads a truncated header so. */
	memset(head + have, 0, GUARD_HEAD - have);
	if (forged_any(core->vnet, from, head))
		return false;
	view_replace_head(f, head, have, seg);
	return true;
}

static unsigned guard_ingress(struct vnet_core *core, struct vnet_port *from,
                              struct vnet_frame *frame, unsigned n)
{
	struct vnet_heads *g = &core->guard;
	unsigned first = 0, moved = 0, used = 0;

	for (unsigned i = 0; i < n; i++) {
		struct vnet_seg *seg = g->seg + used;

		used += frame[i].nseg + 1u;
		if (check_frame(core, from, &frame[i], g->head[i], seg))
			continue;
		count_add(&from->count[core->id].in_bytes, frame[i].len);
		count_drop(core, from, &frame[i], VNET_DROP_outer_forged);
		if (i > first)
			moved += walk_frames(core, from, frame + first, i - first);
		first = i + 1;
	}
	if (n > first)
		moved += walk_frames(core, from, frame + first, n - first);
	return moved;
}

/* Only the source MAC is known here, no address of IPv4 or ARP. */
static int guard_refuses(struct vnet_port *from, mac_t src, mac_t dst)
{
	const struct underlay *u = atomic_load(&from->vnet->underlays);

	(void)dst;
	for (; u; u = atomic_load(&u->next))
		if (u->edge != from && u->config.mac == src)
			return VNET_DROP_outer_forged;
	return -1;
}

const struct vnet_stage guard_stage = {.ingress = guard_ingress, .refuses = guard_refuses};

/* The stage for a port; `edge`: which networks have an edge, if there is an underlay. */
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
