/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How large a frame may be, from the wire inwards: an underlay's MTU bounds what its links carry,
 * that bounds what the guests of their networks are told.  What was said must fit; the rest
 * follows.
 */
#include "vmm/config/parse.h"

#define MTU_DEFAULT 1500

/* The largest MTU that fits all links of a network, and the link that bounds it. */
struct room {
	uint32_t mtu;
	const struct port_config *link; /* NULL: the network has none */
};

/* What an edge that carries no underlay is told: as its network, if that was said. */
static uint32_t edge_default(const struct node_config *n, const struct port_config *edge)
{
	const struct net_config *net = &n->net[edge->net];
	return net->mtu_said ? net->mtu : MTU_DEFAULT;
}

static bool settle_edges(struct parser *p, const struct word *w)
{
	for (uint32_t i = 0; i < p->node->ports; i++) {
		struct port_config *port = &p->node->port[i];
		uint32_t wire = port->underlay.mtu;
		if (!port->edge)
			continue;
		if (port->mtu_said && wire > port->mtu)
			return config_fail(p, w,
			                   "mtu %u of the underlay is more than %u of port \"%s\"",
			                   (unsigned)wire, (unsigned)port->mtu, port->name);
		if (!port->mtu_said)
			port->mtu = wire ? wire : edge_default(p->node, port);
	}
	return true;
}

static void settle_links(struct node_config *n, struct room room[CONFIG_NETS])
{
	for (uint32_t i = 0; i < n->ports; i++) {
		struct port_config *port = &n->port[i];
		struct room *r = &room[port->net];
		if (!config_is_tunnel(port))
			continue;
		port->mtu = vnet_link_mtu_over(config_link_kind(port),
		                               n->port[port->link.edge].underlay.mtu);
		if (!r->link || port->mtu < r->mtu)
			*r = (struct room){port->mtu, port};
	}
}

/* A network's frames may leave by its edge as they are, too. */
static uint32_t with_edge(const struct node_config *n, unsigned net, uint32_t mtu)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *port = &n->port[i];
		if (port->edge && port->net == net && port->mtu < mtu)
			mtu = port->mtu;
	}
	return mtu;
}

static bool settle_nets(struct parser *p, const struct word *w, const struct room room[CONFIG_NETS])
{
	struct node_config *n = p->node;
	for (uint32_t i = 0; i < n->nets; i++) {
		struct net_config *net = &n->net[i];
		const struct port_config *link = room[i].link;
		if (net->mtu_said && link && net->mtu > room[i].mtu)
			return config_fail(p, w,
			                   "mtu %u of network \"%s\" does not fit link \"%s\"; "
			                   "%u at most",
			                   (unsigned)net->mtu, net->name, link->name,
			                   (unsigned)room[i].mtu);
		if (net->name[0] && !net->mtu_said)
			net->mtu = link ? with_edge(n, i, room[i].mtu) : MTU_DEFAULT;
	}
	return true;
}

static bool settle_nics(struct parser *p, const struct word *w)
{
	struct node_config *n = p->node;
	for (uint32_t i = 0; i < n->ports; i++) {
		struct port_config *port = &n->port[i];
		const struct net_config *net = &n->net[port->net];
		if (!port->name[0] || port->kind != CONFIG_NIC || port->edge)
			continue;
		if (port->mtu_said && port->mtu > net->mtu)
			return config_fail(
			    p, w, "mtu %u of port \"%s\" is more than %u of network \"%s\"",
			    (unsigned)port->mtu, port->name, (unsigned)net->mtu, net->name);
		if (!port->mtu_said)
			port->mtu = net->mtu;
	}
	return true;
}

bool config_settle_mtu(struct parser *p, const struct word *w)
{
	struct room room[CONFIG_NETS] = {0};
	if (!settle_edges(p, w))
		return false;
	settle_links(p->node, room);
	return settle_nets(p, w, room) && settle_nics(p, w);
}
