/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements for underlays and links, and what must hold between them. */
#include <string.h>
#include "lib/address_text.h"
#include "vmm/config/parse.h"

#define WIRE_MTU 1500 /* Ethernet's */

/* ---- addresses ---- */

/* An address of a single host: no loopback, multicast or reserved address (RFC 1122). */
static bool is_station(uint32_t ip)
{
	return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 24 < 224;
}

/* The first and the last address of a prefix (network, broadcast) belong to no host. */
static bool is_host(uint32_t ip, unsigned prefix)
{
	uint32_t host = ip & (UINT32_MAX >> prefix);

	return is_station(ip) && host && host != UINT32_MAX >> prefix;
}

static bool fail_host(struct parser *p, const struct word *w, const char *what)
{
	return config_fail(p, w, "%s %s is not the address of a single host", what, w->text);
}

/* ---- underlay ---- */

/*
 * The default MAC is made from the IP address, which is unique on its wire; the port's name is not
 * (every node may call its edge `uplink`).  02: locally administered.
 */
static mac_t derive_mac(uint32_t ip)
{
	return 0x5002 | (mac_t)(ip >> 24) << 16 | (mac_t)(ip >> 16 & 0xff) << 24 |
	       (mac_t)(ip >> 8 & 0xff) << 32 | (mac_t)(ip & 0xff) << 40;
}

static bool set_gateway(struct parser *p, struct underlay_config *u)
{
	const struct arg *a = config_arg(p, "gateway");

	if (!a)
		return true;
	u->gateway = (uint32_t)a->number;
	if (!is_host(u->gateway, u->prefix))
		return fail_host(p, a->word, "gateway");
	if (u->gateway == u->address)
		return config_fail(p, a->word, "gateway %s is the underlay's own address",
		                   a->word->text);
	if (!config_same_net(u->gateway, u->address, u->prefix))
		return config_fail(p, a->word, "gateway %s is outside %s", a->word->text,
		                   config_arg(p, "address")->word->text);
	return true;
}

/* No two underlays have one address, and no port has the underlay's MAC: frames for it end at the
 * underlay. */
static bool check_unique(struct parser *p, unsigned slot, const struct underlay_config *u)
{
	const struct node_config *n = p->node;
	const struct arg *address = config_arg(p, "address"), *mac = config_arg(p, "mac");

	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *port = &n->port[i];

		if (!port->name[0] || port->kind != CONFIG_NIC)
			continue;
		if (i != slot && port->underlay.prefix && port->underlay.address == u->address)
			return config_fail(p, address->word,
			                   "address is the underlay's of port \"%s\" already",
			                   port->name);
		if (port->mac == u->mac)
			return config_fail(p, mac ? mac->word : address->word,
			                   "the underlay's MAC is port \"%s\"'s already%s",
			                   port->name, mac ? "" : "; give another with `mac`");
	}
	return true;
}

bool config_learns_path_mtu(const struct node_config *n, const struct port_config *link)
{
	enum config_path_mtu how = link->link.path_mtu;

	if (how == CONFIG_PATH_MTU_UNDERLAY)
		how = n->port[link->link.edge].underlay.path_mtu;
	return how == CONFIG_PATH_MTU_LEARN;
}

static bool read_underlay(struct parser *p, struct underlay_config *u)
{
	const struct arg *address = config_arg(p, "address");
	const struct arg *mac = config_arg(p, "mac"), *mtu = config_arg(p, "mtu");
	const struct arg *path = config_arg(p, "path-mtu");

	memset(u, 0, sizeof *u);
	u->line = address->word->line;
	u->address = (uint32_t)address->number;
	u->prefix = (uint32_t)(address->number >> 32);
	u->mac = mac ? mac->number : derive_mac(u->address);
	u->mtu = mtu ? (uint32_t)mtu->number : WIRE_MTU;
	u->path_mtu = path ? (enum config_path_mtu)path->number : CONFIG_PATH_MTU_LEARN;
	if (!is_host(u->address, u->prefix))
		return fail_host(p, address->word, "address");
	return set_gateway(p, u);
}

/* Why packets of the underlay cannot reach the address; NULL: they can. */
static const char *unreachable(const struct underlay_config *u, uint32_t remote)
{
	if (remote == u->address)
		return "is the node's own address";
	if (config_same_net(remote, u->address, u->prefix))
		return is_host(remote, u->prefix) ? NULL : "is not the address of a single host";
	return u->gateway ? NULL : "is outside the underlay's prefix, and that has no gateway";
}

/* Are the settings equal that cannot change while links use the underlay?  `path-mtu` can. */
static bool same_underlay(const struct underlay_config *a, const struct underlay_config *b)
{
	return a->address == b->address && a->prefix == b->prefix && a->gateway == b->gateway &&
	       a->mac == b->mac && a->mtu == b->mtu;
}

bool apply_underlay(struct parser *p)
{
	const struct arg *a = config_arg(p, "PORT"), *mtu = config_arg(p, "mtu");
	struct port_config *port = &p->node->port[a->number];
	struct underlay_config u;

	if (!port->edge)
		return config_fail(p, a->word, "port \"%s\" is not an edge port", port->name);
	if (port->underlay.line)
		return config_fail_taken(p, a->word, "the underlay of", port->underlay.line);
	if (!read_underlay(p, &u) || !check_unique(p, (unsigned)a->number, &u))
		return false;
	if (!same_underlay(&u, &port->underlay) && !config_check_unlinked(p, a))
		return false;
	port->underlay = u;
	return config_settle_mtu(p, mtu ? mtu->word : a->word);
}

/* ---- link ---- */

/* The edge port of the network, or -1. */
static int edge_of(const struct node_config *n, unsigned net)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		if (n->port[i].edge && n->port[i].net == net)
			return (int)i;
	}
	return -1;
}

/* The one edge port that has an underlay; -1: there is none, -2: there are several. */
static int only_underlay(const struct node_config *n)
{
	int found = -1;

	for (uint32_t i = 0; i < n->ports; i++) {
		if (n->port[i].underlay.prefix)
			found = found == -1 ? (int)i : -2;
	}
	return found;
}

static bool choose_edge(struct parser *p, struct port_config *port, const struct word *name)
{
	const struct node_config *n = p->node;
	const struct arg *a = config_arg(p, "edge");
	int own = edge_of(n, port->net);
	int edge = a                                          ? (int)a->number
	           : own >= 0 && n->port[own].underlay.prefix ? own
	                                                      : only_underlay(n);

	if (edge == -1)
		return config_fail(p, name,
		                   "no edge port has an underlay; say "
		                   "`underlay PORT address A.B.C.D/N` first");
	if (edge == -2)
		return config_fail(p, name,
		                   "several edge ports have an underlay; say which with "
		                   "`edge PORT`");
	if (!n->port[edge].underlay.prefix)
		return config_fail(p, a->word,
		                   "port \"%s\" has no underlay; say "
		                   "`underlay %s address A.B.C.D/N` first",
		                   n->port[edge].name, n->port[edge].name);
	port->link.edge = (uint16_t)edge;
	return true;
}

static bool set_remote(struct parser *p, struct port_config *port)
{
	const struct arg *remote = config_arg(p, "remote"), *local = config_arg(p, "local");
	const struct underlay_config *u = &p->node->port[port->link.edge].underlay;
	char own[IP_TEXT];
	const char *why;

	port->link.remote = (uint32_t)remote->number;
	if (!is_station(port->link.remote))
		return fail_host(p, remote->word, "remote");
	why = unreachable(u, port->link.remote);
	if (why)
		return config_fail(p, remote->word, "remote %s %s", remote->word->text, why);
	if (!local || local->number == u->address)
		return true;
	ip_to_text(u->address, own);
	return config_fail(p, local->word, "local %s is not the address of the underlay, %s",
	                   local->word->text, own);
}

/* Checks which terms a link of this kind needs and allows. */
static bool check_terms(struct parser *p, enum config_kind kind)
{
	static const struct {
		const char *word, *arg;
		bool needed[4], taken[4]; /* by enum config_kind */
	} place[] = {
	    {"vni", "N", {[CONFIG_VXLAN] = true}, {[CONFIG_VXLAN] = true}},
	    {"remote",
	     "A.B.C.D",
	     {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true},
	     {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true}},
	    {"local", "", {0}, {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true}},
	    {"udp-port", "", {0}, {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true}},
	    {"edge", "", {0}, {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true}},
	    {"addresses", "", {0}, {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true}},
	    {"path-mtu", "", {0}, {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true}},
	    {"dscp", "", {0}, {[CONFIG_VXLAN] = true, [CONFIG_UDP] = true}},
	};
	const char *word = config_arg(p, "KIND")->word->text;

	for (unsigned i = 0; i < sizeof place / sizeof place[0]; i++) {
		const struct arg *a = config_arg(p, place[i].word);

		if (a && !place[i].taken[kind])
			return config_fail(p, a->word, "%s is not for a link of kind %s",
			                   place[i].word, word);
		if (!a && place[i].needed[kind])
			return config_fail(p, &p->word[p->words],
			                   "missing: %s %s, for a link of kind %s", place[i].word,
			                   place[i].arg, word);
	}
	return true;
}

/* A received packet must select one link: by kind, sender and, for vxlan, VNI. */
static bool check_distinct(struct parser *p, const struct port_config *port)
{
	const struct node_config *n = p->node;
	const struct word *w = config_arg(p, "remote")->word;

	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *other = &n->port[i];

		if (!other->name[0] || !config_is_tunnel(other) ||
		    other->link.edge != port->link.edge)
			continue;
		if (other->kind != port->kind && other->link.udp_port == port->link.udp_port)
			return config_fail(
			    p, w, "UDP port %u is in use by link \"%s\", which is of another kind",
			    port->link.udp_port, other->name);
		if (other->kind == port->kind && other->link.remote == port->link.remote &&
		    other->link.vni == port->link.vni)
			return config_fail(p, w, "link \"%s\" already has this remote%s",
			                   other->name,
			                   port->kind == CONFIG_VXLAN ? " and VNI" : "");
	}
	return true;
}

static bool set_tunnel(struct parser *p, struct port_config *port, const struct word *name)
{
	const struct arg *vni = config_arg(p, "vni"), *udp = config_arg(p, "udp-port");
	const struct arg *path = config_arg(p, "path-mtu"), *a = config_arg(p, "addresses");
	const struct arg *dscp = config_arg(p, "dscp");

	port->addresses = a ? (uint32_t)a->number : VNET_QUOTA_OUTSIDE;
	port->link.path_mtu = path ? (enum config_path_mtu)path->number : CONFIG_PATH_MTU_UNDERLAY;
	port->link.dscp = dscp ? (uint8_t)dscp->number : 0;
	port->link.vni = vni ? (uint32_t)vni->number : 0;
	port->link.udp_port = udp                          ? (uint16_t)udp->number
	                      : port->kind == CONFIG_VXLAN ? VNET_VXLAN_PORT
	                                                   : VNET_UDP_PORT;
	return choose_edge(p, port, name) && set_remote(p, port) && check_distinct(p, port);
}

static bool set_direct(struct parser *p, struct port_config *port, const struct word *name)
{
	int edge = edge_of(p->node, port->net);

	if (edge < 0)
		return config_fail(p, name, "network \"%s\" has no edge port",
		                   p->node->net[port->net].name);
	port->link.edge = (uint16_t)edge;
	return true;
}

bool apply_link(struct parser *p)
{
	const struct word *name = config_arg(p, "NAME")->word;
	enum config_kind kind = (enum config_kind)config_arg(p, "KIND")->number;
	struct port_config *port;

	if (!config_check_port_name(p, name) || !check_terms(p, kind))
		return false;
	port = config_new_port(p, name);
	if (!port)
		return false;
	port->kind = kind;
	if (!(kind == CONFIG_DIRECT ? set_direct(p, port, name) : set_tunnel(p, port, name)))
		return false;
	memcpy(port->name, name->text, strlen(name->text) + 1);
	return config_settle_mtu(p, name);
}
