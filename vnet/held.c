/* SPDX-License-Identifier: BSD-2-Clause */
/* held.c: see held.h. */
#include <string.h>
#include "vnet/frame/view.h"
#include "vnet/held.h"
#include "vnet/walk.h"

/* The state of a frame that waits. */
static unsigned waits(const struct vnet_port *from, unsigned slot)
{
	return HELD_WAITS + from->number * VNET_HOLDS + slot;
}

void vnet_held_wait(struct vnet_held *h)
{
	atomic_store(&h->state, waits(h->from, h->slot));
}

/* Whether a piece is a copy in the core's own memory. */
static bool is_copy(const struct vnet_core *core, const struct vnet_seg *seg)
{
	uintptr_t chain = (uintptr_t)atomic_load_explicit(&core->chain, memory_order_relaxed);

	return (uintptr_t)seg->base - (uintptr_t)core < sizeof *core ||
	       (chain && (uintptr_t)seg->base - chain < core->chain_bytes);
}

/* A head in memory of the core, which the switch has checked or changed there: the next walk
 * uses that anew.  False: it is too long. */
static bool keep_copied_head(struct vnet_held *h, const struct vnet_frame *f)
{
	if (f->seg->len > sizeof h->head)
		return false;
	memcpy(h->seg, f->seg, f->nseg * sizeof *f->seg);
	memcpy(h->head, f->seg->base, f->seg->len);
	h->seg->base = h->head;
	h->frame.seg = h->seg;
	return true;
}

/* An Ethernet header in the sender's memory, with the addresses as they were read and checked: the
 * sender, which has all the time now, may write others there. */
static void keep_ether_head(struct vnet_held *h, const struct vnet_frame *f)
{
	view_read(f, h->head, VNET_FRAME_MIN);
	mac_write(h->head, f->dst);
	mac_write(h->head + 6, f->src);
	view_replace_head(&h->frame, h->head, VNET_FRAME_MIN, h->seg);
	memmove(h->seg, h->frame.seg, h->frame.nseg * sizeof *h->seg);
	h->frame.seg = h->seg;
}

static bool keep_view(const struct vnet_core *core, struct vnet_held *h, const struct vnet_frame *f)
{
	if (f->nseg >= VNET_HELD_SEGS)
		return false;
	for (unsigned i = 1; i < f->nseg; i++)
		if (is_copy(core, &f->seg[i]))
			return false;
	h->frame = *f;
	if (is_copy(core, f->seg))
		return keep_copied_head(h, f);
	keep_ether_head(h, f);
	return true;
}

bool vnet_hold(struct vnet_core *core, struct vnet_held *h, const struct vnet_frame *f,
               struct vnet_port *at, enum vnet_drop why, uint64_t until)
{
	struct vnet_port *from = core->from;
	size_t number = (size_t)(f - core->open.batch.frame);
	int slot;

	if (!from->ops->hold || number >= core->open.batch.n || !keep_view(core, h, f))
		return false;
	slot = from->ops->hold(from->dev, (unsigned)number, h);
	if (slot < 0)
		return false;
	h->slot = (unsigned)slot;
	h->from = from;
	h->at = at;
	h->why = why;
	h->until = until;
	from->held_until[slot] = until;
	atomic_store(&from->held[slot], h);
	return true;
}

void vnet_release(struct vnet_held *h)
{
	struct vnet_port *from = h->from;
	struct vnet_held *mine = h;

	from->ops->release(from->dev, h->slot);
	/* Last, for who recalls the port's frames.  The slot may have another frame by now; not one
	 * in *h, which is still taken. */
	atomic_compare_exchange_strong(&from->held[h->slot], &mine, NULL);
}

/*
 * Drops the frame in one of the port's slots, and counts it if there is a core for that.  False:
 * another core has it in hand.  In the walk or under the control lock, so that no holder's memory
 * is freed meanwhile.
 */
static bool drop_one(struct vnet_core *core, struct vnet_port *port, unsigned slot)
{
	struct vnet_held *h = atomic_load(&port->held[slot]);
	unsigned state = waits(port, slot);

	if (!h)
		return true;
	/* Not if the holder has another frame by now. */
	if (!atomic_compare_exchange_strong(&h->state, &state, HELD_TAKEN))
		return false;
	if (core)
		count_add(&h->at->count[core->id].drop[h->why], 1);
	vnet_release(h);
	vnet_held_end(h);
	return true;
}

static bool drop_all(struct vnet_core *core, struct vnet_port *port)
{
	bool all = true;

	for (unsigned i = 0; i < VNET_HOLDS; i++)
		all &= drop_one(core, port, i);
	return all;
}

void vnet_port_drop_late(struct vnet_core *core, struct vnet_port *port)
{
	uint64_t now = atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed);

	walk_enter(core);
	for (unsigned i = 0; i < VNET_HOLDS; i++)
		if (now > port->held_until[i])
			drop_one(core, port, i);
	walk_leave(core);
}

void vnet_port_recall(struct vnet_core *core, struct vnet_port *port)
{
	for (;;) {
		bool all;

		walk_enter(core);
		all = drop_all(core, port);
		walk_leave(core);
		if (all)
			return;
		/* Another core has one in hand: in the walk, or under the control lock, where it
		 * releases what waits for a link that is removed. */
		vnet_sync(port->vnet);
		SPIN_WAIT();
	}
}

void held_abandon(struct vnet_port *port)
{
	if (drop_all(NULL, port))
		return;
	vnet_sync(port->vnet);
	drop_all(NULL, port);
}
