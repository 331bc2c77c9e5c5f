/* SPDX-License-Identifier: BSD-2-Clause */
/* mirror.c: copies of frames for mirrors; see mirror.h.  Called only while there are some. */
#include <string.h>
#include "vnet/walk.h"

_Static_assert(sizeof(struct vnet_hdr) == CAPTURE_OFFLOAD, "a record has room for it");
_Static_assert(sizeof(struct capture_piece) == sizeof(struct vnet_seg) &&
                   offsetof(struct capture_piece, len) == offsetof(struct vnet_seg, len),
               "a frame's pieces are passed as they are");
_Static_assert(VNET_DROP_CAUSES < 255, "a cause fits a byte");

static uint8_t mirrors_of(const struct vnet_port *port)
{
	return atomic_load_explicit(&port->mirrors, memory_order_relaxed);
}

/* --- groups of records ----------------------------------------------------------------------- */

static void begin(struct vnet_core *core)
{
	struct vnet_capture *c = &core->capture;

	c->tsc = capture_begin(&c->to);
	c->walk_due = false;
	c->have = c->refused = 0;
	c->handed = NULL;
}

/* Adds a record without bytes. */
static void put(struct vnet_core *core, enum capture_kind kind, unsigned port, uint64_t value)
{
	struct capture_record r = {
	    .kind = (uint8_t)kind, .port = (uint16_t)port, .tsc = trace_now(), .value = value};

	capture_put(&core->capture.to, &r, NULL, 0, 0);
}

/* The walk's own record comes when something else has to be said of it. */
static void put_walk(struct vnet_core *core)
{
	struct vnet_capture *c = &core->capture;
	struct capture_record r = {
	    .kind = CAPTURE_walk, .port = c->from, .tsc = c->tsc, .value = c->frames};

	if (c->walk_due)
		capture_put(&c->to, &r, NULL, 0, 0);
	c->walk_due = false;
}

/* Counts `n` frames for each of the mirrors. */
static void count_frames(struct vnet_core *core, uint8_t mirrors, unsigned n)
{
	for (unsigned m = 0; mirrors >> m; m++)
		if (mirrors >> m & 1)
			count_add(&core->capture.to.ring->frames[m], n);
}

/* Adds a record of one frame, with its bytes. */
static void put_frame(struct vnet_core *core, struct capture_record *r, const struct vnet_frame *f)
{
	put_walk(core);
	r->length = f->len;
	__builtin_memcpy(r->offload, &f->hdr, sizeof f->hdr);
	capture_put(&core->capture.to, r, (const struct capture_piece *)f->seg, f->nseg,
	            atomic_load_explicit(&core->vnet->capture_cut, memory_order_relaxed));
	count_frames(core, r->mirrors, 1);
}

/* An event is a group of its own.  `core` is the caller's, and not in the walk. */
static void put_event(struct vnet_core *core, enum capture_kind kind, unsigned port, uint64_t value)
{
	walk_enter(core);
	if (atomic_load_explicit(&core->watched, memory_order_acquire) & WATCH_CAPTURE) {
		begin(core);
		put(core, kind, port, value);
		capture_end(&core->capture.to);
	}
	walk_leave(core);
}

/* --- switching it on and off ----------------------------------------------------------------- */

void vnet_capture_start(struct vnet *v, struct vnet_core *core, struct capture_ring *const *ring,
                        uint32_t cut)
{
	control_lock(v);
	atomic_store(&v->capture_cut, cut);
	for (unsigned i = 0; i < v->cores; i++) {
		if (atomic_load(&v->core[i]->watched) & WATCH_CAPTURE)
			continue;
		capture_open(&v->core[i]->capture.to, ring[i]);
		atomic_fetch_or(&v->core[i]->watched, WATCH_CAPTURE);
	}
	control_unlock(v);
	put_event(core, CAPTURE_clock, 0, atomic_load(&v->seconds));
}

void vnet_capture_stop(struct vnet *v)
{
	control_lock(v);
	for (unsigned i = 0; i < v->cores; i++)
		atomic_fetch_and(&v->core[i]->watched, ~(unsigned)WATCH_CAPTURE);
	vnet_sync(v);
	control_unlock(v);
}

void vnet_port_set_mirrors(struct vnet_port *port, struct vnet_core *core, uint8_t mirrors)
{
	uint8_t before = atomic_exchange(&port->mirrors, mirrors);

	if (mirrors & ~before)
		put_event(core, CAPTURE_state, port->number, atomic_load(&port->up));
}

void vnet_capture_changed(struct vnet_core *core)
{
	put_event(core, CAPTURE_changed, 0, 0);
}

void vnet_port_set_up(struct vnet_port *port, struct vnet_core *core, bool up)
{
	/* First the state, then the record: a walk between them has the earlier TSC, and a frame
	 * that it delivers says itself that the port was up. */
	if (atomic_exchange(&port->up, up) == up || !mirrors_of(port))
		return;
	if (core->watch & WATCH_CAPTURE)
		put(core, CAPTURE_up, port->number, up);
	else
		put_event(core, CAPTURE_up, port->number, up);
}

/* --- a walk, in its order -------------------------------------------------------------------- */

uint64_t capture_walk(struct vnet_core *core, const struct vnet_port *from, unsigned n)
{
	struct vnet_capture *c = &core->capture;

	begin(core);
	c->walk_due = true;
	c->from = from->number;
	c->frames = n;
	return c->tsc;
}

void capture_taken(struct vnet_core *core, const struct vnet_port *from,
                   const struct vnet_frame *frame, unsigned n)
{
	struct vnet_capture *c = &core->capture;
	unsigned first = (unsigned)(frame - core->stamped);
	uint8_t mirrors = mirrors_of(from);

	for (unsigned i = 0; i < n; i++) {
		struct capture_record r = {.kind = CAPTURE_frame,
		                           .mirrors = mirrors,
		                           .port = from->number,
		                           .tsc = c->tsc,
		                           .frame = (uint8_t)(first + i),
		                           .leaves = core->leaving == from};

		/* What was copied of it before is what an edge got: another header was around it.
		 */
		c->have &= ~(1ull << (first + i));
		if (!mirrors)
			continue;
		put_frame(core, &r, &frame[i]);
		c->have |= 1ull << (first + i);
	}
}

void capture_looked_up(const struct walk *w)
{
	struct vnet_core *core = w->core;
	struct vnet_capture *c = &core->capture;
	uint64_t wanted = 0;

	for (unsigned i = 0; i < core->ntouched; i++) {
		const struct vnet_port *port = core->touched[i];

		if (mirrors_of(port))
			wanted |= core->pending[port->number];
	}
	for (unsigned i = 0; i < w->n; i++) {
		struct capture_record r = {.kind = CAPTURE_frame,
		                           .port = w->from->number,
		                           .tsc = c->tsc,
		                           .frame = (uint8_t)(&w->frame[i] - core->stamped)};

		if (!(wanted >> i & 1) || c->have >> r.frame & 1)
			continue;
		put_frame(core, &r, &w->frame[i]);
		c->have |= 1ull << r.frame;
	}
}

void capture_visited(const struct walk *w, const struct vnet_port *port, uint64_t frames)
{
	struct vnet_core *core = w->core;
	uint64_t accepted = in_batch(w, frames) & ~core->capture.refused;
	struct capture_record r = {
	    .kind = CAPTURE_out, .port = port->number, .tsc = trace_now(), .value = accepted};

	core->capture.refused = 0;
	if (!accepted || !(r.mirrors = mirrors_of(port)))
		return;
	put_walk(core);
	capture_put(&core->capture.to, &r, NULL, 0, 0);
	for (; accepted; accepted &= accepted - 1)
		count_frames(core, r.mirrors, 1);
}

/* A frame that the switch made was refused. */
static void made_refused(struct vnet_capture *c, const struct vnet_frame *f, enum vnet_drop why)
{
	for (struct vnet_handed *h = c->handed; h; h = h->outer)
		for (unsigned i = 0; i < h->n; i++)
			if (h->frames[i] == f)
				h->cause[i] = (uint8_t)(why + 1);
}

void capture_dropped(struct vnet_core *core, const struct vnet_port *port,
                     const struct vnet_frame *f, enum vnet_drop why)
{
	struct vnet_capture *c = &core->capture;
	struct capture_record r = {.kind = CAPTURE_dropped,
	                           .mirrors = mirrors_of(port),
	                           .port = port->number,
	                           .tsc = trace_now(),
	                           .cause = (uint8_t)(why + 1)};

	if (!(core->watch & WATCH_CAPTURE))
		return;
	if (!core->stamped || f < core->stamped || f >= core->stamped + VNET_BATCH) {
		made_refused(c, f, why);
		return;
	}
	r.frame = (uint8_t)(f - core->stamped);
	c->refused |= 1ull << r.frame;
	if (!r.mirrors)
		return;
	put_walk(core);
	capture_put(&c->to, &r, NULL, 0, 0);
	count_frames(core, r.mirrors, port->number != c->from);
}

void capture_kept(struct vnet_core *core, const struct vnet_frame *f)
{
	if (core->stamped && f >= core->stamped && f < core->stamped + VNET_BATCH)
		core->capture.refused |= 1ull << (f - core->stamped);
}

void capture_early(struct vnet_core *core, const struct vnet_port *port, enum vnet_drop why)
{
	struct capture_record r = {.kind = CAPTURE_dropped,
	                           .mirrors = mirrors_of(port),
	                           .port = port->number,
	                           .cause = (uint8_t)(why + 1),
	                           .frame = CAPTURE_NO_FRAME};

	walk_enter(core);
	if (r.mirrors &&
	    atomic_load_explicit(&core->watched, memory_order_acquire) & WATCH_CAPTURE) {
		begin(core);
		r.tsc = core->capture.tsc;
		capture_put(&core->capture.to, &r, NULL, 0, 0);
		capture_end(&core->capture.to);
	}
	walk_leave(core);
}

void capture_making(struct vnet_core *core, struct vnet_handed *handed)
{
	handed->outer = core->capture.handed;
	core->capture.handed = handed;
}

void capture_made(struct vnet_core *core, const struct vnet_port *port, struct vnet_handed *handed)
{
	core->capture.handed = handed->outer;
	for (unsigned i = 0; mirrors_of(port) && i < handed->n; i++) {
		struct capture_record r = {.kind = CAPTURE_made,
		                           .mirrors = mirrors_of(port),
		                           .port = port->number,
		                           .tsc = trace_now(),
		                           .cause = handed->cause[i],
		                           .frame = CAPTURE_NO_FRAME};

		put_frame(core, &r, handed->frames[i]);
	}
}

void capture_end_walk(struct vnet_core *core)
{
	capture_end(&core->capture.to);
}

/* --- what moves no frame --------------------------------------------------------------------- */

void capture_clock(struct vnet_core *core, uint64_t seconds)
{
	put_event(core, CAPTURE_tick, 0, seconds);
}

bool capture_ready(struct vnet_core *core, const struct vnet_port *port)
{
	if (!mirrors_of(port) ||
	    !(atomic_load_explicit(&core->watched, memory_order_acquire) & WATCH_CAPTURE))
		return false;
	begin(core);
	put(core, CAPTURE_ready, port->number, 1);
	core->stamped = NULL;
	core->watch = WATCH_CAPTURE;
	return true;
}

void capture_ready_end(struct vnet_core *core)
{
	core->watch = 0;
	capture_end(&core->capture.to);
}
