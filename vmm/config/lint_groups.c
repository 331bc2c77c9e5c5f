/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings about groups. */
#include "vmm/config/lint.h"

/* Large frames from outside are cut into up to 140 buffers of a member, all or none, and some more
 * it holds itself. */
#define SHARE_FOR_LARGE 180

/* The first edge in the group, NULL: it has none; *any: it has ports at all. */
static const struct port_config *edge_of_group(const struct node_config *n, unsigned group,
                                               bool *any)
{
	const struct port_config *edge = NULL;

	*any = false;
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *port = &n->port[i];

		if (!port->name[0] || port->group != group + 1)
			continue;
		*any = true;
		if (port->edge && !edge)
			edge = port;
	}
	return edge;
}

static bool has_port_in(const struct node_config *n, unsigned guest, unsigned net)
{
	for (uint32_t i = 0; i < n->ports; i++)
		if (n->port[i].name[0] && n->port[i].kind == CONFIG_NIC &&
		    n->port[i].guest == guest && n->port[i].net == net)
			return true;
	return false;
}

/* A member of the group that has no port in a network, -1: all have one. */
static int member_outside(const struct node_config *n, const struct group_config *g, unsigned net,
                          unsigned dom0)
{
	for (unsigned i = 0; i < n->guests; i++)
		if (i != dom0 && config_is_member(g, i) && !has_port_in(n, i, net))
			return (int)i;
	return -1;
}

/* Whether frames of the port's network are on the edge's wire: plain ones, if its links have no
 * network to themselves, and those of its links. */
static bool on_wire(const struct node_config *n, const struct port_config *port,
                    const struct port_config *edge)
{
	if (port == edge)
		return !edge->underlay.prefix;
	return port->name[0] && port->kind != CONFIG_NIC && &n->port[port->link.edge] == edge;
}

/* All that is on an edge's wire lies in the memory of all members of its group. */
static void lint_seen_wire(struct lint *l, const struct group_config *g,
                           const struct port_config *edge)
{
	const struct node_config *n = l->n;

	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *port = &n->port[i];
		int guest = -1;

		if (on_wire(n, port, edge))
			guest = member_outside(n, g, port->net, edge->guest);
		if (guest < 0)
			continue;
		report_finding(l, g->line,
		               "guest \"%s\" of group \"%s\" sees, and can change, the frames "
		               "of network \"%s\" that edge \"%s\" moves, and has no port there",
		               n->guest[guest].name, g->name, n->net[port->net].name, edge->name);
		return;
	}
}

static unsigned members_of(const struct group_config *g)
{
	unsigned n = 0;

	for (uint64_t left = g->members; left; left &= left - 1)
		n++;
	return n;
}

static void lint_group_ports(struct lint *l, unsigned i)
{
	const struct group_config *g = &l->n->group[i];
	uint64_t share = g->frames / CONFIG_FRAMES_BUF / members_of(g);
	bool any;
	const struct port_config *edge = edge_of_group(l->n, i, &any);

	if (any && share < SHARE_FOR_LARGE)
		report_finding(l, g->line,
		               "group \"%s\" has %u buffers for each member: too few for large "
		               "frames (TSO) from outside of it, which need up to %u",
		               g->name, (unsigned)share, SHARE_FOR_LARGE);
	if (!edge)
		return;
	if (l->n->net[edge->net].mtu_given && l->n->net[edge->net].mtu > edge->mtu)
		report_finding(l, edge->line,
		               "network \"%s\" has MTU %u, but its edge \"%s\", in a group, "
		               "has %u: larger packets do not leave the node there",
		               l->n->net[edge->net].name, (unsigned)l->n->net[edge->net].mtu,
		               edge->name, (unsigned)edge->mtu);
	lint_seen_wire(l, g, edge);
}

void lint_groups(struct lint *l)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++) {
		const struct group_config *g = &l->n->group[i];

		if (g->name[0] && !(g->members & (g->members - 1)))
			report_finding(l, g->line,
			               "group \"%s\" has one member: nobody shares its memory",
			               g->name);
		else if (g->name[0])
			lint_group_ports(l, i);
	}
}
