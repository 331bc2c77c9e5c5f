/* SPDX-License-Identifier: BSD-2-Clause */
/* remove.c: taking a port away, and with an edge the links over it. */
#include "vnet/link/guard.h"
#include "vnet/link/wire.h"

/* Whether a port goes when `gone` goes. */
static bool goes_with(const struct vnet_port *port, const struct vnet_port *gone)
{
	return port == gone || (port->flags & VNET_LINK && link_of(port)->underlay->edge == gone);
}

/* Whether a route leads to or comes from what goes. */
static bool route_goes(struct vnet *v, const struct vnet_route *r, const struct vnet_port *gone)
{
	return goes_with(port_at(v, r->to), gone) ||
	       (r->from >= 0 && goes_with(port_at(v, (unsigned)r->from), gone));
}

/* The present table without the routes of what goes; NULL: no memory. */
static struct vnet_table *table_without(struct vnet *v, const struct vnet_port *gone)
{
	const struct vnet_table *t = atomic_load(&v->table);
	size_t size = (t->n + 1) * sizeof(struct vnet_route); /* never 0 */
	struct vnet_route *kept = v->mem.alloc(size);
	struct vnet_table *without;
	unsigned n = 0;
	char err[1];

	if (!kept)
		return NULL;
	for (unsigned i = 0; i < t->n; i++)
		if (!route_goes(v, &t->route[i], gone))
			kept[n++] = t->route[i];
	/* Routes that were accepted once fail for want of memory only. */
	without = table_make(&v->mem, v->cores, kept, n, err, sizeof err);
	v->mem.free(kept, size);
	return without;
}

/* Hides a port and those that go with it; returns them as a list, the port itself last. */
static struct vnet_port *hide(struct vnet *v, struct vnet_port *gone)
{
	struct vnet_port *list = gone;

	gone->leaves = NULL;
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		struct vnet_port *port = port_at(v, i);

		if (!port || !goes_with(port, gone))
			continue;
		atomic_store(&v->port[i], NULL);
		if (underlay_of(port))
			underlay_unlist(v, underlay_of(port));
		if (port == gone)
			continue;
		port->leaves = list;
		list = port;
	}
	stages_set(v);
	members_publish(v);
	return list;
}

void port_free(struct vnet_port *port)
{
	struct vnet *v = port->vnet;

	if (port->flags & VNET_LINK)
		link_free(v, link_of(port));
	else if (underlay_of(port))
		underlay_free(v, underlay_of(port));
	v->mem.free(port, port->size);
}

/* Walks that began before hide() may still learn and use a port; none does after it, so addresses
 * go last. */
static void forget(struct vnet_port *port)
{
	struct policy *policy = atomic_load(&port->vnet->policy[port->net]);

	if (policy->ops->forget)
		policy->ops->forget(policy, port->number);
	port_free(port);
}

/* Lock held. */
static bool take_away(struct vnet *v, struct vnet_port *gone)
{
	struct vnet_table *t = table_without(v, gone);
	struct peers *rest = NULL;
	struct vnet_port *list, *next;

	if (!t)
		return false;
	if (gone->flags & VNET_LINK) {
		rest = link_peers(v, link_of(gone)->underlay, NULL, link_of(gone));
		if (!rest) {
			table_free(&v->mem, t);
			return false;
		}
		link_peers_publish(v, link_of(gone)->underlay, rest);
	}
	table_publish(v, t);
	for (list = hide(v, gone); list; list = next) {
		next = list->leaves;
		forget(list);
	}
	return true;
}

bool vnet_port_remove(struct vnet_port *port)
{
	struct vnet *v = port->vnet;
	bool done;

	control_lock(v);
	done = take_away(v, port);
	control_unlock(v);
	return done;
}
