/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbound.c: frames from an edge port with an underlay, before they are switched.
 *
 * Each frame gets a source port: the edge port itself, the link whose peer sent it, or none if it
 * is consumed or dropped here.  Consecutive frames of one source port are switched together.
 */
#include <string.h>
#include "vnet/link/arp.h"
#include "lib/bytes.h"
#include "vnet/link/echo.h"
#include "vnet/link/ecn.h"
#include "vnet/link/guard.h"
#include "vnet/link/pathmtu.h"
#include "vnet/frame/view.h"
#include "vnet/link/wire.h"
#include "vnet/walk.h"

/* One batch, and the frame of it that is examined. */
struct inbound {
	struct vnet_core *core;
	struct vnet_port *edge;
	struct underlay *u;
	struct vnet_frame *f;
};

/* Drops the frame, counted at the edge port. */
static struct vnet_port *drop_frame(const struct inbound *in, enum vnet_drop why)
{
	count_drop(in->core, in->edge, in->f, why);
	return NULL;
}

static void answer_arp(const struct inbound *in, const struct arp *asked)
{
	const struct vnet_underlay_config *c = &in->u->config;
	struct arp a = {ARP_REPLY, c->mac, asked->sender_mac, c->address, asked->sender};
	uint8_t frame[ARP_FRAME];

	arp_write(frame, asked->sender_mac, &a);
	if (atomic_load_explicit(&in->edge->up, memory_order_acquire))
		port_send(in->core, in->edge, frame, sizeof frame);
}

static struct vnet_port *take_arp_reply(const struct inbound *in, const struct arp *a)
{
	uint64_t now = atomic_load_explicit(&in->core->vnet->seconds, memory_order_relaxed);
	struct neighbour *n = neighbour_find(in->u->neighbour, VNET_NEIGHBOURS, a->sender);

	if (!a->sender || !n || !neighbour_reply(n, a->sender_mac, now))
		return drop_frame(in, VNET_DROP_arp_unsolicited);
	waiting_send(in->core, in->u, n);
	return NULL;
}

/* A next hop that asks for us, or announces itself (RFC 5227, 2.3), is there: it is asked in turn
 * if its MAC is not known.  What it says of itself is not believed. */
static void ask_back(const struct inbound *in, const struct arp *a)
{
	struct neighbour *n = neighbour_find(in->u->neighbour, VNET_NEIGHBOURS, a->sender);

	if (a->sender && n)
		underlay_ask(in->core, in->u, n);
}

/* An ARP frame to broadcast or to us.  A broadcast that does not concern us is switched. */
static struct vnet_port *take_arp(const struct inbound *in, bool to_us)
{
	const struct vnet_underlay_config *c = &in->u->config;
	uint8_t bytes[ARP_BYTES];
	struct arp a;

	if (!arp_read(&a, bytes, view_read(in->f, bytes, sizeof bytes)))
		return to_us ? drop_frame(in, VNET_DROP_arp_malformed) : in->edge;
	if (a.sender == c->address)
		return drop_frame(in, VNET_DROP_arp_conflict);
	if (a.op == ARP_REQUEST && a.target == a.sender)
		ask_back(in, &a);
	if (a.target != c->address)
		return to_us ? drop_frame(in, VNET_DROP_outer_other) : in->edge;
	if (a.op == ARP_REPLY)
		return take_arp_reply(in, &a);
	answer_arp(in, &a);
	ask_back(in, &a);
	return NULL;
}

/* The link that a datagram belongs to; NULL: none, and *why says why. */
static struct vnet_port *find_link(const struct inbound *in, struct encap_packet *p,
                                   enum vnet_drop *why)
{
	const struct peers *peers = atomic_load_explicit(&in->u->peers, memory_order_acquire);
	int kind = peers ? peers_kind(peers, p->udp_port) : -1, number;

	*why = VNET_DROP_outer_other;
	if (kind < 0)
		return NULL;
	*why = encap_read_inner(p, (enum vnet_link_kind)kind);
	if (*why != ENCAP_OK)
		return NULL;
	*why = VNET_DROP_nested;
	if (p->inner_dst == in->u->config.mac)
		return NULL;
	number = peers_find(peers, p->udp_port, p->vni, p->source, why);
	return number < 0 ? NULL : port_at(in->core->vnet, (unsigned)number);
}

static struct vnet_port *take_udp(const struct inbound *in, struct encap_packet *p)
{
	enum vnet_drop why = encap_read_udp(p, in->f);
	struct vnet_port *link;

	if (why != ENCAP_OK)
		return drop_frame(in, why);
	/* A link that is being removed is unknown already. */
	why = VNET_DROP_unknown_peer;
	link = find_link(in, p, &why);
	if (!link)
		return drop_frame(in, why);
	if (!view_cut(in->f, p->inner, p->end - p->inner))
		return drop_frame(in, VNET_DROP_outer_length);
	memset(&in->f->hdr, 0, sizeof in->f->hdr);
	if (p->tos & ECN_MASK)
		count_add(&in->edge->count[in->core->id].copied,
		          in->f->len < GUARD_HEAD ? in->f->len : GUARD_HEAD);
	if (!ecn_carry(in->core, in->f, (enum ecn)(p->tos & ECN_MASK)))
		return drop_frame(in, VNET_DROP_ce_not_ect);
	return link;
}

/* A frame to the underlay's MAC. */
static struct vnet_port *take_ip(const struct inbound *in)
{
	struct encap_packet p;
	enum vnet_drop why = encap_read_ip(&p, in->f);

	if (why != ENCAP_OK)
		return drop_frame(in, why);
	if (p.destination != in->u->config.address)
		return drop_frame(in, VNET_DROP_outer_other);
	if (p.protocol == IP_UDP)
		return take_udp(in, &p);
	if (p.protocol == IP_ICMP && echo_answer(in->core, in->u, in->f, &p))
		return NULL;
	return drop_frame(in, p.protocol == IP_ICMP ? pathmtu_message(in->core, in->u, in->f, &p)
	                                            : VNET_DROP_outer_other);
}

/* The frame's source port; NULL: it was consumed or dropped. */
static struct vnet_port *source_of(const struct inbound *in)
{
	const mac_t us = in->u->config.mac;
	uint8_t head[VNET_FRAME_MIN];
	unsigned type;
	mac_t dst;

	/* admit() drops and counts it. */
	if (in->f->len > VNET_FRAME_MAX || view_read(in->f, head, sizeof head) < sizeof head)
		return in->edge;
	dst = mac_read(head);
	type = be16(head + 12);
	if (head[6] & 1)
		return drop_frame(in, VNET_DROP_bad_source);
	if (mac_read(head + 6) == us)
		return drop_frame(in, VNET_DROP_looped);
	if (type == ETHER_ARP && (dst == us || dst == MAC_BROADCAST))
		return take_arp(in, dst == us);
	if (dst != us)
		return in->edge;
	return type == ETHER_IPV4 ? take_ip(in) : drop_frame(in, VNET_DROP_outer_other);
}

/* Switches a run of frames of one source port; none if that is NULL. */
static unsigned walk_run(struct vnet_core *core, struct vnet_port *edge, struct vnet_port *from,
                         struct vnet_frame *frame, unsigned n)
{
	const struct vnet_stage *stage;

	if (!from || !n)
		return 0;
	if (from == edge)
		return walk_frames(core, from, frame, n);
	count_add(&from->count[core->id].in_frames, n);
	if (core->watch & WATCH_CAPTURE)
		capture_taken(core, from, frame, n);
	stage = stage_of(from);
	return stage ? stage->ingress(core, from, frame, n) : walk_frames(core, from, frame, n);
}

static unsigned inbound_ingress(struct vnet_core *core, struct vnet_port *edge,
                                struct vnet_frame *frame, unsigned n)
{
	struct underlay *u = underlay_of(edge);
	struct vnet_port *run = NULL;
	unsigned first = 0, moved = 0;

	/* It is being removed: the edge is checked like the other ports of its network. */
	if (!u)
		return guard_stage.ingress(core, edge, frame, n);
	core->marks.n = core->marks.nseg = 0;
	for (unsigned i = 0; i < n; i++) {
		struct inbound in = {core, edge, u, &frame[i]};
		uint32_t len = frame[i].len;
		struct vnet_port *from = source_of(&in);

		if (from != edge) /* else the look-up counts it */
			count_add(&edge->count[core->id].in_bytes, len);
		if (from == run)
			continue;
		moved += walk_run(core, edge, run, frame + first, i - first);
		run = from;
		first = i;
	}
	return moved + walk_run(core, edge, run, frame + first, n - first);
}

/* A frame to the underlay without content is dropped as outer_other. */
static int inbound_refuses(struct vnet_port *edge, mac_t src, mac_t dst)
{
	const struct underlay *u = underlay_of(edge);

	if (src & MAC_MULTICAST)
		return VNET_DROP_bad_source;
	if (src == u->config.mac)
		return VNET_DROP_looped;
	return dst == u->config.mac ? VNET_DROP_outer_other : -1;
}

const struct vnet_stage inbound_stage = {
    .ingress = inbound_ingress,
    .refuses = inbound_refuses,
    .ready = underlay_ready,
};
