/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Derives the MTUs: an underlay's MTU bounds its links', and those bound what guests of the links'
 * networks are given.  An MTU that was configured must fit; the others are derived.
 */
#include "vmm/config/parse.h"

#define MTU_DEFAULT 1500

/* The largest MTU that fits all links of a network, and the link that limits it. */
struct mtu_limit {
	uint32_t mtu;
	const struct port_config *link; /* NULL: the network has none */
};

/* Of an MTU that was not said for the port itself: what its group's buffers have room for. */
static uint32_t most_carried(const struct port_config *port, uint32_t mtu)
{
	return port->group && mtu > CONFIG_FRAMES_MTU ? CONFIG_FRAMES_MTU : mtu;
}

/* The MTU of an edge without an underlay: the network's, if configured and if it can have it. */
static uint32_t edge_default(const struct node_config *n, const struct port_config *edge)
{
	const struct net_config *net = &n->net[edge->net];
	uint32_t mtu = net->mtu_given ? net->mtu : MTU_DEFAULT;

	return most_carried(edge, mtu);
}

/* Whether a port in a group can carry what it is to carry. */
static bool fits_group(struct parser *p, const struct word *w, const struct port_config *edge)
{
	uint32_t wire = edge->underlay.mtu, mtu = edge->mtu_given ? edge->mtu : wire;

	if (!edge->group || mtu <= CONFIG_FRAMES_MTU)
		return true;
	return config_fail(p, w,
	                   "mtu %u of port \"%s\" does not fit the buffers of its group; "
	                   "%u at most",
	                   (unsigned)mtu, edge->name, CONFIG_FRAMES_MTU);
}

static bool settle_edges(struct parser *p, const struct word *w)
{
	for (uint32_t i = 0; i < p->node->ports; i++) {
		struct port_config *port = &p->node->port[i];
		uint32_t wire = port->underlay.mtu;

		if (!port->edge)
			continue;
		if (port->mtu_given && wire > port->mtu)
			return config_fail(p, w,
			                   "mtu %u of the underlay is more than %u of port \"%s\"",
			                   (unsigned)wire, (unsigned)port->mtu, port->name);
		if (!fits_group(p, w, port))
			return false;
		if (!port->mtu_given)
			port->mtu = wire ? wire : edge_default(p->node, port);
	}
	return true;
}

static void settle_links(struct node_config *n, struct mtu_limit limit[CONFIG_NETS])
{
	for (uint32_t i = 0; i < n->ports; i++) {
		struct port_config *port = &n->port[i];
		struct mtu_limit *r = &limit[port->net];

		if (!config_is_tunnel(port))
			continue;
		port->mtu = vnet_link_mtu_over(config_link_kind(port),
		                               n->port[port->link.edge].underlay.mtu);
		if (!r->link || port->mtu < r->mtu)
			*r = (struct mtu_limit){port->mtu, port};
	}
}

/* Frames may also leave the network by its edge, without encapsulation. */
static uint32_t limit_by_edge(const struct node_config *n, unsigned net, uint32_t mtu)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *port = &n->port[i];

		if (port->edge && port->net == net && port->mtu < mtu)
			mtu = port->mtu;
	}
	return mtu;
}

static bool settle_nets(struct parser *p, const struct word *w,
                        const struct mtu_limit limit[CONFIG_NETS])
{
	struct node_config *n = p->node;

	for (uint32_t i = 0; i < n->nets; i++) {
		struct net_config *net = &n->net[i];
		const struct port_config *link = limit[i].link;

		if (net->mtu_given && link && net->mtu > limit[i].mtu)
			return config_fail(p, w,
			                   "mtu %u of network \"%s\" does not fit link \"%s\"; "
			                   "%u at most",
			                   (unsigned)net->mtu, net->name, link->name,
			                   (unsigned)limit[i].mtu);
		if (net->name[0] && !net->mtu_given)
			net->mtu = link ? limit_by_edge(n, i, limit[i].mtu) : MTU_DEFAULT;
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
		if (port->mtu_given && port->mtu > net->mtu)
			return config_fail(
			    p, w, "mtu %u of port \"%s\" is more than %u of network \"%s\"",
			    (unsigned)port->mtu, port->name, (unsigned)net->mtu, net->name);
		if (!fits_group(p, w, port))
			return false;
		if (!port->mtu_given)
			port->mtu = most_carried(port, net->mtu);
	}
	return true;
}

bool config_settle_mtu(struct parser *p, const struct word *w)
{
	struct mtu_limit limit[CONFIG_NETS] = {0};

	if (!settle_edges(p, w))
		return false;
	settle_links(p->node, limit);
	return settle_nets(p, w, limit) && settle_nics(p, w);
}
