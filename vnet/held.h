/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * held.h: a frame that waits for its destination.  Included by vnet.h.
 *
 * A frame is a view of its sender's memory, which is the sender's again when the walk of its batch
 * returns.  A destination that cannot take a frame yet, and will, holds it: the sender's device
 * keeps the frame's descriptors meanwhile, and gives them back when the frame is released, after
 * those of later frames.  So a frame that waits is not copied, but for its Ethernet header: the
 * sender can write to its memory, and the addresses have been checked.
 *
 * The holder owns the memory of struct vnet_held.  Whoever sets `state` to HELD_TAKEN owns the rest
 * until it sets the next state: a core in the walk that holds, sends or replaces the frame, or the
 * one on which the sender's device stops, which drops it.
 */
#ifndef VNET_HELD_H
#define VNET_HELD_H
#include <stdatomic.h>
#include "vnet/vnet.h"

#define VNET_HELD_SEGS 20  /* pieces, the head is one: Linux has 18 at most, and virtio's header */
#define VNET_HELD_HEAD 128 /* bytes of a copied head, at most */

/* From HELD_WAITS on, a frame waits: the port and the slot that it has there, see held.c. */
enum vnet_held_state { HELD_FREE, HELD_TAKEN, HELD_WAITS };

struct vnet_held {
	atomic_uint state;
	unsigned slot;               /* of `from` */
	struct vnet_port *from, *at; /* whose it is; the port that counts it if it is dropped */
	enum vnet_drop why;
	uint64_t until; /* the last second in which it is worth sending */
	struct vnet_frame frame;
	struct vnet_seg seg[VNET_HELD_SEGS];
	uint8_t head[VNET_HELD_HEAD]; /* the Ethernet header, and what the switch had copied */
};

/* Takes it over.  False: no frame waits there. */
static inline bool vnet_held_take(struct vnet_held *h)
{
	unsigned state = atomic_load(&h->state);

	return state >= HELD_WAITS && atomic_compare_exchange_strong(&h->state, &state, HELD_TAKEN);
}

/* Takes it over for another frame.  False: it is not free. */
static inline bool vnet_held_begin(struct vnet_held *h)
{
	unsigned state = HELD_FREE;

	return atomic_compare_exchange_strong(&h->state, &state, HELD_TAKEN);
}

/* The owner's end: the frame waits. */
void vnet_held_wait(struct vnet_held *h);

/* The owner's end: no frame waits. */
static inline void vnet_held_end(struct vnet_held *h)
{
	atomic_store(&h->state, HELD_FREE);
}

/*
 * Holds a frame that egress() was given, in *h, which the caller has taken; it then calls
 * vnet_held_wait().  `at`, `why`: as what it is counted if it is dropped; `until`: a second of the
 * switch's clock.  False: its device does not hold it: there are too many already, or it is in too
 * many pieces, or it was made by the switch.  In the walk.
 */
bool vnet_hold(struct vnet_core *core, struct vnet_held *h, const struct vnet_frame *f,
               struct vnet_port *at, enum vnet_drop why, uint64_t until);

/* Gives the frame's descriptors back to its sender; *h stays taken.  In the walk, or under the
 * control lock. */
void vnet_release(struct vnet_held *h);

/* Drops and counts frames of a port that are held longer than they are worth sending.  For its
 * device, after a visit to the ring; not in the walk. */
void vnet_port_drop_late(struct vnet_core *core, struct vnet_port *port);

/*
 * Drops and counts all frames of a port that are held.  Its device has stopped: vnet_input() runs
 * for it no more.  On return no core uses a frame of the port, and release() has been called for
 * each.  Not in the walk.
 */
void vnet_port_recall(struct vnet_core *core, struct vnet_port *port);

#endif
