/* SPDX-License-Identifier: BSD-2-Clause */
/* `show` for the switch, `explain` and `lint`, as text or JSON. */
#include "lib/address_text.h"
#include "vmm/control/control.h"
#include "vmm/control/network.h"
#include "vmm/control/show/show.h"
#include "vmm/control/show/parts.h"

bool wanted_port(const struct config_action *a, unsigned slot)
{
	const struct port_config *p = &control_config()->port[slot];

	if (!p->name[0] || (a->port >= 0 && a->port != (int)slot) || !wanted_net(a, p->net))
		return false;
	return a->guest < 0 || (p->kind == CONFIG_NIC && wanted_guest(a, p->guest));
}

static const char *net_name(unsigned net)
{
	return control_config()->net[net].name;
}

uint64_t lost_frames(const struct vnet_port_stats *s)
{
	uint64_t drops = 0;

	for (unsigned d = 0; d < VNET_DROP_CAUSES; d++)
		if (vnet_drop_lost((enum vnet_drop)d))
			drops += s->drop[d];
	return drops;
}

/* The core that polls the port. */
static void out_poller(struct out *o, struct vnet_port *port)
{
	if (vnet_port_mode(port) == VNET_KICK)
		out_null(o, NULL);
	else
		out_number(o, NULL, (uint64_t)control_config()->poll_core);
}

void show_ports(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"port", 12, false},      {"guest", 10, false},    {"network", 10, false},
	    {"mac", 17, false},       {"mtu", 5, true},        {"up", 3, false},
	    {"edge", 4, false},       {"model", 6, false},     {"move", 8, false},
	    {"core", 4, true},        {"in_frames", 10, true}, {"in_bytes", 12, true},
	    {"out_frames", 10, true}, {"out_bytes", 12, true}, {"copied", 12, true},
	    {"drops", 8, true},
	};
	const struct node_config *n = control_config();

	TABLE(o, "ports", columns);
	for (unsigned i = 0; i < n->ports; i++) {
		struct vnet_port_stats s;
		struct vnet_port *p = control_port(i);

		if (!p || n->port[i].kind != CONFIG_NIC || !wanted_port(a, i))
			continue;
		vnet_port_stats(p, &s);
		out_row(o);
		out_string(o, NULL, p->name);
		out_string(o, NULL, n->guest[n->port[i].guest].name);
		out_string(o, NULL, net_name(n->port[i].net));
		out_mac(o, NULL, n->port[i].mac);
		out_number(o, NULL, n->port[i].mtu);
		out_bool(o, NULL, atomic_load(&p->up));
		out_bool(o, NULL, n->port[i].edge);
		out_string(o, NULL,
		           n->port[i].group ? "group"
		                            : config_word_of(config_model_words, n->port[i].model));
		out_string(o, NULL, config_word_of(config_move_words, vnet_port_mode(p)));
		out_poller(o, p);
		out_number(o, NULL, s.in_frames);
		out_number(o, NULL, s.in_bytes);
		out_number(o, NULL, s.out_frames);
		out_number(o, NULL, s.out_bytes);
		out_number(o, NULL, s.copied + control_copied(i));
		out_number(o, NULL, lost_frames(&s));
	}
	out_end_table(o);
}

/* ---- links and underlays ---- */

static void out_ip(struct out *o, uint32_t ip)
{
	char text[IP_TEXT];

	ip_to_text(ip, text);
	out_string(o, NULL, text);
}

const char *const link_state_name[LINK_STATES] = {"up", "unresolved", "down"};

enum link_state link_state(const struct vnet_port *p)
{
	struct vnet_link_info info;
	bool tunnel = vnet_link_get(p, &info);

	if (!atomic_load(tunnel ? &info.edge->up : &p->up))
		return LINK_DOWN;
	return !tunnel || info.next_mac ? LINK_UP : LINK_UNRESOLVED;
}

/* The columns from `remote` to `next_mac`. */
static void tunnel_cells(struct out *o, const struct vnet_link_info *info)
{
	out_ip(o, info->config.remote);
	if (info->config.kind == VNET_LINK_VXLAN)
		out_number(o, NULL, info->config.vni);
	else
		out_null(o, NULL);
	out_number(o, NULL, info->config.udp_port);
	out_ip(o, info->next_hop);
	if (info->next_mac)
		out_mac(o, NULL, info->next_mac);
	else
		out_string(o, NULL, "unresolved");
}

static void link_row(struct out *o, const struct port_config *link, const struct vnet_port *p)
{
	struct vnet_link_info info;
	struct vnet_port_stats s;
	bool tunnel = vnet_link_get(p, &info);

	vnet_port_stats(p, &s);
	out_row(o);
	out_string(o, NULL, link->name);
	out_string(o, NULL, config_word_of(config_link_words, link->kind));
	out_string(o, NULL, net_name(link->net));
	out_string(o, NULL, control_config()->port[link->link.edge].name);
	if (tunnel)
		tunnel_cells(o, &info);
	for (unsigned i = 0; !tunnel && i < 5; i++)
		out_null(o, NULL);
	out_number(o, NULL, tunnel ? info.mtu : control_config()->port[link->link.edge].mtu);
	out_string(o, NULL, link_state_name[link_state(p)]);
	out_number(o, NULL, s.in_frames);
	out_number(o, NULL, s.out_frames);
	out_number(o, NULL, lost_frames(&s));
}

void show_links(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"link", 12, false},      {"kind", 6, false},      {"network", 10, false},
	    {"edge", 10, false},      {"remote", 15, false},   {"vni", 8, true},
	    {"udp_port", 8, true},    {"next_hop", 15, false}, {"next_mac", 17, false},
	    {"mtu", 5, true},         {"state", 10, false},    {"in_frames", 10, true},
	    {"out_frames", 10, true}, {"drops", 8, true},
	};
	const struct node_config *n = control_config();

	TABLE(o, "links", columns);
	for (unsigned i = 0; i < n->ports; i++) {
		const struct vnet_port *p = control_port(config_port_slot(n, i));

		if (p && n->port[i].kind != CONFIG_NIC && wanted_port(a, i))
			link_row(o, &n->port[i], p);
	}
	out_end_table(o);
}

static unsigned links_over(const struct node_config *n, unsigned edge)
{
	unsigned links = 0;

	for (unsigned i = 0; i < n->ports; i++)
		links += n->port[i].name[0] && config_is_tunnel(&n->port[i]) &&
		         n->port[i].link.edge == edge;
	return links;
}

void show_underlays(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"port", 12, false},    {"address", 15, false}, {"prefix", 6, true},
	    {"gateway", 15, false}, {"mac", 17, false},     {"mtu", 5, true},
	    {"links", 5, true},
	};
	const struct node_config *n = control_config();

	TABLE(o, "underlays", columns);
	for (unsigned i = 0; i < n->ports; i++) {
		const struct underlay_config *u = &n->port[i].underlay;

		if (!u->prefix || !wanted_port(a, i))
			continue;
		out_row(o);
		out_string(o, NULL, n->port[i].name);
		out_ip(o, u->address);
		out_number(o, NULL, u->prefix);
		if (u->gateway)
			out_ip(o, u->gateway);
		else
			out_null(o, NULL);
		out_mac(o, NULL, u->mac);
		out_number(o, NULL, u->mtu);
		out_number(o, NULL, links_over(n, i));
	}
	out_end_table(o);
}

/* ---- networks and routes ---- */

static enum vnet_link_local link_local(const struct net_config *net)
{
	if (net->link_local != VNET_LINK_LOCAL_BY_MODE)
		return net->link_local;
	return net->mode == VNET_ROUTE ? VNET_LINK_LOCAL_FORWARD : VNET_LINK_LOCAL_DROP;
}

void show_networks(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {{"network", 12, false},
	                                            {"mode", 5, false},
	                                            {"mtu", 5, true},
	                                            {"link_local", 10, false}};
	const struct node_config *n = control_config();

	TABLE(o, "networks", columns);
	for (unsigned i = 0; i < n->nets; i++) {
		if (!n->net[i].name[0] || !wanted_net(a, i))
			continue;
		out_row(o);
		out_string(o, NULL, n->net[i].name);
		out_string(o, NULL, config_word_of(config_mode_words, n->net[i].mode));
		out_number(o, NULL, n->net[i].mtu);
		out_string(o, NULL,
		           config_word_of(config_link_local_words, link_local(&n->net[i])));
	}
	out_end_table(o);
}

static const char *port_name(int number)
{
	struct vnet_port *p = number < 0 ? NULL : vnet_port_get(node_vnet, (unsigned)number);

	return p ? p->name : NULL;
}

bool wanted_route(const struct config_action *a, const struct vnet_route *r)
{
	struct vnet_port *p = a->port >= 0 ? control_port((unsigned)a->port) : NULL;

	return wanted_net(a, r->net) && (!p || r->to == p->number || r->from == p->number);
}

void show_routes(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"route", 5, true},    {"network", 10, false}, {"src", 21, false},
	    {"dst", 21, false},    {"from", 10, false},    {"to", 10, false},
	    {"reflect", 7, false}, {"priority", 8, true},  {"hits", 10, true},
	};
	struct vnet_route r;
	uint64_t hits;

	TABLE(o, "routes", columns);
	for (unsigned i = 0; vnet_route_get(node_vnet, i, &r, &hits); i++) {
		char src[24], dst[24];
		const char *why;

		if (!wanted_route(a, &r))
			continue;
		config_format_qual(&r.src, src);
		config_format_qual(&r.dst, dst);
		out_row(o);
		out_number(o, NULL, i);
		out_string(o, NULL, net_name(r.net));
		out_string(o, NULL, src);
		out_string(o, NULL, dst);
		out_string(o, NULL, port_name(r.from));
		out_string(o, NULL, port_name(r.to));
		out_bool(o, NULL, r.reflect);
		out_signed(o, NULL, vnet_route_priority(&r, &why));
		out_number(o, NULL, hits);
	}
	out_end_table(o);
}

/* ---- explain and lint ---- */

static void explain_row(void *ctx, const struct vnet_verdict *v)
{
	struct out *o = ctx;

	out_row(o);
	if (v->route >= 0)
		out_signed(o, NULL, v->route);
	else
		out_null(o, NULL);
	out_signed(o, NULL, v->priority);
	out_bool(o, NULL, v->wins);
	out_string(o, NULL, port_name(v->port));
	if (v->port < 0)
		out_null(o, NULL);
	else
		out_string(o, NULL, v->drop < 0 ? "out_frames" : vnet_drop_name[v->drop]);
	out_string(o, NULL, v->flow);
	out_string(o, NULL, v->service);
}

void show_explain(const struct config_action *a, config_put *put, void *ctx)
{
	static const struct out_column columns[] = {
	    {"route", 5, true},     {"priority", 8, true},  {"wins", 4, false},
	    {"port", 12, false},    {"counter", 16, false}, {"flow", 12, false},
	    {"service", 12, false},
	};
	static struct out o;
	const struct vnet_question q = {.net = control_config()->port[a->port].net,
	                                .from = control_port((unsigned)a->port)->number,
	                                .src = a->src,
	                                .dst = a->dst,
	                                .packet = a->packet};

	out_begin(&o, a->json, put, ctx);
	TABLE(&o, "explain", columns);
	vnet_explain(node_vnet, &q, explain_row, &o);
	out_end_table(&o);
	out_end(&o);
}

static void lint_row(void *ctx, const char *text)
{
	out_row(ctx);
	out_string(ctx, NULL, text);
}

void show_lint(const struct config_action *a, config_put *put, void *ctx)
{
	static const struct out_column columns[] = {{"warning", 40, false}};
	static struct out o;

	out_begin(&o, a->json, put, ctx);
	TABLE(&o, "lint", columns);
	config_lint(control_store(), lint_row, &o);
	out_end_table(&o);
	out_end(&o);
}
