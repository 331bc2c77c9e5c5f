/* SPDX-License-Identifier: BSD-2-Clause */
/* remove.c: removing a port, and with an edge port the links over it. */
#include "vnet/link/guard.h"
#include "vnet/link/wire.h"

/* Whether the removal of `gone` removes this port: it is the same, or a link over it. */
static bool removed_with(const struct vnet_port *port, const struct vnet_port *gone)
{
	return port == gone || (port->flags & VNET_LINK && link_of(port)->underlay->edge == gone);
}

/* Whether a route leads to or comes from a port that is removed. */
static bool route_removed(struct vnet *v, const struct vnet_route *r, const struct vnet_port *gone)
{
	return removed_with(port_at(v, r->to), gone) ||
	       (r->from >= 0 && removed_with(port_at(v, (unsigned)r->from), gone));
}

/* The present table without the routes of removed ports; NULL: no memory. */
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
		if (!route_removed(v, &t->route[i], gone))
			kept[n++] = t->route[i];
	/* These routes were accepted once: only memory can be missing. */
	without = table_make_measured(v, kept, n, err, sizeof err);
	v->mem.free(kept, size);
	return without;
}

/* Unpublishes a port and those removed with it; returns them as a list, the port itself last. */
static struct vnet_port *ports_unpublish(struct vnet *v, struct vnet_port *gone)
{
	struct vnet_port *list = gone;

	gone->next_removed = NULL;
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		struct vnet_port *port = port_at(v, i);

		if (!port || !removed_with(port, gone))
			continue;
		atomic_store(&v->port[i], NULL);
		if (underlay_of(port))
			underlay_unlist(v, underlay_of(port));
		if (port == gone)
			continue;
		port->next_removed = list;
		list = port;
	}
	stages_set(v);
	members_publish(v);
	return list;
}

void port_free(struct vnet_port *port)
{
	struct vnet *v = port->vnet;

	measure_port_end(port);
	if (port->flags & VNET_LINK)
		link_free(v, link_of(port));
	else if (underlay_of(port))
		underlay_free(v, underlay_of(port));
	v->mem.free(port, port->size);
}

/* Since ports_unpublish() no walk learns an address of the port, so none comes back. */
static void port_forget(struct vnet_port *port)
{
	struct policy *base = atomic_load(&port->vnet->base[port->net]);
	struct policy *policy = atomic_load(&port->vnet->policy[port->net]);

	if (base->ops->forget)
		base->ops->forget(base, port->number);
	if (policy != base && policy->ops->forget)
		policy->ops->forget(policy, port->number);
	port_free(port);
}

/* Lock held. */
static bool remove_locked(struct vnet *v, struct vnet_port *gone)
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
	for (list = ports_unpublish(v, gone); list; list = next) {
		next = list->next_removed;
		held_abandon(list);
		port_forget(list);
	}
	return true;
}

bool vnet_port_remove(struct vnet_port *port)
{
	struct vnet *v = port->vnet;
	bool done;

	control_lock(v);
	done = remove_locked(v, port);
	control_unlock(v);
	return done;
}
