/* SPDX-License-Identifier: BSD-2-Clause */
/* measure.c: histograms of how long frames take; see measure.h. */
#include "vnet/measure.h"
#include <stdio.h>
#include "vnet/walk.h"

/* --- memory: control lock held --------------------------------------------------------------- */

static size_t port_bytes(const struct vnet *v)
{
	return v->cores * sizeof(struct hist);
}

/* What the histograms of this many ports and routes take. */
static uint64_t bytes_of(const struct vnet *v, unsigned ports, unsigned routes)
{
	return (uint64_t)ports * port_bytes(v) + table_measured_bytes(v->cores, routes);
}

static unsigned ports_there(struct vnet *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VNET_PORTS; i++)
		n += port_at(v, i) != NULL;
	return n;
}

static bool too_many(const struct vnet *v, unsigned ports, unsigned routes, char *err, size_t size)
{
	uint64_t bytes = bytes_of(v, ports, routes);

	if (bytes <= VNET_MEASURE_MAX)
		return false;
	snprintf(err, size,
	         "the histograms of %u ports and %u routes on %u cores take %llu KiB, more than "
	         "%llu",
	         ports, routes, v->cores, (unsigned long long)bytes >> 10, VNET_MEASURE_MAX >> 10);
	return true;
}

bool measure_port(struct vnet_port *port)
{
	struct vnet *v = port->vnet;
	unsigned routes = atomic_load(&v->table)->n;

	if (!v->measuring || port->measured)
		return true;
	if (bytes_of(v, ports_there(v) + 1, routes) > VNET_MEASURE_MAX)
		return false;
	port->measured = v->mem.alloc(port_bytes(v));
	return port->measured;
}

void measure_port_end(struct vnet_port *port)
{
	if (port->measured)
		port->vnet->mem.free(port->measured, port_bytes(port->vnet));
	port->measured = NULL;
}

bool measure_table(struct vnet *v, struct vnet_table *t, char *err, size_t size)
{
	unsigned ports = ports_there(v);

	if (!v->measuring || !t->n)
		return true;
	if (too_many(v, ports, t->n, err, size))
		return false;
	t->measured = v->mem.alloc(table_measured_bytes(v->cores, t->n));
	if (!t->measured)
		snprintf(err, size, "no memory for the histograms of %u routes: %llu KiB", t->n,
		         (unsigned long long)table_measured_bytes(v->cores, t->n) >> 10);
	return t->measured;
}

void measure_keep(const struct vnet_table *t, unsigned i, const struct vnet_table *old,
                  unsigned before)
{
	if (!t->measured || !old->measured)
		return;
	for (unsigned core = 0; core <= t->cores; core++)
		hist_merge(table_measured(t, t->cores, i), table_measured(old, core, before));
}

static void free_all(struct vnet *v)
{
	struct vnet_table *t = atomic_load(&v->table);

	for (unsigned i = 0; i < VNET_PORTS; i++)
		if (port_at(v, i))
			measure_port_end(port_at(v, i));
	if (t->measured)
		v->mem.free(t->measured, table_measured_bytes(t->cores, t->n));
	t->measured = NULL;
	v->measuring = false;
}

static bool make_all(struct vnet *v, char *err, size_t size)
{
	struct vnet_table *t = atomic_load(&v->table);

	if (too_many(v, ports_there(v), t->n, err, size))
		return false;
	v->measuring = true;
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		struct vnet_port *port = port_at(v, i);

		if (port)
			port->measured = v->mem.alloc(port_bytes(v));
		if (port && !port->measured) {
			snprintf(err, size, "no memory for the histograms of %u ports: %llu KiB",
			         ports_there(v),
			         (unsigned long long)bytes_of(v, ports_there(v), 0) >> 10);
			return false;
		}
	}
	return measure_table(v, t, err, size);
}

bool vnet_measure_start(struct vnet *v, char *err, size_t size)
{
	bool done = true;

	control_lock(v);
	if (!v->measuring) {
		done = make_all(v, err, size);
		if (!done)
			free_all(v);
		for (unsigned i = 0; done && i < v->cores; i++)
			atomic_fetch_or(&v->core[i]->watched, WATCH_TIMES);
	}
	control_unlock(v);
	return done;
}

void vnet_measure_stop(struct vnet *v)
{
	control_lock(v);
	if (v->measuring) {
		for (unsigned i = 0; i < v->cores; i++)
			atomic_fetch_and(&v->core[i]->watched, ~(unsigned)WATCH_TIMES);
		vnet_sync(v);
		free_all(v);
	}
	control_unlock(v);
}

bool vnet_port_measured(struct vnet_port *port, int core, struct hist *sum)
{
	struct vnet *v = port->vnet;
	bool there;

	control_lock(v);
	there = port->measured && core < (int)v->cores;
	for (int i = 0; there && i < (int)v->cores; i++)
		if (core < 0 || i == core)
			hist_merge(sum, &port->measured[i]);
	control_unlock(v);
	return there;
}

bool vnet_route_measured(struct vnet *v, unsigned i, int core, struct hist *sum)
{
	struct vnet_table *t;
	bool there;

	control_lock(v);
	t = atomic_load(&v->table);
	there = t->measured && i < t->n && core < (int)v->cores;
	for (int c = 0; there && c <= (int)v->cores; c++)
		if (core < 0 || c == core)
			hist_merge(sum, table_measured(t, (unsigned)c, i));
	control_unlock(v);
	return there;
}

/* --- in the walk ----------------------------------------------------------------------------- */

void times_visited(const struct walk *w, const struct vnet_port *port, unsigned delivered)
{
	struct vnet_core *c = w->core;
	uint64_t since = c->open.exit_began ? c->open.exit_began : c->taken;
	uint64_t ticks = trace_now() - since;

	c->ticks[port->number] = delivered ? ticks : 0;
	if (port->measured)
		hist_add(&port->measured[c->id], ticks, delivered);
}

/* The routes that a frame won, as in by_routes(). */
static const struct vnet_cached *routes_of(const struct walk *w, const struct vnet_table *t,
                                           const struct vnet_frame *f)
{
	const struct vnet_key q = {f->dst, f->src, w->from->net, w->from->number};
	struct vnet_cache *cache = &w->core->cache;
	const struct vnet_cached *e =
	    cache_find(cache, f->dst | cache_place(t, q.net, q.from), f->src & t->src_mask);

	if (e)
		return e;
	return is_link_local(f->dst) ? cache_once(cache, t, &q) : cache_miss(cache, t, &q);
}

/* One frame, whose destinations were all visited. */
static void route_times(const struct walk *w, const struct vnet_table *t,
                        const struct vnet_frame *f)
{
	struct vnet_core *c = w->core;
	const struct vnet_cached *e = routes_of(w, t, f);
	const uint16_t *list = e->count == 1 ? &e->route : &c->cache.list[e->list];

	for (unsigned k = 0; k < e->count; k++) {
		const struct vnet_route *r = &t->route[list[k]];

		if ((r->to != w->from->number || r->reflect) && c->ticks[r->to])
			hist_add(table_measured(t, c->id, list[k]), c->ticks[r->to], 1);
	}
}

void times_returned(const struct walk *w, uint64_t frames)
{
	struct vnet_core *c = w->core;
	const struct vnet_table *t = atomic_load_explicit(&c->vnet->table, memory_order_acquire);

	/* Were the routes replaced meanwhile, these frames were of the old ones. */
	if (!t->measured || c->cache.generation != t->generation ||
	    atomic_load_explicit(&c->vnet->policy[w->from->net], memory_order_acquire) !=
	        &policy_routes)
		return;
	for (; frames; frames &= frames - 1)
		route_times(w, t, &w->frame[__builtin_ctzll(frames)]);
}
