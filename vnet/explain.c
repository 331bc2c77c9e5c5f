/* explain.c: what would become of a frame, told without sending it. */
#include "vnet/learn.h"
#include "vnet/state.h"

struct telling {
	struct vnet *vnet;
	mac_t src, dst;
	unsigned net, from;
	void (*line)(void *ctx, const struct vnet_verdict *verdict);
	void *ctx;
};

/* The drop that port number `to` would count for a frame that reaches it; -1: none. */
static int drop_at(struct vnet *v, unsigned to)
{
	struct vnet_port *port = port_at(v, to);

	if (atomic_load(&port->up))
		return -1;
	return port->flags & VNET_EDGE ? VNET_DROP_bridge_down : VNET_DROP_port_down;
}

static void tell_port(const struct telling *t, unsigned to)
{
	struct vnet_verdict say = {-1, 0, true, (int)to, drop_at(t->vnet, to)};

	t->line(t->ctx, &say);
}

static void tell_drop(const struct telling *t, enum vnet_drop drop)
{
	struct vnet_verdict say = {-1, 0, true, (int)t->from, (int)drop};

	t->line(t->ctx, &say);
}

static bool goes_back(const struct telling *t, const struct vnet_route *r)
{
	return r->to == t->from && !r->reflect;
}

static void tell_route(const struct telling *t, const struct vnet_table *table, unsigned i,
                       int best, bool all_back)
{
	const struct vnet_route *r = &table->route[i];
	struct vnet_verdict say = {(int)i, table->priority[i], table->priority[i] == best, -1, -1};

	if (say.wins && !goes_back(t, r)) {
		say.port = r->to;
		say.drop = drop_at(t->vnet, r->to);
	} else if (say.wins && all_back) {
		say.port = (int)t->from;
		say.drop = VNET_DROP_same_port;
	}
	t->line(t->ctx, &say);
}

static void explain_routes(const struct telling *t)
{
	const struct vnet_table *table = atomic_load(&t->vnet->table);
	bool all_back = true;
	int best = 0;

	for (unsigned i = 0; i < table->n; i++)
		if (table->priority[i] > best &&
		    route_matches(&table->route[i], t->net, t->src, t->dst, t->from))
			best = table->priority[i];
	for (unsigned i = 0; i < table->n; i++)
		if (table->priority[i] == best && !goes_back(t, &table->route[i]) &&
		    route_matches(&table->route[i], t->net, t->src, t->dst, t->from))
			all_back = false;
	for (unsigned i = 0; i < table->n; i++)
		if (route_matches(&table->route[i], t->net, t->src, t->dst, t->from))
			tell_route(t, table, i, best, all_back);
	if (best == 0)
		tell_drop(t, VNET_DROP_no_route);
}

static void explain_learned(const struct telling *t, struct vnet_learn *learn)
{
	const struct vnet_members *m = atomic_load(&t->vnet->members);
	int to = t->dst & MAC_MULTICAST ? -1 : learn_find(learn, t->dst);
	bool any = false;

	if (to == (int)t->from) {
		tell_drop(t, VNET_DROP_same_port);
		return;
	}
	if (to >= 0) {
		tell_port(t, (unsigned)to);
		return;
	}
	for (unsigned i = m->start[t->net]; i < m->start[t->net + 1]; i++) {
		if (m->port[i] == t->from)
			continue;
		tell_port(t, m->port[i]);
		any = true;
	}
	if (!any)
		tell_drop(t, VNET_DROP_no_route);
}

static void explain_frame(const struct telling *t)
{
	struct vnet_learn *learn = atomic_load(&t->vnet->learn[t->net]);

	if (t->src & MAC_MULTICAST)
		tell_drop(t, VNET_DROP_bad_source);
	else if (learn)
		explain_learned(t, learn);
	else
		explain_routes(t);
}

bool vnet_explain(struct vnet *v, unsigned net, mac_t src, mac_t dst, unsigned from,
                  void (*line)(void *ctx, const struct vnet_verdict *verdict), void *ctx)
{
	struct telling t = {v, src & MAC_MASK, dst & MAC_MASK, net, from, line, ctx};
	struct vnet_port *port;
	bool there;

	control_lock(v);
	port = from < VNET_PORTS ? port_at(v, from) : NULL;
	there = net < VNET_NETS && v->net[net] && port && port->net == net;
	if (there)
		explain_frame(&t);
	control_unlock(v);
	return there;
}
