/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings: accepted, but probably a mistake: routes and flows that are unused or never win, frames
 * that arrive twice. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/hash.h"
#include "vmm/config/lint.h"

void report_finding(struct lint *l, uint32_t line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	l->report(l, line, text);
}

uint32_t later_line(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t route_line(const struct lint *l, unsigned i)
{
	return l->route_line ? l->route_line[i] : 0;
}

/* ---- routes in networks that do not use routes ---- */

static void lint_unused_routes(struct lint *l)
{
	uint32_t count[CONFIG_NETS] = {0}, line[CONFIG_NETS];

	for (uint32_t i = 0; i < l->n->nets; i++)
		line[i] = l->n->net[i].line;
	for (uint32_t i = 0; i < l->n->routes; i++) {
		unsigned net = l->n->route[i].net;

		count[net]++;
		line[net] = later_line(line[net], route_line(l, i));
	}
	for (uint32_t i = 0; i < l->n->nets; i++) {
		const struct net_config *net = &l->n->net[i];

		if (count[i] && net->mode != VNET_ROUTE)
			report_finding(l, line[i],
			               "network \"%s\" is in mode %s: its routes (%u) have no "
			               "effect until its mode is route",
			               net->name, config_word_of(config_mode_words, net->mode),
			               (unsigned)count[i]);
	}
}

/* ---- routes that never win ---- */

/*
 * Routes that another one of higher priority covers.  By the priorities in route.h that is only
 * possible for a default route (4), under one for its source (6) or for all sources but another
 * (5), and for any route of priority 4 or 3, under two that are complements, `X` and `not X`.
 */
enum side { SIDE_SRC, SIDE_DST };

/* The qualifier of this side if the other side is `any`; else NULL. */
static const struct vnet_qual *lone_qual(const struct vnet_route *r, enum side side)
{
	const struct vnet_qual *one = side == SIDE_SRC ? &r->src : &r->dst;
	const struct vnet_qual *other = side == SIDE_SRC ? &r->dst : &r->src;

	return other->match == VNET_MAC_ANY ? one : NULL;
}

/* Key of a route with MAC X on one side and `any` on the other. */
struct key {
	unsigned net;
	int32_t from;
	enum side side;
	mac_t mac;
};

static bool has_key(const struct vnet_route *r, const struct key *k)
{
	const struct vnet_qual *q = lone_qual(r, k->side);

	return q && q->match == VNET_MAC_IS && q->mac == k->mac && r->net == k->net &&
	       r->from == k->from;
}

/* The index entry of the route with this key, or the free entry for it. */
static uint16_t *key_place(const struct lint *l, const struct key *k)
{
	uint64_t h = k->mac ^ (uint64_t)k->net << 48 ^ (uint64_t)k->side << 60;
	uint32_t i;
	uint16_t *index;

	h = hash_spread(h ^ h >> 29) + (uint64_t)(k->from + 1);
	h = hash_spread(h ^ h >> 29);
	i = (uint32_t)(h >> 32) & (CONFIG_INDEX - 1);
	index = l->p->index;
	while (index[i] && !has_key(&l->n->route[index[i] - 1], k))
		i = (i + 1) & (CONFIG_INDEX - 1);
	return &index[i];
}

static int find_key(const struct lint *l, unsigned net, int32_t from, enum side side, mac_t mac)
{
	struct key k = {net, from, side, mac};

	return (int)*key_place(l, &k) - 1;
}

static void index_keys(struct lint *l)
{
	memset(l->p->index, 0, sizeof l->p->index);
	l->p->indexed = false;
	for (uint32_t i = 0; i < l->n->routes; i++) {
		const struct vnet_route *r = &l->n->route[i];

		for (enum side s = SIDE_SRC; s <= SIDE_DST; s++) {
			const struct vnet_qual *q = lone_qual(r, s);
			struct key k;
			uint16_t *place;

			if (!q || q->match != VNET_MAC_IS)
				continue;
			k = (struct key){r->net, r->from, s, q->mac};
			place = key_place(l, &k);
			if (!*place)
				*place = (uint16_t)(i + 1);
		}
	}
}

/* Per network, the routes that cover many frames: with a `not` side, from any port; -1: none. */
struct cover {
	int not_src[2]; /* two `not` sources with different addresses */
	int whole[2];   /* two that together match every frame */
};

static void note_not(const struct lint *l, struct cover *c, unsigned i, enum side side)
{
	const struct vnet_route *r = &l->n->route[i];
	const struct vnet_qual *q = lone_qual(r, side);
	int same;

	if (!q || q->match != VNET_MAC_NOT || r->from >= 0)
		return;
	same = find_key(l, r->net, -1, side, q->mac);
	if (same >= 0 && c->whole[0] < 0) {
		c->whole[0] = same;
		c->whole[1] = (int)i;
	}
	if (side == SIDE_DST)
		return;
	if (c->not_src[0] < 0)
		c->not_src[0] = (int)i;
	else if (c->not_src[1] < 0 && l->n->route[c->not_src[0]].src.mac != q->mac)
		c->not_src[1] = (int)i;
}

static void find_covers(const struct lint *l, struct cover cover[CONFIG_NETS])
{
	for (uint32_t i = 0; i < CONFIG_NETS; i++)
		cover[i] = (struct cover){{-1, -1}, {-1, -1}};
	for (uint32_t i = 0; i < l->n->routes; i++) {
		note_not(l, &cover[l->n->route[i].net], i, SIDE_SRC);
		note_not(l, &cover[l->n->route[i].net], i, SIDE_DST);
	}
}

/* The route that covers a default route, or -1. */
static int covers_default(const struct lint *l, const struct cover *c, const struct vnet_route *r)
{
	int by = find_key(l, r->net, -1, SIDE_SRC, r->src.mac);

	if (by < 0 && r->from >= 0)
		by = find_key(l, r->net, r->from, SIDE_SRC, r->src.mac);
	for (unsigned k = 0; k < 2 && by < 0; k++) {
		int other = c->not_src[k];

		if (other >= 0 && l->n->route[other].src.mac != r->src.mac)
			by = other;
	}
	return by;
}

static void lint_route(struct lint *l, const struct cover *c, unsigned i)
{
	const struct vnet_route *r = &l->n->route[i];
	const char *why;
	int priority = vnet_route_priority(r, &why);
	int by = priority == 4 ? covers_default(l, c, r) : -1;

	if (by >= 0)
		report_finding(
		    l, later_line(route_line(l, i), route_line(l, (unsigned)by)),
		    "route %u never wins: route %d has a higher priority and takes all its frames",
		    i, by);
	else if (priority <= 4 && c->whole[0] >= 0)
		report_finding(
		    l,
		    later_line(route_line(l, i), later_line(route_line(l, (unsigned)c->whole[0]),
		                                            route_line(l, (unsigned)c->whole[1]))),
		    "route %u never wins: routes %d and %d together take all frames", i,
		    c->whole[0], c->whole[1]);
}

static void lint_routes(struct lint *l)
{
	struct cover cover[CONFIG_NETS];

	index_keys(l);
	find_covers(l, cover);
	for (uint32_t i = 0; i < l->n->routes; i++) {
		unsigned net = l->n->route[i].net;

		if (l->n->net[net].mode == VNET_ROUTE)
			lint_route(l, &cover[net], i);
	}
}

/* ---- frames that arrive twice ---- */

/* Per link, other ways from its network to its peer; -1: none. */
struct twins {
	int16_t link[CONFIG_PORTS]; /* the next link */
	int16_t edge[CONFIG_PORTS]; /* the network's edge, if the peer is on its wire */
};

static bool is_twin(const struct port_config *a, const struct port_config *b)
{
	return config_is_tunnel(b) && a->net == b->net && a->link.remote == b->link.remote;
}

static bool is_edge_to(const struct port_config *link, const struct port_config *edge)
{
	return edge->edge && edge->net == link->net && edge->underlay.prefix &&
	       config_same_net(edge->underlay.address, link->link.remote, edge->underlay.prefix);
}

static void find_twins(const struct node_config *n, struct twins *t)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *link = &n->port[i];

		t->link[i] = t->edge[i] = -1;
		if (!config_is_tunnel(link))
			continue;
		for (uint32_t k = 0; k < n->ports; k++) {
			if (k > i && t->link[i] < 0 && is_twin(link, &n->port[k]))
				t->link[i] = (int16_t)k;
			if (is_edge_to(link, &n->port[k]))
				t->edge[i] = (int16_t)k;
		}
	}
}

static void lint_flood(struct lint *l, const struct twins *t, unsigned i)
{
	const struct node_config *n = l->n;
	const struct port_config *link = &n->port[i];
	const char *net = n->net[link->net].name;
	const struct port_config *edge;

	if (t->link[i] >= 0)
		report_finding(
		    l, later_line(link->line, n->port[t->link[i]].line),
		    "links \"%s\" and \"%s\" of network \"%s\" lead to the same node: what is "
		    "flooded arrives there twice",
		    link->name, n->port[t->link[i]].name, net);
	if (t->edge[i] < 0)
		return;
	edge = &n->port[t->edge[i]];
	report_finding(
	    l, later_line(link->line, later_line(edge->line, edge->underlay.line)),
	    "network \"%s\" has its edge \"%s\" on the wire where link \"%s\" leads: what "
	    "is flooded arrives there twice; give the edge a network of its own",
	    net, edge->name, link->name);
}

/* Warns if another route differs from route i only in its port, `twin`. */
static void lint_same_frames(struct lint *l, unsigned i, int twin)
{
	struct vnet_route r = l->n->route[i];
	const char *port = l->n->port[r.to].name;
	int other;

	if (twin < 0)
		return;
	r.to = (uint16_t)twin;
	other = config_find_route(l->p, l->n, &r);
	if (other >= 0)
		report_finding(
		    l, later_line(route_line(l, i), route_line(l, (unsigned)other)),
		    "routes %u and %d lead the same frames by \"%s\" and \"%s\" to the same "
		    "node: they arrive there twice",
		    i, other, port, l->n->port[twin].name);
}

static void lint_twice(struct lint *l)
{
	const struct node_config *n = l->n;
	struct twins t;

	find_twins(n, &t);
	for (uint32_t i = 0; i < n->ports; i++) {
		if (n->port[i].name[0] && n->net[n->port[i].net].mode != VNET_ROUTE)
			lint_flood(l, &t, i);
	}
	config_index_routes(l->p, n);
	for (uint32_t i = 0; i < n->routes; i++) {
		unsigned to = n->route[i].to;

		if (n->net[n->route[i].net].mode != VNET_ROUTE)
			continue;
		lint_same_frames(l, i, t.link[to]);
		lint_same_frames(l, i, t.edge[to]);
	}
}

/* ---- one MAC on two nodes ---- */

/* A port's default MAC is made from its name, so ports of one name on two nodes have the same MAC:
 * a conflict in a network that spans both. */
static void lint_macs(struct lint *l)
{
	uint32_t line[CONFIG_NETS] = {0};
	bool linked[CONFIG_NETS] = {0};

	for (uint32_t i = 0; i < l->n->ports; i++) {
		const struct port_config *port = &l->n->port[i];

		linked[port->net] |= config_is_tunnel(port);
		if (config_is_tunnel(port))
			line[port->net] = later_line(line[port->net], port->line);
	}
	for (uint32_t i = 0; i < l->n->ports; i++) {
		const struct port_config *port = &l->n->port[i];

		if (port->name[0] && port->kind == CONFIG_NIC && !port->edge && linked[port->net] &&
		    port->mac == config_derive_mac(port->name))
			report_finding(
			    l, later_line(port->line, line[port->net]),
			    "port \"%s\" has the default MAC, made from its name: a port of that "
			    "name on another node of its network has the same; set it with `mac`",
			    port->name);
	}
}

/* ---- guests on the wire of the links ---- */

/* The network's edge if links run on the wire behind it; NULL: none. */
static const struct port_config *wire_of(const struct node_config *n, unsigned net)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *edge = &n->port[i];

		if (edge->edge && edge->net == net && edge->underlay.prefix)
			return edge;
	}
	return NULL;
}

static void lint_wire(struct lint *l)
{
	const struct node_config *n = l->n;

	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *port = &n->port[i];
		const struct port_config *edge;

		if (!port->name[0] || port->kind != CONFIG_NIC || port->edge)
			continue;
		edge = wire_of(n, port->net);
		if (edge)
			report_finding(
			    l, later_line(port->line, later_line(edge->line, edge->underlay.line)),
			    "port \"%s\" shares network \"%s\" with the underlay of \"%s\": its "
			    "guest reaches the wire of the links; give the edge a network of its "
			    "own",
			    port->name, n->net[port->net].name, edge->name);
	}
}

/* ---- NICs that do not say their MTU ---- */

#define MTU_UNSAID                                                                                 \
	1500 /* what a driver takes for its MTU when the device has no register for it             \
	      */

static void lint_models(struct lint *l)
{
	for (uint32_t i = 0; i < l->n->ports; i++) {
		const struct port_config *port = &l->n->port[i];

		if (port->name[0] && port->model != CONFIG_MODEL_VIRTIO && port->mtu != MTU_UNSAID)
			report_finding(l, later_line(port->line, l->n->net[port->net].line),
			               "port \"%s\" has MTU %u, but an e1000 or e1000e cannot tell "
			               "its guest: set it there, too",
			               port->name, port->mtu);
	}
}

/* ---- mirrors that see nothing ---- */

static bool sees_any(const struct node_config *n, const struct mirror_config *m)
{
	for (uint32_t i = 0; i < n->ports; i++)
		if (config_mirror_sees(n, m, i))
			return true;
	return false;
}

static void lint_mirrors(struct lint *l)
{
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++) {
		const struct mirror_config *m = &l->n->mirror[i];

		if (m->name[0] && !sees_any(l->n, m))
			report_finding(l, m->line,
			               "mirror \"%s\" copies nothing: network \"%s\" has no port",
			               m->name, config_mirror_object(l->n, m));
	}
}

/* ---- services and flows that get nothing ---- */

static bool is_passed(const struct node_config *n, unsigned service)
{
	for (uint32_t i = 0; i < n->flows; i++)
		for (unsigned k = 0; k < n->flow[i].services; k++)
			if (n->flow[i].service[k] == service)
				return true;
	return false;
}

static bool has_member(const struct node_config *n, const struct vnet_service *s)
{
	for (unsigned i = 0; i < s->replicas; i++)
		if (n->port[s->port[i]].group)
			return true;
	return false;
}

static void lint_chains(struct lint *l)
{
	const struct node_config *n = l->n;
	const struct vnet_chain_rules rules = {n->service, n->services, n->flow, n->flows};

	for (uint32_t i = 0; i < n->services; i++)
		if (n->service[i].name[0] && !is_passed(n, i))
			report_finding(l, l->route_line ? l->p->service_line[i] : 0,
			               "service \"%s\" is in no flow: its ports get no more than "
			               "frames to their own MACs",
			               n->service[i].name);
	for (uint32_t i = 0; i < n->services; i++)
		if (n->service[i].may_leave && !has_member(n, &n->service[i]))
			report_finding(
			    l, l->route_line ? l->p->service_line[i] : 0,
			    "service \"%s\" is `may-leave`, but none of its ports is in a "
			    "group: only members can take frames out of their chain",
			    n->service[i].name);
	for (uint32_t i = 0; i < n->flows; i++) {
		int other = vnet_flow_hidden(&rules, i);

		if (other >= 0)
			report_finding(
			    l, l->route_line ? l->p->flow_line[i] : 0,
			    "flow \"%s\" never gets a frame: flow \"%s\" is before it and "
			    "takes all of its frames",
			    n->flow[i].name, n->flow[other].name);
	}
}

/* ---- a guest that reaches nobody by its ISM device ---- */

static void lint_domains(struct lint *l)
{
	for (uint32_t i = 0; i < l->n->guests; i++) {
		const struct guest_config *g = &l->n->guest[i];
		unsigned members = 0;

		for (uint32_t k = 0; g->ism[0] && k < l->n->guests; k++)
			members += strcmp(l->n->guest[k].ism, g->ism) == 0;
		if (members == 1)
			report_finding(l, g->line, "guest \"%s\" is alone in ISM domain \"%s\"",
			               g->name, g->ism);
	}
}

static void lint_all(struct lint *l)
{
	lint_unused_routes(l);
	lint_routes(l);
	lint_twice(l);
	lint_macs(l);
	lint_wire(l);
	lint_models(l);
	lint_mirrors(l);
	lint_groups(l);
	lint_chains(l);
	lint_domains(l);
}

/* ---- the two callers ---- */

static void report_as_warning(struct lint *l, uint32_t line, const char *text)
{
	struct word place = {"", line, 1, false};

	if (line)
		config_warn(l->p, &place, "%s", text);
}

void config_lint_staged(struct parser *p)
{
	struct lint l = {
	    .p = p, .n = p->node, .route_line = p->route_line, .report = report_as_warning};

	lint_all(&l);
}

static void report_to_caller(struct lint *l, uint32_t line, const char *text)
{
	(void)line;
	l->warn(l->ctx, text);
}

void config_lint(struct config *c, config_warning *warn, void *ctx)
{
	struct lint l = {.p = &c->parser,
	                 .n = config_live(c),
	                 .report = report_to_caller,
	                 .warn = warn,
	                 .ctx = ctx};

	lint_all(&l);
}
