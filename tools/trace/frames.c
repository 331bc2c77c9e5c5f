/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames.c: ties records together to frames.
 *
 * In a core's ring the records of a walk follow each other; what was overwritten is missing at the
 * beginning only, so a walk without its `taken` records is left out.  A guest's stamps have the
 * port and a position in its ring: in order of time they belong to the frame that was last put
 * there, or to the one that is taken from there next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/trace/trace.h"

#define WALK_FRAMES 64
#define POSITIONS   65536

const char *const point_name[POINTS] = {
    [POINT_nic_taken] = "nic_taken", [POINT_guest_given] = "guest_given",
    [POINT_kick] = "kick",           [POINT_taken] = "taken",
    [POINT_looked_up] = "looked_up", [POINT_copied] = "copied",
    [POINT_raised] = "raised",       [POINT_guest_taken] = "guest_taken",
    [POINT_nic_given] = "nic_given"};

static void *grown(void *list, size_t n, size_t *room, size_t bytes)
{
	if (n < *room)
		return list;
	*room = *room ? 2 * *room : 1024;
	list = realloc(list, *room * bytes);
	if (!list) {
		fprintf(stderr, "patio-trace: no memory for %zu frames\n", *room);
		exit(1);
	}
	return list;
}

static void set_point(struct frame *f, enum point p, uint64_t tsc)
{
	if (f->known >> p & 1)
		return;
	f->known |= 1u << p;
	f->at[p] = tsc;
}

/* --- the walks of a core ---------------------------------------------------------------------- */

/* A walk whose records are being read. */
struct walk {
	uint32_t number;
	bool kicked, copied;
	uint64_t kick;
	struct trace_record copy; /* the last `copied` since a destination was served */
	unsigned n;
	struct frame frame[WALK_FRAMES];
	uint8_t index[WALK_FRAMES]; /* each one's number in the batch */
};

static void add_frame(struct walk *w, const struct trace_record *r)
{
	struct frame *f = &w->frame[w->n];

	if (w->n == WALK_FRAMES)
		return;
	w->index[w->n++] = r->frame;
	memset(f, 0, sizeof *f);
	f->src = r->a & 0xffffffffffff;
	f->dst = r->b & 0xffffffffffff;
	f->tx = (uint16_t)(r->a >> 48);
	f->len = (uint16_t)(r->b >> 48);
	f->from = f->entry = r->port;
	f->to = f->out = NO_PORT;
	if (w->kicked)
		set_point(f, POINT_kick, w->kick);
	set_point(f, POINT_taken, r->tsc);
}

static void look_up(struct walk *w, const struct trace_record *r)
{
	for (unsigned i = 0; i < w->n; i++) {
		w->frame[i].entry = (uint16_t)r->b;
		set_point(&w->frame[i], POINT_looked_up, r->tsc);
	}
}

/* Frame i was put somewhere as number `order` of those that this destination got. */
static void serve(struct walk *w, struct frame *f, const struct trace_record *r, unsigned order)
{
	if (f->to != NO_PORT)
		return; /* of several destinations, the first */
	f->to = r->port;
	set_point(f, POINT_raised, r->tsc);
	if (!w->copied)
		return;
	f->out = w->copy.port;
	f->rx = (uint16_t)(w->copy.a + order);
	/* Else some frames took several chains, and it is not known which. */
	f->rx_known = w->copy.a >> 32 == w->copy.b;
	set_point(f, POINT_copied, w->copy.tsc);
}

static void raise(struct walk *w, const struct trace_record *r)
{
	for (unsigned i = 0; i < w->n; i++) {
		uint64_t below = (1ull << (w->index[i] & 63)) - 1;

		if (r->a >> (w->index[i] & 63) & 1)
			serve(w, &w->frame[i], r, (unsigned)__builtin_popcountll(r->a & below));
	}
	w->copied = false;
}

static void finish(struct frames *f, struct walk *w, uint64_t returned)
{
	for (unsigned i = 0; i < w->n; i++) {
		w->frame[i].returned = returned;
		f->frame = grown(f->frame, f->n, &f->room, sizeof *f->frame);
		f->frame[f->n++] = w->frame[i];
	}
	w->n = 0;
}

static void read_walks(struct frames *f, const struct ring *ring)
{
	struct walk w = {0};

	for (size_t i = 0; i < ring->n; i++) {
		const struct trace_record *r = &ring->record[i];

		if (r->walk != w.number || r->step == TRACE_kick) {
			w.kicked = w.copied = false;
			w.n = 0;
			w.number = r->walk;
		}
		switch (r->step) {
		case TRACE_kick:
			w.kicked = true;
			w.kick = r->tsc;
			break;
		case TRACE_taken:
			add_frame(&w, r);
			break;
		case TRACE_looked_up:
			look_up(&w, r);
			break;
		case TRACE_copied:
			w.copied = true;
			w.copy = *r;
			break;
		case TRACE_raised:
			raise(&w, r);
			break;
		case TRACE_returned:
			finish(f, &w, r->tsc);
			break;
		}
	}
}

/* --- the stamps of guests --------------------------------------------------------------------- */

/* Something that happened at a position of a port's ring. */
struct event {
	uint64_t tsc;
	uint32_t frame; /* its index, or NO_FRAME: a guest's stamp */
	uint16_t port, position;
	uint8_t point; /* of a frame, POINT_copied or POINT_taken: where its position is known */
};
#define NO_FRAME UINT32_MAX

struct events {
	struct event *event;
	size_t n, room;
};

static void add_event(struct events *e, struct event event)
{
	e->event = grown(e->event, e->n, &e->room, sizeof *e->event);
	e->event[e->n++] = event;
}

static void add_frames(struct events *e, const struct frames *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct frame *x = &f->frame[i];

		add_event(e, (struct event){x->at[POINT_taken], (uint32_t)i, x->entry, x->tx,
		                            POINT_taken});
		if (x->rx_known)
			add_event(e, (struct event){x->at[POINT_copied], (uint32_t)i, x->out, x->rx,
			                            POINT_copied});
	}
}

/* The number of the guest's NIC of that order; NO_PORT: it has none. */
static unsigned port_of(const struct collection *c, unsigned guest, unsigned order)
{
	for (unsigned i = 0; i < c->ports; i++)
		if (c->port[i].guest == guest + 1 && c->port[i].order == order)
			return i;
	return NO_PORT;
}

static void add_stamps(struct events *e, const struct collection *c, const struct ring *ring)
{
	static const int8_t point[TRACE_STEP_COUNT] = {[TRACE_guest_taken] = POINT_guest_taken,
	                                               [TRACE_nic_given] = POINT_nic_given,
	                                               [TRACE_nic_taken] = POINT_nic_taken,
	                                               [TRACE_guest_given] = POINT_guest_given};

	for (size_t i = 0; i < ring->n; i++) {
		const struct trace_record *r = &ring->record[i];

		/* A guest may have written anything. */
		if (r->step >= TRACE_guest_taken && r->step < TRACE_STEP_COUNT)
			add_event(e, (struct event){r->tsc, NO_FRAME,
			                            (uint16_t)port_of(c, ring->owner, r->port),
			                            (uint16_t)r->a, (uint8_t)point[r->step]});
	}
}

static int by_port_and_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->tsc < y->tsc ? -1 : x->tsc > y->tsc;
}

/* What is known of each position of a port's rings, at one moment of time. */
struct positions {
	uint32_t out[POSITIONS];   /* the frame that was put there last, + 1 */
	uint64_t in[POSITIONS][2]; /* nic_taken and guest_given of the next one there; 0: not */
};

static void apply(struct frames *f, struct positions *at, const struct event *e)
{
	uint64_t *in = at->in[e->position];

	if (e->point == POINT_copied) {
		at->out[e->position] = e->frame + 1;
	} else if (e->point == POINT_taken) {
		struct frame *x = &f->frame[e->frame];

		if (in[0])
			set_point(x, POINT_nic_taken, in[0]);
		if (in[1])
			set_point(x, POINT_guest_given, in[1]);
		in[0] = in[1] = 0;
	} else if (e->point == POINT_nic_taken || e->point == POINT_guest_given) {
		in[e->point == POINT_guest_given] = e->tsc;
	} else if (at->out[e->position]) {
		set_point(&f->frame[at->out[e->position] - 1], (enum point)e->point, e->tsc);
	} else {
		f->untied++;
	}
}

/* Ties the events of one port, from number `first` on; returns the number behind them.  Nothing is
 * known of any position, before and after. */
static size_t tie_port(struct frames *f, const struct events *e, size_t first, struct positions *at)
{
	unsigned port = e->event[first].port;
	size_t i = first;

	for (; i < e->n && e->event[i].port == port; i++)
		apply(f, at, &e->event[i]);
	for (size_t k = first; k < i; k++) {
		unsigned position = e->event[k].position;

		at->out[position] = 0;
		at->in[position][0] = at->in[position][1] = 0;
	}
	return i;
}

static bool is_guests(const struct collection *c, unsigned port)
{
	return port < c->ports && c->port[port].guest;
}

static void tie_guests(struct frames *f, const struct collection *c)
{
	struct positions *at = calloc(1, sizeof *at);
	struct events e = {0};

	if (!at) {
		fprintf(stderr, "patio-trace: no memory for the positions of a ring\n");
		exit(1);
	}
	add_frames(&e, f);
	for (unsigned i = 0; i < c->rings; i++)
		if (c->ring[i].guest)
			add_stamps(&e, c, &c->ring[i]);
	if (e.n)
		qsort(e.event, e.n, sizeof *e.event, by_port_and_time);
	for (size_t i = 0; i < e.n;)
		i = is_guests(c, e.event[i].port) ? tie_port(f, &e, i, at) : i + 1;
	free(e.event);
	free(at);
}

static int by_taken(const void *a, const void *b)
{
	const struct frame *x = a, *y = b;

	return x->at[POINT_taken] < y->at[POINT_taken] ? -1
	                                               : x->at[POINT_taken] > y->at[POINT_taken];
}

void frames_make(struct frames *f, const struct collection *c)
{
	*f = (struct frames){0};
	for (unsigned i = 0; i < c->rings; i++)
		if (!c->ring[i].guest)
			read_walks(f, &c->ring[i]);
	if (f->n)
		qsort(f->frame, f->n, sizeof *f->frame, by_taken);
	tie_guests(f, c);
}

void frames_free(struct frames *f)
{
	free(f->frame);
	*f = (struct frames){0};
}
