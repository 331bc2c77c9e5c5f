/* explain.c: what would become of a frame, told without sending it. */
#include "vnet/lookup/learn.h"
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
		return port->ops->blocked ? port->ops->blocked(port) : -1;
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

/* Whether the frame is for the next bridge only; `unless_said`: whether the mode has it so. */
static bool tell_link_local(const struct telling *t, bool unless_said)
{
	if (!link_local_ends(t->vnet, t->net, t->dst, unless_said))
		return false;
	tell_drop(t, VNET_DROP_link_local);
	return true;
}

static void explain_routes(const struct telling *t)
{
	const struct vnet_table *table = atomic_load(&t->vnet->table);
	bool all_back = true;
	int best = 0;

	if (tell_link_local(t, false))
		return;
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

static bool is_outside(const struct telling *t, unsigned number)
{
	return port_at(t->vnet, number)->flags & VNET_OUTSIDE;
}

/* Whether the frame bears the address of one of the network's own, or its port may not bear it. */
static bool tell_source(const struct telling *t, bool exact)
{
	const struct vnet_members *m = atomic_load(&t->vnet->members);
	int owner = member_mac(m, t->net, t->src);

	if (is_outside(t, t->from)) {
		int looped = exact ? member_up(t->vnet, m, t->net, t->src)
		                   : member_in_use(t->vnet, m, t->net, t->src);

		if (looped < 0)
			return false;
		tell_drop(t, VNET_DROP_looped);
		return true;
	}
	if (owner == (int)t->from || (!exact && owner < 0))
		return false;
	tell_drop(t, VNET_DROP_spoofed);
	return true;
}

/* The ports of the network, all or those outside, that a frame of no known place reaches. */
static void tell_flood(const struct telling *t, bool only_outside)
{
	const struct vnet_members *m = atomic_load(&t->vnet->members);
	enum vnet_drop why = VNET_DROP_no_route;
	bool any = false;

	for (unsigned i = m->start[t->net]; i < m->start[t->net + 1]; i++) {
		bool outside = is_outside(t, m->port[i]);

		if (m->port[i] == t->from)
			continue;
		if (outside && is_outside(t, t->from)) {
			why = VNET_DROP_split_horizon;
		} else if (outside || !only_outside) {
			tell_port(t, m->port[i]);
			any = true;
		}
	}
	if (!any)
		tell_drop(t, why);
}

static void tell_place(const struct telling *t, unsigned to)
{
	if (to == t->from)
		tell_drop(t, VNET_DROP_same_port);
	else if (is_outside(t, to) && is_outside(t, t->from))
		tell_drop(t, VNET_DROP_split_horizon);
	else
		tell_port(t, to);
}

static void explain_learned(const struct telling *t, struct vnet_learn *learn)
{
	int to = member_in_use(t->vnet, atomic_load(&t->vnet->members), t->net, t->dst);
	bool group = t->dst & MAC_MULTICAST;

	if (tell_source(t, false) || tell_link_local(t, true))
		return;
	if (to < 0 && !group)
		to = learn_find(learn, t->dst);
	if (t->dst == t->src && t->src)
		to = (int)t->from; /* as would be learned of the frame itself */
	if (to >= 0 && port_up(t->vnet, (unsigned)to))
		tell_place(t, (unsigned)to);
	else
		tell_flood(t, false);
}

static void explain_exact(const struct telling *t)
{
	int to = member_up(t->vnet, atomic_load(&t->vnet->members), t->net, t->dst);

	if (tell_source(t, true) || tell_link_local(t, true))
		return;
	if (to >= 0)
		tell_place(t, (unsigned)to);
	else
		tell_flood(t, !(t->dst & MAC_MULTICAST));
}

/* Whether the frame ends before the switch sees it. */
static bool tell_stage(const struct telling *t)
{
	struct vnet_port *from = port_at(t->vnet, t->from);
	const struct vnet_stage *stage = stage_of(from);
	int drop = stage ? stage->refuses(from, t->src, t->dst) : -1;

	if (drop >= 0)
		tell_drop(t, (enum vnet_drop)drop);
	return drop >= 0;
}

static void explain_frame(const struct telling *t)
{
	struct vnet_learn *learn = atomic_load(&t->vnet->learn[t->net]);

	if (tell_stage(t))
		return;
	if (t->src & MAC_MULTICAST)
		tell_drop(t, VNET_DROP_bad_source);
	else if (learn)
		explain_learned(t, learn);
	else if (atomic_load(&t->vnet->exact[t->net]))
		explain_exact(t);
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
