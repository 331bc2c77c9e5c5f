/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.h: one batch on its way through the switch, for the files that look its frames up (private
 * to vnet/). */
#ifndef VNET_WALK_H
#define VNET_WALK_H
#include "vnet/state.h"

/* One batch on its way. */
struct walk {
	struct vnet_core *core;
	struct vnet_port *from;
	struct vnet_frame *frame;
	unsigned n;
	struct vnet_port_stats *count; /* of the incoming port on this core */
	uint64_t quantum; /* by learned addresses: the present one, the same for all frames */
	uint8_t head[16]; /* the Ethernet header, where it lies in several pieces */
};

/* Adds frames, one bit each, to those that a port is to get. */
static inline void mark(struct vnet_core *c, struct vnet_port *port, uint64_t frames)
{
	uint64_t *pending = &c->pending[port->number];

	if (!*pending)
		c->touched[c->ntouched++] = port;
	*pending |= frames;
}

/* A builtin: in a freestanding build memcpy() would be a call. */
static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof v);
	return v;
}

/* Whether the offload header asks for anything: its first two bytes at once. */
static inline bool has_offload(const struct vnet_frame *f)
{
	uint16_t v;

	__builtin_memcpy(&v, &f->hdr, sizeof v);
	return v != 0;
}

/* Counts the drop of a frame at the port where it came in. */
static inline void drop_here(struct walk *w, const struct vnet_frame *f, enum vnet_drop why)
{
	count_add(&w->count->drop[why], 1);
	note_drop(w->core, w->core->from, f, why);
}

/* A core's epoch is odd while it is in the walk. */
static inline void walk_enter(struct vnet_core *c)
{
	/* Sequentially consistent: the epoch is out before the first table is read. */
	if (c->depth++ == 0)
		atomic_store(&c->epoch, atomic_load_explicit(&c->epoch, memory_order_relaxed) + 1);
}

static inline void walk_leave(struct vnet_core *c)
{
	if (--c->depth == 0)
		atomic_store_explicit(&c->epoch,
		                      atomic_load_explicit(&c->epoch, memory_order_relaxed) + 1,
		                      memory_order_release);
}

/* The number in the batch of the walk's first frame, in a walk that is recorded: a stage walks its
 * frames in several parts. */
static inline unsigned number_of_first(const struct walk *w)
{
	return (unsigned)(w->frame - w->core->stamped);
}

/* The walk's frames, one bit each, with numbers of the batch. */
static inline uint64_t in_batch(const struct walk *w, uint64_t frames)
{
	return frames << number_of_first(w);
}

/* vnet/trace.c: the stamps of a walk, while tracing is on. */
void trace_taken(struct vnet_core *core, const struct vnet_port *entry, struct vnet_batch *batch);
void trace_looked_up(const struct walk *w); /* chooses the frames that are traced */
void trace_raised(const struct walk *w, unsigned port, uint64_t frames, unsigned accepted);
void trace_returned(const struct walk *w);

/* vnet/mirror.c: a walk's frames, while there are mirrors.  Its beginning, whose time it returns;
 * each batch, or link's part of one, once it is taken; what it needs more when its destinations are
 * known; each visit. */
uint64_t capture_walk(struct vnet_core *core, const struct vnet_port *from, unsigned n);
void capture_taken(struct vnet_core *core, const struct vnet_port *from,
                   const struct vnet_frame *frame, unsigned n);
void capture_looked_up(const struct walk *w);
void capture_visited(const struct walk *w, const struct vnet_port *port, uint64_t frames);
void capture_end_walk(struct vnet_core *core);

/* vnet/measure.c: with WATCH_TIMES, when a destination was visited, and after the last one, for
 * those of the walk's frames that had any. */
void times_visited(const struct walk *w, const struct vnet_port *port, unsigned delivered);
void times_returned(const struct walk *w, uint64_t frames);

/* The rare cases of admit(); each counts the drop when it returns false. */
bool admit_gather(struct walk *w, const struct vnet_frame *f); /* fills w->head from pieces */
bool admit_offload(struct walk *w, struct vnet_frame *f);
bool admit_length(struct walk *w, const struct vnet_frame *f); /* false */
bool admit_source(struct walk *w, const struct vnet_frame *f); /* false */

/* Checks one frame and reads its addresses, once: the sender may still write to its buffer. */
static inline bool admit(struct walk *w, struct vnet_frame *f)
{
	const uint8_t *head;

	if (f->len - VNET_FRAME_MIN > VNET_FRAME_MAX - VNET_FRAME_MIN)
		return admit_length(w, f);
	if (!f->contiguous_head && !admit_gather(w, f))
		return false;
	head = f->contiguous_head ? f->seg[0].base : w->head;
	f->dst = load64(head) & MAC_MASK;
	f->src = load64(head + 4) >> 16;
	if (f->src & MAC_MULTICAST)
		return admit_source(w, f);
	return !has_offload(f) || admit_offload(w, f);
}

#endif
