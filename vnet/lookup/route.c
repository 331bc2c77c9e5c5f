/* SPDX-License-Identifier: BSD-2-Clause */
/* route.c: priorities and matching of routes; replacing and listing them. */
#include "vnet/lookup/route.h"
#include <stdio.h>
#include "vnet/lookup/learn.h"
#include "vnet/state.h"

static bool qual_refused(const struct vnet_qual *q, const char **why)
{
	if ((unsigned)q->match > VNET_MAC_NONE) {
		*why = "a qualifier that does not exist";
		return true;
	}
	if ((q->match == VNET_MAC_IS || q->match == VNET_MAC_NOT) && q->mac > MAC_MASK) {
		*why = "an address of more than 48 bits";
		return true;
	}
	return false;
}

int vnet_route_priority(const struct vnet_route *route, const char **why)
{
	/* Rows: the source is X, not X, any, none; columns: the destination likewise. */
	static const uint8_t priority[4][4] = {{8, 7, 6, 4}, {7, 0, 5, 0}, {6, 5, 3, 0}, {0}};
	enum vnet_match src = route->src.match, dst = route->dst.match;

	*why = NULL;
	if (qual_refused(&route->src, why) || qual_refused(&route->dst, why))
		return 0;
	if (src == VNET_MAC_NONE)
		*why = "source none: every frame has a source";
	else if ((src == VNET_MAC_IS || src == VNET_MAC_NOT) && route->src.mac & MAC_MULTICAST)
		*why = "a group address is never a source";
	else if (src == VNET_MAC_NOT && dst == VNET_MAC_NOT)
		*why = "`not` on both sides has no priority: make one side `any`";
	else if (dst == VNET_MAC_NONE && src != VNET_MAC_IS)
		*why = "destination none is a default route: it needs an exact source";
	return *why ? 0 : priority[src][dst];
}

static bool qual_matches(const struct vnet_qual *q, mac_t mac)
{
	switch (q->match) {
	case VNET_MAC_IS:
		return q->mac == mac;
	case VNET_MAC_NOT:
		return q->mac != mac;
	default:
		/* `none` stands only in default routes, which match every destination. */
		return true;
	}
}

bool route_matches(const struct vnet_route *r, unsigned net, mac_t src, mac_t dst, unsigned from)
{
	return r->net == net && (r->from < 0 || (unsigned)r->from == from) &&
	       qual_matches(&r->src, src) && qual_matches(&r->dst, dst);
}

struct vnet_table *table_make_measured(struct vnet *v, const struct vnet_route *routes, unsigned n,
                                       char *err, size_t size)
{
	struct vnet_table *t = table_make(&v->mem, v->cores, routes, n, err, size);

	if (!t || measure_table(v, t, err, size))
		return t;
	table_free(&v->mem, t);
	return NULL;
}

void table_publish(struct vnet *v, struct vnet_table *t)
{
	struct vnet_table *old = atomic_load(&v->table);
	uint64_t *kept = table_hits(t, t->cores);

	t->generation = old->generation + 1;
	atomic_store(&v->table, t);
	vnet_sync(v);
	for (unsigned i = 0; i < t->n; i++) {
		int before = table_find(old, &t->route[i]);

		if (before < 0)
			continue;
		kept[i] = table_hits_sum(old, (unsigned)before);
		measure_keep(t, i, old, (unsigned)before);
	}
	table_free(&v->mem, old);
}

static bool port_refused(struct vnet *v, unsigned net, unsigned number, unsigned i, char *err,
                         size_t size)
{
	struct vnet_port *port = number < VNET_PORTS ? port_at(v, number) : NULL;

	if (!port) {
		snprintf(err, size, "route %u: there is no port %u", i, number);
		return true;
	}
	if (port->net != net) {
		snprintf(err, size, "route %u: port %s is in network %u, not %u", i, port->name,
		         port->net, net);
		return true;
	}
	return false;
}

static bool places_refused(struct vnet *v, const struct vnet_route *r, unsigned i, char *err,
                           size_t size)
{
	if (r->net >= VNET_NETS || !v->net[r->net]) {
		snprintf(err, size, "route %u: there is no network %u", i, r->net);
		return true;
	}
	return port_refused(v, r->net, r->to, i, err, size) ||
	       (r->from >= 0 && port_refused(v, r->net, (unsigned)r->from, i, err, size));
}

static struct vnet_table *routes_compile(struct vnet *v, const struct vnet_route *routes,
                                         unsigned n, char *err, size_t size)
{
	if (n > VNET_ROUTES) {
		snprintf(err, size, "%u routes are more than %d", n, VNET_ROUTES);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++)
		if (places_refused(v, &routes[i], i, err, size))
			return NULL;
	return table_make_measured(v, routes, n, err, size);
}

bool vnet_routes_set(struct vnet *v, const struct vnet_route *routes, unsigned n, char *err,
                     size_t size)
{
	struct vnet_table *t;

	control_lock(v);
	t = routes_compile(v, routes, n, err, size);
	if (t)
		table_publish(v, t);
	control_unlock(v);
	return t != NULL;
}

bool vnet_route_get(struct vnet *v, unsigned i, struct vnet_route *route, uint64_t *hits)
{
	struct vnet_table *t;
	bool there;

	control_lock(v);
	t = atomic_load(&v->table);
	there = i < t->n;
	if (there) {
		*route = t->route[i];
		*hits = table_hits_sum(t, i);
	}
	control_unlock(v);
	return there;
}
