/* What `show` tells of the switch, and `explain` and `lint`, as text or JSON. */
#include <stdio.h>
#include <string.h>
#include "drivers/virtio/virtio_net.h"
#include "vmm/control/control.h"
#include "vmm/control/guest_console.h"
#include "vmm/log.h"
#include "vmm/control/parts.h"
#include "vmm/control/show/parts.h"
#include "vmm/life.h"

static bool wanted_net(const struct config_action *a, unsigned net)
{
	return a->net < 0 || a->net == (int)net;
}

/* The row of this port or link is asked for; a link is no guest's. */
static bool wanted_port(const struct config_action *a, unsigned slot)
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

static uint64_t all_drops(const struct vnet_port_stats *s)
{
	uint64_t drops = 0;
	for (unsigned d = 0; d < VNET_DROP_CAUSES; d++)
		if (vnet_drop_lost((enum vnet_drop)d))
			drops += s->drop[d];
	return drops;
}

void show_ports(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"port", 12, false},    {"guest", 10, false},     {"network", 10, false},
	    {"mac", 17, false},     {"mtu", 5, true},         {"up", 3, false},
	    {"edge", 4, false},     {"move", 4, false},       {"in_frames", 10, true},
	    {"in_bytes", 12, true}, {"out_frames", 10, true}, {"out_bytes", 12, true},
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
		           config_word_of(config_move_words, vnet_port_mode(p) == VNET_POLL
		                                                 ? CONFIG_MOVE_POLL
		                                                 : CONFIG_MOVE_KICK));
		out_number(o, NULL, s.in_frames);
		out_number(o, NULL, s.in_bytes);
		out_number(o, NULL, s.out_frames);
		out_number(o, NULL, s.out_bytes);
		out_number(o, NULL, all_drops(&s));
	}
	out_end_table(o);
}

/* ---- links and underlays ---- */

static void out_ip(struct out *o, uint32_t ip)
{
	char text[16];
	config_format_ip(ip, text);
	out_string(o, NULL, text);
}

/* A link's way: its edge's guest is there, and the next hop has answered. */
static const char *link_state(const struct vnet_port *edge, bool resolved)
{
	return !atomic_load(&edge->up) ? "down" : resolved ? "up" : "unresolved";
}

/* The cells from the peer to the next hop's MAC. */
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
	out_string(o, NULL,
	           tunnel ? link_state(info.edge, info.next_mac != 0) : link_state(p, true));
	out_number(o, NULL, s.in_frames);
	out_number(o, NULL, s.out_frames);
	out_number(o, NULL, all_drops(&s));
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

/* The route is in the network, and leads to or from the port or link, that the answer is narrowed
 * to; no guest narrows it. */
static bool wanted_route(const struct config_action *a, const struct vnet_route *r)
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

static void counter_row(struct out *o, const char *port, const char *name, uint64_t value)
{
	out_row(o);
	out_string(o, NULL, port);
	out_string(o, NULL, name);
	out_number(o, NULL, value);
}

/* Every counter that is not 0: the switch's, with drops by cause, then the device's. */
static void port_counters(struct out *o, unsigned slot)
{
	struct vnet_port *p = control_port(slot);
	struct vnet_port_stats s;
	char name[48];
	uint64_t value;
	vnet_port_stats(p, &s);
	counter_row(o, p->name, "in_frames", s.in_frames);
	counter_row(o, p->name, "out_frames", s.out_frames);
	if (s.flooded)
		counter_row(o, p->name, "flooded", s.flooded);
	for (unsigned d = 0; d < VNET_DROP_CAUSES; d++) {
		snprintf(name, sizeof name, "drop.%s", vnet_drop_name[d]);
		if (s.drop[d])
			counter_row(o, p->name, name, s.drop[d]);
	}
	struct virtio_net *nic = control_nic(slot);
	for (unsigned i = 0; nic && virtio_pci_counter(&nic->v, i, name, sizeof name, &value); i++)
		if (value)
			counter_row(o, p->name, name, value);
}

/* The consoles' stand under the guest's name. */
static void console_counters(struct out *o, struct vm *vm)
{
	char name[48];
	uint64_t value = atomic_load(&vm->console.dropped);
	if (value)
		counter_row(o, vm->name, "console.dropped", value);
	value = atomic_load(&vm->console.missed);
	if (value)
		counter_row(o, vm->name, "console.missed", value);
	if (vm->uart.unsent)
		counter_row(o, vm->name, "console.unsent", vm->uart.unsent);
	for (unsigned i = 0; virtio_pci_counter(&vm->hvc.v, i, name, sizeof name, &value); i++) {
		char full[56];
		snprintf(full, sizeof full, "console.%s", name);
		if (value)
			counter_row(o, vm->name, full, value);
	}
	for (unsigned i = 0; control_console_counter(vm, i, name, sizeof name, &value); i++)
		if (value)
			counter_row(o, vm->name, name, value);
}

static void absent_counters(struct out *o, const struct vm *vm)
{
	if (vm->absent.reads)
		counter_row(o, vm->name, "absent.reads", vm->absent.reads);
	if (vm->absent.writes)
		counter_row(o, vm->name, "absent.writes", vm->absent.writes);
}

/* The guest's own rows are asked for: by its name, which a port or a network may
 * have, too. */
static bool wanted_console(const struct config_action *a, unsigned guest)
{
	const char *name = NULL;
	if (a->port >= 0)
		name = control_config()->port[a->port].name;
	else if (a->net >= 0)
		name = net_name((unsigned)a->net);
	return name ? strcmp(name, vms[guest]->name) == 0 : wanted_guest(a, guest);
}

void show_counters(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"port", 12, false}, {"counter", 28, false}, {"value", 14, true}};
	TABLE(o, "counters", columns);
	for (unsigned i = 0; i < control_config()->ports; i++)
		if (control_port(i) && wanted_port(a, i))
			port_counters(o, i);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		if (!vms[i] || !wanted_console(a, i))
			continue;
		console_counters(o, vms[i]);
		absent_counters(o, vms[i]);
	}
	if (log_lost() && a->guest < 0 && a->port < 0 && a->net < 0)
		counter_row(o, "node", "log.lost", log_lost());
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
}

void show_explain(const struct config_action *a, config_put *put, void *ctx)
{
	static const struct out_column columns[] = {
	    {"route", 5, true},  {"priority", 8, true},  {"wins", 4, false},
	    {"port", 12, false}, {"counter", 16, false},
	};
	static struct out o;
	const struct port_config *p = &control_config()->port[a->port];
	out_begin(&o, a->json, put, ctx);
	TABLE(&o, "explain", columns);
	vnet_explain(node_vnet, p->net, a->src, a->dst, control_port((unsigned)a->port)->number,
	             explain_row, &o);
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
