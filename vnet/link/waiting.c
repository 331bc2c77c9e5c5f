/* SPDX-License-Identifier: BSD-2-Clause */
/* waiting.c: see waiting.h. */
#include "vnet/link/waiting.h"
#include "vnet/frame/view.h"
#include "vnet/link/wire.h"

enum { FREE, HELD, FRAME };

static bool take(struct waiting *w, unsigned from)
{
	return atomic_compare_exchange_strong(&w->state, &from, HELD);
}

/* Counts a frame that waited in vain. */
static void count_stale(struct vnet_core *core, struct link *l)
{
	count_add(&l->port->count[core->id].drop[VNET_DROP_no_neighbour], 1);
}

/* Sends the frame that waits, if there is one. */
static void send_one(struct vnet_core *core, struct link *l)
{
	struct waiting *w = &l->waiting;
	struct vnet_seg seg;
	struct vnet_frame f = {.seg = &seg, .nseg = 1, .contiguous_head = true};
	struct vnet_frame *const list[1] = {&f};
	struct vnet_port *from = core->from;

	if (!take(w, FRAME))
		return;
	seg = (struct vnet_seg){w->bytes, w->len};
	f.len = w->len;
	f.hdr = w->hdr;
	f.dst = mac_read(w->bytes);
	f.src = mac_read(w->bytes + 6);
	core->from = l->port; /* its sender may be gone, and gets no answer */
	if (atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed) - w->second <=
	    NEIGHBOUR_WAIT)
		port_hand(core, l->port, list, 1, f.len);
	else
		count_stale(core, l);
	core->from = from;
	atomic_store(&w->state, FREE);
}

bool waiting_save(struct vnet_core *core, struct link *l, const struct vnet_frame *f)
{
	struct waiting *w = &l->waiting;
	bool replaces;

	if (f->hdr.gso_type != VNET_GSO_NONE || f->len > l->full)
		return false;
	replaces = take(w, FRAME);
	if (!replaces && !take(w, FREE))
		return false;
	if (replaces)
		count_stale(core, l);
	w->len = f->len;
	w->hdr = f->hdr;
	w->second = atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed);
	view_read(f, w->bytes, f->len);
	count_add(&l->port->count[core->id].out_bytes, -(uint64_t)f->len);
	atomic_store(&w->state, FRAME);
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

	if (!atomic_exchange(&n->awaited, false))
		return;
	for (unsigned i = 0; peers && i <= peers->mask; i++) {
		const struct peer *p = &peers->slot[i];
		struct vnet_port *port;

		if (!p->udp_port || !p->remote || p->vni == PEER_ANY)
			continue;
		port = port_at(core->vnet, p->link);
		if (port && port->flags & VNET_LINK && link_of(port)->hop == n)
			send_one(core, link_of(port));
	}
}
