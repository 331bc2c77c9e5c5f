/* SPDX-License-Identifier: BSD-2-Clause */
/* waiting.c: see waiting.h. */
#include "vnet/link/waiting.h"
#include "vnet/link/wire.h"

/* Gives a frame back that waited in vain, and counts it. */
static void drop_stale(struct vnet_core *core, struct link *l)
{
	vnet_release(&l->waiting);
	count_add(&l->port->count[core->id].drop[VNET_DROP_no_neighbour], 1);
}

static void send_held(struct vnet_core *core, struct link *l)
{
	struct vnet_held *h = &l->waiting;
	struct vnet_frame *const list[1] = {&h->frame};
	struct vnet_port *from = core->from;

	core->from = h->from; /* is answered, as always, when the frame is too large */
	port_hand(core, l->port, list, 1, h->frame.len);
	core->from = from;
	vnet_release(h);
}

/*
 * One reply may let frames of many links go, in one exit of Dom0's: no more than about a batch of a
 * sender's may cost, by the same measure.  What is left goes before the next frame of its link.
 */
#define BUDGET  (128u << 10)
#define SEGMENT 512u

static uint32_t weight_of(const struct vnet_frame *f)
{
	return f->len + (f->hdr.gso_size ? SEGMENT * (f->len / f->hdr.gso_size) : 0);
}

/* Whether it is worth sending, and its sender still there: a device that broke may have it until
 * its driver resets it. */
static bool is_due(struct vnet_core *core, const struct vnet_held *h)
{
	return atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed) <= h->until &&
	       atomic_load_explicit(&h->from->up, memory_order_relaxed);
}

/* Sends the frame that waits, if there is one; returns its weight. */
static uint32_t send_one(struct vnet_core *core, struct link *l)
{
	struct vnet_held *h = &l->waiting;
	uint32_t weight;

	if (!vnet_held_take(h))
		return 0;
	weight = weight_of(&h->frame);
	if (is_due(core, h))
		send_held(core, l);
	else
		drop_stale(core, l);
	vnet_held_end(h);
	return weight;
}

void waiting_go(struct vnet_core *core, struct link *l)
{
	send_one(core, l);
}

bool waiting_hold(struct vnet_core *core, struct link *l, const struct vnet_frame *f)
{
	uint64_t now = atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed);
	struct vnet_held *h = &l->waiting;

	/* It would not be sent, and its sender be told only then. */
	if (f->hdr.gso_type == VNET_GSO_NONE && f->len > l->full)
		return false;
	if (vnet_held_take(h))
		drop_stale(core, l);
	else if (!vnet_held_begin(h))
		return false; /* another core has it in hand */
	if (!vnet_hold(core, h, f, l->port, VNET_DROP_no_neighbour, now + NEIGHBOUR_WAIT)) {
		vnet_held_end(h);
		return false;
	}
	count_add(&l->port->count[core->id].out_bytes, -(uint64_t)f->len);
	if (core->watch)
		capture_kept(core, f);
	vnet_held_wait(h);
	atomic_store(&l->hop->awaited, true);
	/* The replier does the reverse: it makes the MAC known and then looks for frames, so one of
	 * the two sees the other's. */
	if (atomic_load(&l->hop->word))
		send_one(core, l);
	return true;
}

void waiting_send(struct vnet_core *core, struct underlay *u, struct neighbour *n)
{
	const struct peers *peers = atomic_load_explicit(&u->peers, memory_order_acquire);
	uint32_t weight = 0;

	if (!atomic_exchange(&n->awaited, false))
		return;
	for (unsigned i = 0; peers && i <= peers->mask && weight < BUDGET; i++) {
		const struct peer *p = &peers->slot[i];
		struct vnet_port *port;

		if (!p->udp_port || !p->remote || p->vni == PEER_ANY)
			continue;
		port = port_at(core->vnet, p->link);
		if (port && port->flags & VNET_LINK && link_of(port)->hop == n)
			weight += send_one(core, link_of(port));
	}
}

void waiting_forget(struct link *l)
{
	struct vnet_held *h = &l->waiting;

	/* A device that stops just now may have it in hand, for a moment. */
	while (!vnet_held_begin(h))
		if (vnet_held_take(h)) {
			vnet_release(h);
			return;
		}
}
