/* SPDX-License-Identifier: BSD-2-Clause */
/* forward.c: the walk: look all frames of a batch up, then visit each destination once. */
#include "vnet/walk.h"

/* mark() for a route's port, which is there as long as the table is. */
static inline void mark_route(struct vnet_core *c, uint16_t to, uint64_t frames)
{
	uint64_t before = c->pending[to];

	if (!before)
		c->touched[c->ntouched++] = port_at(c->vnet, to);
	c->pending[to] = before | frames;
}

/* Any result of a look-up: one route, none, several, or only one back to the frame's port. */
static __attribute__((noinline)) void route_uncommon(struct walk *w, const struct vnet_table *t,
                                                     const struct vnet_cached *e, uint64_t bit)
{
	struct vnet_core *c = w->core;
	const uint16_t *list = e->count == 1 ? &e->route : &c->cache.list[e->list];
	bool moved = false;

	for (unsigned k = 0; k < e->count; k++) {
		const struct vnet_route *r = &t->route[list[k]];

		count_add(&table_hits(t, c->id)[list[k]], 1);
		if (r->to == w->from->number && !r->reflect)
			continue;
		mark_route(c, r->to, bit);
		moved = true;
	}
	if (!moved)
		drop_here(w, &w->frame[__builtin_ctzll(bit)],
		          e->count ? VNET_DROP_same_port : VNET_DROP_no_route);
}

/* Looks up what the cache does not know; NULL: the frame was dropped and counted.  Link-local
 * groups are not cached, so that a change of the network's choice needs no flush. */
static __attribute__((noinline)) const struct vnet_cached *
look_up_uncached(struct walk *w, const struct vnet_table *t, const struct vnet_frame *f)
{
	const struct vnet_key q = {f->dst, f->src, w->from->net, w->from->number};

	if (!is_link_local(f->dst))
		return cache_miss(&w->core->cache, t, &q);
	if (!link_local_drops(w->core->vnet, w->from->net, f->dst, false))
		return cache_once(&w->core->cache, t, &q);
	drop_here(w, f, VNET_DROP_link_local);
	return NULL;
}

/* The present table; a cache filled from an older one is flushed. */
static const struct vnet_table *table_of(struct vnet_core *c)
{
	const struct vnet_table *t = atomic_load_explicit(&c->vnet->table, memory_order_acquire);

	if (c->cache.generation != t->generation) {
		c->cache.generation = t->generation;
		cache_flush(&c->cache);
	}
	return t;
}

/* Inlined in both walks: nearly all frames pass here. */
static inline __attribute__((always_inline)) void by_routes(struct walk *w)
{
	struct vnet_core *c = w->core;
	const struct vnet_table *t = table_of(c);
	struct vnet_frame *f = w->frame, *end = f + w->n;
	uint64_t place = cache_place(t, w->from->net, w->from->number);
	uint64_t *hits = table_hits(t, c->id), bytes = 0, bit = 1;
	const uint16_t from = w->from->number;

	for (; f < end; f++, bit <<= 1) {
		const struct vnet_cached *e;

		bytes += f->len;
		if (!admit(w, f))
			continue;
		e = cache_find(&c->cache, f->dst | place, f->src & t->src_mask);
		if (!e) {
			e = look_up_uncached(w, t, f);
			if (!e)
				continue;
		}
		if (e->count == 1 && e->avoid != from) {
			count_add(&hits[e->route], 1);
			mark_route(c, e->to, bit);
		} else {
			route_uncommon(w, t, e, bit);
		}
	}
	count_add(&w->count->in_bytes, bytes);
}

void look_up_routes(struct walk *w, struct policy *p)
{
	(void)p;
	by_routes(w);
}

/* Routes do not ask who sent a frame first: a relayed one comes from the port that relayed it. */
void deliver_routes(struct walk *w, struct policy *p, uint64_t frames, bool relayed)
{
	struct vnet_core *c = w->core;
	const struct vnet_table *t = table_of(c);
	uint64_t place = cache_place(t, w->from->net, w->from->number);

	(void)p;
	(void)relayed;
	for (; frames; frames &= frames - 1) {
		const struct vnet_frame *f = &w->frame[__builtin_ctzll(frames)];
		const struct vnet_cached *e =
		    cache_find(&c->cache, f->dst | place, f->src & t->src_mask);

		if (!e)
			e = look_up_uncached(w, t, f);
		if (e)
			route_uncommon(w, t, e, frames & -frames);
	}
}

static __attribute__((noinline)) unsigned visit_down(struct walk *w, struct vnet_port *port,
                                                     uint64_t frames)
{
	enum vnet_drop why = port->flags & VNET_EDGE ? VNET_DROP_bridge_down : VNET_DROP_port_down;

	for (; frames; frames &= frames - 1)
		count_drop(w->core, port, &w->frame[__builtin_ctzll(frames)], why);
	return 0;
}

/* As port->ops->egress(), in a walk of which frames are traced. */
static unsigned egress_traced(struct vnet_port *port, struct vnet_core *core,
                              struct vnet_frame *const *frames, unsigned n)
{
	if (port->ops->egress_traced)
		return port->ops->egress_traced(port, core, frames, n);
	return port->ops->egress(port, core, frames, n);
}

static inline unsigned visit(struct walk *w, struct vnet_port *port, bool traced)
{
	struct vnet_core *c = w->core;
	uint64_t frames = c->pending[port->number], bytes = 0;
	struct vnet_port_stats *count;
	unsigned n = 0;

	c->pending[port->number] = 0;
	if (!atomic_load_explicit(&port->up, memory_order_acquire))
		return visit_down(w, port, frames);
	for (; frames; frames &= frames - 1) {
		size_t i = (size_t)__builtin_ctzll(frames);
		struct vnet_frame *f = &w->frame[i];

		c->visit[n++] = f;
		bytes += f->len;
	}
	count = &port->count[c->id];
	count_add(&count->out_bytes, bytes);
	n = traced ? egress_traced(port, c, c->visit, n) : port->ops->egress(port, c, c->visit, n);
	count_add(&count->out_frames, n);
	return n;
}

/* A walk that is recorded. */
static __attribute__((noinline)) unsigned walk_watched(struct walk *w)
{
	struct vnet_core *c = w->core;
	struct policy *policy;
	uint64_t all = 0;
	unsigned moved = 0;

	c->open.walks++;
	c->from = w->from;
	policy = atomic_load_explicit(&c->vnet->policy[w->from->net], memory_order_acquire);
	policy->ops->look_up(w, policy);
	if (c->watch & WATCH_TRACE)
		trace_looked_up(w);
	if (c->watch & WATCH_CAPTURE)
		capture_looked_up(w);
	for (unsigned i = 0; i < c->ntouched; i++) {
		struct vnet_port *port = c->touched[i];
		uint64_t frames = c->pending[port->number];
		unsigned n = visit(w, port, c->open.traced);

		trace_raised(w, port->number, frames, n);
		if (c->watch & WATCH_CAPTURE)
			capture_visited(w, port, frames);
		if (c->watch & WATCH_TIMES)
			times_visited(w, port, n);
		all |= frames;
		moved += n;
	}
	trace_returned(w);
	if (c->watch & WATCH_TIMES)
		times_returned(w, all);
	c->ntouched = 0;
	return moved;
}

/* Hands frames that the switch made to a port, in a walk that is recorded. */
static __attribute__((noinline)) unsigned hand_watched(struct vnet_core *core,
                                                       struct vnet_port *port,
                                                       struct vnet_frame *const *frames, unsigned n)
{
	struct vnet_handed handed = {.frames = frames, .n = n};
	unsigned done;

	if (core->watch & WATCH_CAPTURE)
		capture_making(core, &handed);
	done = core->open.traced ? egress_traced(port, core, frames, n)
	                         : port->ops->egress(port, core, frames, n);
	if (core->watch & WATCH_CAPTURE)
		capture_made(core, port, &handed);
	return done;
}

void port_hand(struct vnet_core *core, struct vnet_port *port, struct vnet_frame *const *frames,
               unsigned n, uint64_t bytes)
{
	struct vnet_port_stats *count = &port->count[core->id];

	/* vnet_refuse() subtracts what the device refuses. */
	count_add(&count->out_bytes, bytes);
	if (__builtin_expect(core->watch != 0, 0))
		n = hand_watched(core, port, frames, n);
	else
		n = port->ops->egress(port, core, frames, n);
	count_add(&count->out_frames, n);
}

void port_send(struct vnet_core *core, struct vnet_port *port, uint8_t *bytes, unsigned len)
{
	struct vnet_seg seg = {bytes, len};
	struct vnet_frame f = {.seg = &seg, .len = len, .nseg = 1, .contiguous_head = true};
	struct vnet_frame *const list[1] = {&f};

	f.dst = mac_read(bytes);
	f.src = mac_read(bytes + 6);
	port_hand(core, port, list, 1, len);
}

static inline __attribute__((always_inline)) unsigned walk_all(struct vnet_core *core,
                                                               struct vnet_port *from,
                                                               struct vnet_port_stats *count,
                                                               struct vnet_frame *frame, unsigned n)
{
	struct policy *policy;
	unsigned moved = 0;
	struct walk w;

	w.core = core;
	w.from = from;
	w.frame = frame;
	w.n = n;
	w.count = count;
	core->open.walks++;
	core->from = from;
	policy = atomic_load_explicit(&core->vnet->policy[from->net], memory_order_acquire);
	if (policy == &policy_routes)
		by_routes(&w);
	else if (policy->ops == &policy_learned)
		look_up_learned(&w, policy);
	else
		policy->ops->look_up(&w, policy);
	for (unsigned i = 0; i < core->ntouched; i++)
		moved += visit(&w, core->touched[i], false);
	core->ntouched = 0;
	return moved;
}

unsigned walk_frames(struct vnet_core *core, struct vnet_port *from, struct vnet_frame *frame,
                     unsigned n)
{
	struct vnet_port_stats *count = &from->count[core->id];

	if (__builtin_expect(core->watch != 0, 0))
		return walk_watched(&(struct walk){core, from, frame, n, count, 0, {0}});
	return walk_all(core, from, count, frame, n);
}

/* Walks a batch through the port's stage, if it has one, and records it. */
static __attribute__((noinline)) unsigned
input_watched(struct vnet_core *core, struct vnet_port *from, struct vnet_batch *batch, unsigned n)
{
	const struct vnet_stage *stage = stage_of(from);
	unsigned moved;

	core->watch = atomic_load_explicit(&core->watched, memory_order_acquire);
	core->stamped = batch->frame;
	core->taken = trace_now();
	if (core->watch & WATCH_CAPTURE) {
		/* One time for both, by which readers tie them together. */
		core->taken = capture_walk(core, from, n);
		capture_taken(core, from, batch->frame, n);
	}
	if (core->watch & WATCH_TRACE)
		trace_taken(core, from, batch);
	moved = stage ? stage->ingress(core, from, batch->frame, n)
	              : walk_frames(core, from, batch->frame, n);
	if (core->watch & WATCH_CAPTURE)
		capture_end_walk(core);
	core->watch = 0;
	return moved;
}

unsigned vnet_input(struct vnet_core *core, struct vnet_port *from, struct vnet_batch *batch)
{
	unsigned n = batch->n < VNET_BATCH ? batch->n : VNET_BATCH, moved;
	struct vnet_port_stats *count = &from->count[core->id];
	const struct vnet_stage *stage;

	count_add(&count->in_frames, n);
	walk_enter(core);
	stage = atomic_load_explicit(&from->stage, memory_order_acquire);
	if (__builtin_expect(atomic_load_explicit(&core->watched, memory_order_acquire) != 0, 0))
		moved = input_watched(core, from, batch, n);
	else if (__builtin_expect(stage != NULL, 0))
		moved = stage->ingress(core, from, batch->frame, n);
	else
		moved = walk_all(core, from, count, batch->frame, n);
	walk_leave(core);
	return moved;
}

unsigned vnet_input_leaving(struct vnet_core *core, struct vnet_port *from,
                            struct vnet_batch *batch)
{
	unsigned moved;

	core->leaving = from;
	moved = vnet_input(core, from, batch);
	core->leaving = NULL;
	return moved;
}
