/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.c: stamps at the steps of the walk; see trace.h.  Called only while tracing is on. */
#include "vnet/walk.h"

#define NO_ADDRESS (~0ull)   /* of a frame whose addresses were not read */
#define LENGTH_MAX 0xffffull /* what a record has room for */
#define ALL_FRAMES (~0ull)

/* In line: its arguments are mostly constants, and a frame writes three records. */
static inline __attribute__((always_inline)) void put(struct vnet_core *core, uint64_t tsc,
                                                      enum trace_step step, unsigned port,
                                                      unsigned frame, uint64_t a, uint64_t b)
{
	trace_put(core->trace, &(struct trace_record){.tsc = tsc,
	                                              .walk = core->walk,
	                                              .port = (uint16_t)port,
	                                              .step = (uint8_t)step,
	                                              .frame = (uint8_t)frame,
	                                              .a = a,
	                                              .b = b});
}

/* --- switching it on and off ---------------------------------------------------------------- */

/* Control lock held.  On return no core stamps. */
static void stop(struct vnet *v)
{
	for (unsigned i = 0; i < v->cores; i++)
		atomic_fetch_and(&v->core[i]->watched, ~(unsigned)WATCH_TRACE);
	vnet_sync(v);
}

void vnet_trace_start(struct vnet *v, struct trace_ring *const *ring,
                      const struct vnet_trace_filter *filter)
{
	control_lock(v);
	stop(v);
	v->filter = *filter;
	for (unsigned i = 0; i < v->cores; i++) {
		v->core[i]->trace = ring[i];
		atomic_fetch_or(&v->core[i]->watched, WATCH_TRACE);
	}
	control_unlock(v);
}

void vnet_trace_stop(struct vnet *v)
{
	control_lock(v);
	stop(v);
	control_unlock(v);
}

/* --- stamps, in the order of the walk ------------------------------------------------------- */

void trace_taken(struct vnet_core *core, const struct vnet_port *entry, struct vnet_batch *batch)
{
	unsigned n = batch->n < VNET_BATCH ? batch->n : VNET_BATCH;

	core->position = batch->position;
	core->entry = entry->number;
	/* admit() sets the addresses of those that it accepts. */
	for (unsigned i = 0; i < n; i++)
		batch->frame[i].dst = NO_ADDRESS;
}

static bool mac_matches(const struct vnet_trace_filter *filter, const struct vnet_frame *f)
{
	return !filter->mac || f->src == filter->mac || f->dst == filter->mac;
}

/* The frames of the walk whose addresses were read, one bit each. */
static uint64_t admitted(const struct walk *w)
{
	uint64_t found = 0;

	for (unsigned i = w->n; i-- > 0;)
		found = found << 1 | (w->frame[i].dst != NO_ADDRESS);
	return found;
}

/* The frames of the walk that satisfy the filter, one bit each. */
static uint64_t matching(const struct walk *w, const struct vnet_trace_filter *filter)
{
	uint64_t ports = ALL_FRAMES, found = 0;

	if (filter->port < 0 && !filter->mac)
		return admitted(w);
	if (filter->port >= 0 && w->from->number != filter->port)
		ports = w->core->pending[filter->port];
	for (unsigned i = 0; i < w->n; i++) {
		const struct vnet_frame *f = &w->frame[i];

		if (f->dst != NO_ADDRESS && (ports >> i & 1) && mac_matches(filter, f))
			found |= 1ull << i;
	}
	return found;
}

/* A record for each frame: what they have in common is made once. */
static void put_frames(const struct walk *w, uint64_t frames)
{
	struct vnet_core *c = w->core;
	const unsigned first = number_of_first(w);
	struct trace_record r = {
	    .tsc = c->taken, .walk = c->walk, .port = w->from->number, .step = TRACE_taken};

	for (; frames; frames &= frames - 1) {
		unsigned i = (unsigned)__builtin_ctzll(frames);
		const struct vnet_frame *f = &w->frame[i];
		uint64_t len = f->len < LENGTH_MAX ? f->len : LENGTH_MAX;

		r.frame = (uint8_t)(first + i);
		r.a = f->src | (uint64_t)(c->position + first + i) << 48;
		r.b = f->dst | len << 48;
		trace_put(c->trace, &r);
	}
}

void trace_looked_up(const struct walk *w)
{
	struct vnet_core *c = w->core;
	uint64_t now = trace_now();
	uint64_t frames = matching(w, &c->vnet->filter);

	c->open.traced = in_batch(w, frames);
	if (!frames)
		return;
	c->walk++;
	if (c->open.exit_began)
		put(c, c->open.exit_began, TRACE_kick, c->entry, 0, 0, 0);
	put_frames(w, frames);
	put(c, now, TRACE_looked_up, w->from->number, 0, c->open.traced, c->entry);
}

void vnet_copied(struct vnet_core *core, const struct vnet_port *port, uint16_t first,
                 unsigned chains, unsigned frames)
{
	put(core, trace_now(), TRACE_copied, port->number, 0, first | (uint64_t)chains << 32,
	    frames);
}

void trace_raised(const struct walk *w, unsigned port, uint64_t frames, unsigned accepted)
{
	uint64_t traced = in_batch(w, frames) & w->core->open.traced;

	if (traced)
		put(w->core, trace_now(), TRACE_raised, port, 0, in_batch(w, frames), accepted);
}

void trace_returned(const struct walk *w)
{
	struct vnet_core *c = w->core;

	if (c->open.traced)
		put(c, trace_now(), TRACE_returned, w->from->number, 0, c->open.traced, 0);
	c->open.traced = 0;
}
