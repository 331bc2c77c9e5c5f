/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings about groups. */
#include "vmm/config/lint.h"

#define SEGMENTS_MAX 140u   /* of a large frame, at most */
#define LARGE_FRAME  65535u /* bytes */
#define IN_THE_NIC   255u   /* buffers that wait in a Dom0's NIC, at most */

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
		report_finding(l,
		               later_line(later_line(g->line, port->line),
		                          later_line(edge->line, edge->underlay.line)),
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

/* Whether the network has a port or link that is not in the group. */
static bool has_outsider(const struct node_config *n, const struct port_config *member)
{
	for (uint32_t i = 0; i < n->ports; i++)
		if (n->port[i].name[0] && n->port[i].net == member->net &&
		    n->port[i].group != member->group)
			return true;
	return false;
}

/* A large frame from outside is cut into buffers of the member, all or none.  A quarter of its
 * share is offered to it for what it sends, and up to half of a Dom0's is in its NIC. */
static void lint_large_frames(struct lint *l, const struct group_config *g,
                              const struct port_config *port)
{
	unsigned share = (unsigned)(g->frames / CONFIG_FRAMES_BUF / members_of(g));
	unsigned spare = share - share / 4, wanted = LARGE_FRAME / (port->mtu - 40) + 1;

	if (port->edge)
		spare -= share / 2 < IN_THE_NIC ? share / 2 : IN_THE_NIC;
	if (wanted > SEGMENTS_MAX)
		wanted = SEGMENTS_MAX;
	if (spare < wanted && has_outsider(l->n, port))
		report_finding(l, later_line(g->line, port->line),
		               "group \"%s\" has %u buffers for each member: port \"%s\" has "
		               "%u for a large frame (TSO) from outside, which may need %u",
		               g->name, share, port->name, spare, wanted);
}

static void lint_group_port(struct lint *l, const struct group_config *g,
                            const struct port_config *port)
{
	const struct net_config *net = &l->n->net[port->net];

	if (net->mtu_given && net->mtu > port->mtu && !port->mtu_given)
		report_finding(l, later_line(port->line, net->line),
		               "network \"%s\" has MTU %u, but port \"%s\", in a group, has "
		               "%u: larger packets do not pass there",
		               net->name, (unsigned)net->mtu, port->name, (unsigned)port->mtu);
	lint_large_frames(l, g, port);
	if (port->edge)
		lint_seen_wire(l, g, port);
}

static void lint_group_ports(struct lint *l, unsigned group)
{
	for (uint32_t i = 0; i < l->n->ports; i++)
		if (l->n->port[i].name[0] && l->n->port[i].group == group + 1)
			lint_group_port(l, &l->n->group[group], &l->n->port[i]);
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
