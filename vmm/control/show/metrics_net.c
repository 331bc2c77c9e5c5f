/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_net.c: the metrics of networks, ports and links; see metrics.h. */
#include "lib/address_text.h"
#include "vmm/control/control.h"
#include "vmm/control/network.h"
#include "vnet/chain/chain.h"
#include "vmm/control/show/metrics.h"
#include "vmm/control/show/parts.h"

/* ---- ports and links of the switch ---- */

/* The next one from this slot on, which becomes its slot; NULL: there are no more. */
static struct vnet_port *next_port(unsigned *slot)
{
	struct vnet_port *p = NULL;

	while (*slot < control_config()->ports && !(p = control_port(*slot)))
		++*slot;
	return p;
}

static const char *net_name(const struct port_config *port)
{
	return control_config()->net[port->net].name;
}

static void port_info(struct metrics *m, unsigned which)
{
	const struct node_config *n = control_config();
	struct vnet_port *p;

	(void)which;
	for (unsigned slot = 0; (p = next_port(&slot)); slot++) {
		const struct port_config *c = &n->port[slot];
		bool nic = c->kind == CONFIG_NIC;

		metrics_number(m,
		               LABELS(p->name, nic ? "port" : "link", net_name(c),
		                      nic ? n->guest[c->guest].name : "",
		                      nic && c->edge ? "yes" : "no",
		                      config_word_of(config_move_words, vnet_port_mode(p))),
		               1);
	}
}

/* 0: the port is no link. */
static unsigned mtu_of_link(const struct vnet_port *p)
{
	struct vnet_link_info info;

	return vnet_link_get(p, &info) ? info.mtu : 0;
}

enum port_number { PORT_UP, PORT_MTU, PORT_LOST, PORT_LEARNED, PORT_QUOTA, PORT_COPIED };

static uint64_t port_number(struct vnet_port *p, unsigned slot, enum port_number which)
{
	const struct port_config *c = &control_config()->port[slot];
	struct vnet_port_stats s;

	switch (which) {
	case PORT_UP:
		return atomic_load(&p->up);
	case PORT_MTU:
		return c->kind == CONFIG_NIC ? c->mtu : mtu_of_link(p);
	case PORT_LOST:
		vnet_port_stats(p, &s);
		return lost_frames(&s);
	case PORT_LEARNED:
		return vnet_port_learned(p);
	case PORT_QUOTA:
		return c->addresses;
	case PORT_COPIED:
		vnet_port_stats(p, &s);
		return s.copied + control_copied(slot);
	}
	return 0;
}

static void port_numbers(struct metrics *m, unsigned which)
{
	struct vnet_port *p;

	for (unsigned slot = 0; (p = next_port(&slot)); slot++)
		metrics_number(m, LABELS(p->name), port_number(p, slot, (enum port_number)which));
}

static void port_stats(struct metrics *m, unsigned offset)
{
	struct vnet_port *p;

	for (unsigned slot = 0; (p = next_port(&slot)); slot++) {
		struct vnet_port_stats s;

		vnet_port_stats(p, &s);
		metrics_number(m, LABELS(p->name), number_at(&s, offset));
	}
}

static void port_drops(struct metrics *m, unsigned which)
{
	struct vnet_port *p;

	(void)which;
	for (unsigned slot = 0; (p = next_port(&slot)); slot++) {
		struct vnet_port_stats s;

		vnet_port_stats(p, &s);
		for (unsigned d = 0; d < VNET_DROP_CAUSES; d++)
			if (s.drop[d])
				metrics_number(m, LABELS(p->name, vnet_drop_name[d]), s.drop[d]);
	}
}

static void port_deliveries(struct metrics *m, unsigned which)
{
	struct vnet_port *p;

	(void)which;
	for (unsigned slot = 0; (p = next_port(&slot)); slot++) {
		struct hist all = {0};

		if (vnet_port_measured(p, -1, &all))
			metrics_measured(m, LABELS(p->name), &all);
	}
}

/* ---- links, direct ones too ---- */

typedef void link_samples(struct metrics *m, const struct port_config *link,
                          const struct vnet_port *p);

static void for_links(struct metrics *m, link_samples *samples)
{
	const struct node_config *n = control_config();

	for (unsigned i = 0; i < n->ports; i++) {
		const struct vnet_port *p = control_port(config_port_slot(n, i));

		if (p && n->port[i].name[0] && n->port[i].kind != CONFIG_NIC)
			samples(m, &n->port[i], p);
	}
}

static void one_link_info(struct metrics *m, const struct port_config *link,
                          const struct vnet_port *p)
{
	struct vnet_link_info info;
	char remote[IP_TEXT] = "", vni[NUMBER] = "", udp_port[NUMBER] = "";

	if (vnet_link_get(p, &info)) {
		ip_to_text(info.config.remote, remote);
		number_text(udp_port, info.config.udp_port);
		if (info.config.kind == VNET_LINK_VXLAN)
			number_text(vni, info.config.vni);
	}
	metrics_number(m,
	               LABELS(link->name, config_word_of(config_link_words, link->kind),
	                      net_name(link), control_config()->port[link->link.edge].name, remote,
	                      vni, udp_port),
	               1);
}

static void one_link_state(struct metrics *m, const struct port_config *link,
                           const struct vnet_port *p)
{
	metrics_states(m, LABELS(link->name), link_state_name, LINK_STATES, link_state(p));
}

static void one_link_mtu(struct metrics *m, const struct port_config *link,
                         const struct vnet_port *p)
{
	unsigned mtu = mtu_of_link(p);

	metrics_number(m, LABELS(link->name),
	               mtu ? mtu : control_config()->port[link->link.edge].mtu);
}

static void link_info(struct metrics *m, unsigned which)
{
	(void)which;
	for_links(m, one_link_info);
}

static void link_states(struct metrics *m, unsigned which)
{
	(void)which;
	for_links(m, one_link_state);
}

static void link_mtu(struct metrics *m, unsigned which)
{
	(void)which;
	for_links(m, one_link_mtu);
}

/* ---- networks ---- */

static uint64_t learned_in(unsigned net)
{
	uint64_t n = 0;
	struct vnet_port *p;

	for (unsigned slot = 0; (p = next_port(&slot)); slot++)
		if (control_config()->port[slot].net == net)
			n += vnet_port_learned(p);
	return n;
}

enum net_number { NET_MODE, NET_MTU, NET_LEARNED };

static void networks(struct metrics *m, unsigned which)
{
	const struct node_config *n = control_config();

	for (unsigned i = 0; i < n->nets; i++) {
		const struct net_config *net = &n->net[i];

		if (!net->name[0])
			continue;
		if (which == NET_MODE)
			metrics_number(
			    m, LABELS(net->name, config_word_of(config_mode_words, net->mode)), 1);
		else
			metrics_number(m, LABELS(net->name),
			               which == NET_MTU ? net->mtu : learned_in(i));
	}
}

/* ---- services and flows ---- */

static void service_frames(struct metrics *m, unsigned which)
{
	uint64_t hits[VNET_REPLICAS];
	struct vnet_service s;

	(void)which;
	for (unsigned i = 0; vnet_service_get(node_vnet, i, &s, hits); i++) {
		for (unsigned k = 0; s.name[0] && k < s.replicas; k++) {
			struct vnet_port *p = vnet_port_get(node_vnet, s.port[k]);

			if (p)
				metrics_number(
				    m, LABELS(s.name, control_config()->net[s.net].name, p->name),
				    hits[k]);
		}
	}
}

static void flow_counts(struct metrics *m, unsigned offset)
{
	struct vnet_flow_count count;
	struct vnet_flow f;

	for (unsigned i = 0; vnet_flow_get(node_vnet, i, &f, &count); i++)
		metrics_number(m, LABELS(f.name, control_config()->net[f.net].name),
		               number_at(&count, offset));
}

/* ---- the families ---- */

static const struct family net_families[] = {
    FAMILY(INFO, "patio_network", NULL, "network,mode", "A network, and its mode.", networks,
           NET_MODE),
    FAMILY(GAUGE, "patio_network_mtu", "bytes", "network", "The network's MTU.", networks, NET_MTU),
    FAMILY(GAUGE, "patio_network_learned_addresses", NULL, "network",
           "Addresses that the network has learned.", networks, NET_LEARNED),
    FAMILY(INFO, "patio_port", NULL, "port,kind,network,guest,edge,move",
           "A port of the switch: a guest's NIC, or a link to another node.", port_info, 0),
    FAMILY(GAUGE, "patio_port_up", NULL, "port",
           "Whether a driver is ready at the port, 1 or 0; always 1 for a link.", port_numbers,
           PORT_UP),
    FAMILY(GAUGE, "patio_port_mtu", "bytes", "port", "The port's MTU.", port_numbers, PORT_MTU),
    FAMILY(COUNTER, "patio_port_in_frames", NULL, "port", "Frames from the port into the switch.",
           port_stats, offsetof(struct vnet_port_stats, in_frames)),
    FAMILY(COUNTER, "patio_port_in", "bytes", "port",
           "Bytes of the frames from the port into the switch.", port_stats,
           offsetof(struct vnet_port_stats, in_bytes)),
    FAMILY(COUNTER, "patio_port_out_frames", NULL, "port", "Frames from the switch to the port.",
           port_stats, offsetof(struct vnet_port_stats, out_frames)),
    FAMILY(COUNTER, "patio_port_out", "bytes", "port",
           "Bytes of the frames from the switch to the port.", port_stats,
           offsetof(struct vnet_port_stats, out_bytes)),
    FAMILY(COUNTER, "patio_port_copied", "bytes", "port",
           "Bytes of frames that were copied for the port: into its guest's memory, or to look at.",
           port_numbers, PORT_COPIED),
    FAMILY(COUNTER, "patio_port_flooded_frames", NULL, "port",
           "Frames from the port that went to all ports, for a group or an unknown address.",
           port_stats, offsetof(struct vnet_port_stats, flooded)),
    FAMILY(COUNTER, "patio_port_lost_frames", NULL, "port",
           "Frames that the port lost, for all causes.", port_numbers, PORT_LOST),
    FAMILY(COUNTER, "patio_port_drops", NULL, "port,cause",
           "Frames that the port lost, and what else was noted of frames, by cause.", port_drops,
           0),
    FAMILY(GAUGE, "patio_port_learned_addresses", NULL, "port",
           "Addresses that the port's network has learned of it.", port_numbers, PORT_LEARNED),
    FAMILY(GAUGE, "patio_port_address_limit", NULL, "port",
           "How many addresses may be learned of the port.", port_numbers, PORT_QUOTA),
    FAMILY(HISTOGRAM, "patio_port_delivery", "seconds", "port",
           "How long the frames that were delivered to the port took through the switch.",
           port_deliveries, 0),
    FAMILY(INFO, "patio_link", NULL, "link,kind,network,edge,remote,vni,udp_port",
           "A link to another node, or a direct one, which is a name of its edge port.", link_info,
           0),
    FAMILY(STATESET, "patio_link_state", NULL, "link",
           "The link's state; unresolved: its next hop has not answered, down: the guest at its "
           "edge is not there.",
           link_states, 0),
    FAMILY(
        GAUGE, "patio_link_mtu", "bytes", "link",
        "The largest IP packet that the link carries now, by what routers on its path have said.",
        link_mtu, 0),
    FAMILY(COUNTER, "patio_service_frames", NULL, "service,network,port",
           "Frames that flows sent to the service, by the port that got them.", service_frames, 0),
    FAMILY(COUNTER, "patio_flow_frames", NULL, "flow,network",
           "Frames that came into the flow, each once however many services it passes.",
           flow_counts, offsetof(struct vnet_flow_count, frames)),
    FAMILY(COUNTER, "patio_flow", "bytes", "flow,network", "Bytes of the frames of the flow.",
           flow_counts, offsetof(struct vnet_flow_count, bytes)),
};

const struct family_table metrics_net = TABLE_OF(net_families);
