/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outbound.c: frames to a link: an outer header in front, then on to the edge port.
 *
 * The header is built in the core's scratch space and becomes the first piece of a new view, whose
 * other pieces are the sender's; Dom0's device copies both at once.  Dom0's NICs cannot segment
 * inside a tunnel, so large frames are segmented here; checksums are left to the NIC or to Dom0's
 * device.
 */
#include <string.h>
#include "vnet/link/ecn.h"
#include "vnet/frame/offload.h"
#include "vnet/link/pathmtu.h"
#include "vnet/link/toobig.h"
#include "vnet/link/wire.h"

_Static_assert(sizeof(((struct vnet_scratch *)0)->head[0]) >= ENCAP_MAX + OFFLOAD_HEAD,
               "the headers of a segment fit behind the outer ones");

#define TOOBIG_RATE 64 /* answers to a port in a second, at most */

struct outbound {
	struct vnet_core *core;
	struct link *l;
	mac_t next; /* the next hop's MAC */
	unsigned limit;
	uint64_t slot; /* the present one, pathmtu_slot() */
};

/* Delivers the gathered packets to the edge port, which counts them. */
static void flush(const struct outbound *o)
{
	struct vnet_scratch *s = &o->core->scratch;

	if (s->n)
		port_hand(o->core, o->l->underlay->edge, s->list, s->n, s->bytes);
	s->n = s->nseg = 0;
	s->bytes = 0;
}

/* Appends the frame behind its outer header; `outer` has flow and tos (encap_inner()).  The first
 * `own` bytes of the frame are copied behind the header. */
static void packet_append(const struct outbound *o, const struct vnet_frame *inner, unsigned own,
                          struct encap_outer *outer)
{
	struct vnet_scratch *s = &o->core->scratch;
	struct link *l = o->l;
	struct vnet_frame *f;
	uint8_t *head;

	if (s->n == VNET_BATCH || s->nseg + inner->nseg + 1u > SCRATCH_SEGS)
		flush(o);
	f = &s->frame[s->n];
	head = s->head[s->n];
	pathmtu_sends(l, o->slot, outer->flow);
	outer->next = o->next;
	outer->len = inner->len;
	outer->id = pathmtu_id(l, o->slot, outer->flow);
	encap_build(head, l->head, l->bytes, outer);
	if (own)
		memcpy(head + l->bytes, inner->seg->base, own);
	count_add(&l->port->count[o->core->id].copied, l->bytes + own);
	f->seg = &s->seg[s->nseg];
	f->seg[0] = (struct vnet_seg){head, l->bytes + own};
	f->nseg = 1;
	for (unsigned i = own ? 1 : 0; i < inner->nseg; i++)
		f->seg[f->nseg++] = inner->seg[i];
	f->len = l->bytes + inner->len;
	f->contiguous_head = true;
	f->hdr = (struct vnet_hdr){0};
	f->dst = o->next;
	f->src = l->underlay->config.mac;
	s->list[s->n++] = f;
	s->nseg += f->nseg;
	s->bytes += f->len;
}

/* Whether the port may be answered once more in this second; the limit is per port, so that none
 * uses up another's.  *next: the new value of `answered`. */
static bool may_answer(uint64_t was, uint64_t now, uint64_t *next)
{
	*next = (was >> 16 == now ? was : now << 16) + 1;
	return (*next & 0xffff) <= TOOBIG_RATE;
}

/* Sends the ICMP answer to a frame that is too large, if one is due. */
static void answer_too_big(const struct outbound *o, const struct vnet_frame *f)
{
	struct vnet_core *c = o->core;
	struct vnet_port *from = c->from;
	uint64_t now = atomic_load_explicit(&c->vnet->seconds, memory_order_relaxed);
	uint64_t was = atomic_load_explicit(&from->answered, memory_order_relaxed), next;
	uint8_t answer[TOOBIG_MAX];
	unsigned len;

	/* The peer of another link gets none: its port would use this scratch space. */
	if (from->flags & VNET_LINK || !atomic_load_explicit(&from->up, memory_order_acquire))
		return;
	if (!may_answer(was, now, &next)) {
		count_add(&from->count[c->id].drop[VNET_DROP_icmp_rate_limited], 1);
		return;
	}
	len = toobig_answer(answer, f, o->limit);
	/* If two cores answer at once, only one answer is sent. */
	if (len && atomic_compare_exchange_strong(&from->answered, &was, next))
		port_send(c, from, answer, len);
}

static bool refuse(const struct outbound *o, const struct vnet_frame *f, enum vnet_drop why)
{
	vnet_refuse(o->core, o->l->port, f, why);
	if (why == VNET_DROP_too_big)
		answer_too_big(o, f);
	return false;
}

/* Whether the edge port has room for this many more frames. */
static bool edge_has_room(const struct outbound *o, unsigned more)
{
	struct vnet_port *edge = o->l->underlay->edge;

	return !edge->ops->room || edge->ops->room(edge) >= o->core->scratch.n + more;
}

/* Sets flow and tos from the inner frame: the ECN field always (RFC 6040, 4.1), the DSCP with
 * `dscp copy` (RFC 2983). */
static void set_inner(const struct outbound *o, struct encap_outer *outer,
                      const struct vnet_frame *f)
{
	uint8_t dscp = o->l->config.dscp;

	encap_inner(outer, f);
	if (dscp != VNET_DSCP_COPY)
		outer->tos = (uint8_t)(dscp << 2 | (outer->tos & ECN_MASK));
}

/* Sends a large frame in segments. */
static bool send_segments(const struct outbound *o, const struct vnet_frame *f)
{
	struct offload_cut cut;
	struct vnet_frame segment;
	struct encap_outer outer;
	unsigned payload;

	if (!offload_parse(&cut.head, f))
		return refuse(o, f, VNET_DROP_no_offload);
	if (cut.head.covered)
		return refuse(o, f, VNET_DROP_authenticated);
	payload = f->len - cut.head.len;
	if (payload > f->hdr.gso_size)
		payload = f->hdr.gso_size;
	if (cut.head.len + payload > o->limit)
		return refuse(o, f, VNET_DROP_too_big);
	/* The sender may have changed its headers in between. */
	if (!offload_cut_begin(&cut, f, o->limit - cut.head.l3))
		return refuse(o, f, VNET_DROP_no_offload);
	if (!edge_has_room(o, cut.segments))
		return refuse(o, f, VNET_DROP_rx_full);
	set_inner(o, &outer, f);
	while (offload_cut_next(&cut, &segment))
		packet_append(o, &segment, segment.seg->len, &outer);
	return !cut.broken || refuse(o, f, VNET_DROP_no_offload);
}

static bool send_one(const struct outbound *o, const struct vnet_frame *f)
{
	struct vnet_scratch *s = &o->core->scratch;
	struct encap_outer outer;
	struct vnet_hdr *hdr;

	if (f->hdr.gso_type != VNET_GSO_NONE)
		return send_segments(o, f);
	if (f->len > o->limit)
		return refuse(o, f, VNET_DROP_too_big);
	set_inner(o, &outer, f);
	packet_append(o, f, 0, &outer);
	if (!(f->hdr.flags & VNET_HDR_F_NEEDS_CSUM))
		return true;
	hdr = &s->frame[s->n - 1].hdr;
	hdr->flags = VNET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = (uint16_t)(f->hdr.csum_start + o->l->bytes);
	hdr->csum_offset = f->hdr.csum_offset;
	return true;
}

int outbound_blocked(const struct vnet_port *port)
{
	const struct link *l = link_of(port);

	if (!atomic_load_explicit(&l->underlay->edge->up, memory_order_acquire))
		return VNET_DROP_bridge_down;
	return neighbour_mac(l->hop) ? -1 : VNET_DROP_no_neighbour;
}

static unsigned refuse_all(const struct outbound *o, struct vnet_frame *const *frames, unsigned n,
                           enum vnet_drop why)
{
	for (unsigned i = 0; i < n; i++)
		refuse(o, frames[i], why);
	return 0;
}

unsigned outbound_egress(struct vnet_port *port, struct vnet_core *core,
                         struct vnet_frame *const *frames, unsigned n)
{
	struct link *l = link_of(port);
	uint64_t now = atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed);
	struct outbound o = {core, l, neighbour_fresh(l->hop, now), pathmtu_limit(l, now),
	                     pathmtu_slot(now)};
	unsigned sent = 0;

	if (!atomic_load_explicit(&l->underlay->edge->up, memory_order_acquire))
		return refuse_all(&o, frames, n, VNET_DROP_bridge_down);
	if (!o.next)
		o.next = underlay_ask(core, l->underlay, l->hop);
	if (!o.next) {
		bool held = waiting_hold(core, l, frames[n - 1]);

		return refuse_all(&o, frames, held ? n - 1 : n, VNET_DROP_no_neighbour);
	}
	if (__builtin_expect(waiting_there(&l->waiting), 0))
		waiting_go(core, l);
	for (unsigned i = 0; i < n; i++)
		sent += send_one(&o, frames[i]);
	flush(&o);
	return sent;
}
