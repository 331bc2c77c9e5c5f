/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * network.c: the switch of a description, in the order in which the VMM makes it
 * (vmm/control/network.c): networks, ports, underlays, links, flows, routes, limits.
 */
#include <stdlib.h>
#include <string.h>
#include "tools/replay/replay.h"

static void *host_alloc(size_t size)
{
	size_t whole = (size + 63) & ~(size_t)63;
	void *p = aligned_alloc(64, whole);

	return p ? memset(p, 0, whole) : NULL;
}

static void host_free(void *p, size_t size)
{
	(void)size;
	free(p);
}

static const struct vnet_mem host_memory = {host_alloc, host_free};
static struct device device[CONFIG_PORTS];

int device_hold(void *dev, unsigned frame, struct vnet_held *h)
{
	struct device *d = dev;
	int slot = 0;
	uint8_t *to;

	(void)frame;
	while (slot < VNET_HOLDS && d->held[slot])
		slot++;
	if (slot == VNET_HOLDS)
		return -1;
	to = d->held[slot] = malloc(h->frame.len);
	for (unsigned i = 0; to && i < h->frame.nseg; to += h->seg[i++].len)
		if (h->seg[i].base != h->head)
			h->seg[i].base = memcpy(to, h->seg[i].base, h->seg[i].len);
	return d->held[slot] ? slot : -1;
}

void device_release(void *dev, unsigned slot)
{
	struct device *d = dev;

	free(d->held[slot]);
	d->held[slot] = NULL;
}

static struct vnet_port *port_of(struct vnet *v, const struct node_config *n, unsigned slot)
{
	return vnet_port_find(v, n->port[config_port_slot(n, slot)].name);
}

static bool is_nic(const struct port_config *p)
{
	return p->name[0] && p->kind == CONFIG_NIC;
}

static bool make_nics(struct vnet *v, const struct node_config *n, const struct vnet_port_ops *ops,
                      char *why, size_t size)
{
	for (unsigned i = 0; i < n->ports; i++) {
		const struct port_config *p = &n->port[i];
		struct vnet_port *port;

		if (!is_nic(p))
			continue;
		port = vnet_port_add(v, p->name, p->net, ops, &device[i], p->edge ? VNET_EDGE : 0);
		if (port && (p->edge || vnet_port_set_mac(port, p->mac)))
			continue;
		snprintf(why, size, "port %s: the switch refuses it", p->name);
		return false;
	}
	return true;
}

static bool make_underlays(struct vnet *v, const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < n->ports; i++) {
		const struct underlay_config *c = &n->port[i].underlay;
		const struct vnet_underlay_config u = {.address = c->address,
		                                       .prefix = c->prefix,
		                                       .gateway = c->gateway,
		                                       .mac = c->mac,
		                                       .mtu = c->mtu};

		if (c->prefix && !vnet_underlay_set(port_of(v, n, i), &u, why, size))
			return false;
	}
	return true;
}

static bool make_links(struct vnet *v, const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < n->ports; i++) {
		const struct port_config *p = &n->port[i];
		const struct vnet_link_config c = {.kind = config_link_kind(p),
		                                   .remote = p->link.remote,
		                                   .vni = p->link.vni,
		                                   .udp_port = p->link.udp_port,
		                                   .dscp = p->link.dscp};

		if (p->name[0] && config_is_tunnel(p) &&
		    !vnet_link_add(v, p->name, p->net, port_of(v, n, p->link.edge), &c, why, size))
			return false;
	}
	return true;
}

static bool set_routes(struct vnet *v, const struct node_config *n, char *why, size_t size)
{
	struct vnet_route *r = calloc(n->routes + 1, sizeof *r);
	bool good;

	for (unsigned i = 0; r && i < n->routes; i++) {
		r[i] = n->route[i];
		r[i].to = port_of(v, n, r[i].to)->number;
		if (r[i].from >= 0)
			r[i].from = port_of(v, n, (unsigned)r[i].from)->number;
	}
	good = r && vnet_routes_set(v, r, n->routes, why, size);
	free(r);
	return good;
}

struct named {
	struct vnet *v;
	const struct node_config *n;
};

static unsigned number_of(void *ctx, unsigned slot)
{
	const struct named *in = ctx;

	return port_of(in->v, in->n, slot)->number;
}

static bool use_chains(struct vnet *v, const struct node_config *n, char *why, size_t size)
{
	struct vnet_service *service = calloc(CONFIG_SERVICES, sizeof *service);
	struct vnet_flow *flow = calloc(CONFIG_FLOWS, sizeof *flow);
	const struct vnet_chain_rules rules = {service, n->services, flow, n->flows};
	struct vnet_chains *c = NULL;

	if (service && flow) {
		config_number_chains(n, number_of, &(struct named){v, n}, service, flow);
		c = vnet_chains_make(v, &rules, why, size);
	}
	if (c)
		vnet_chains_use(v, c);
	free(service);
	free(flow);
	return c;
}

static void set_limits(struct vnet *v, const struct node_config *n)
{
	for (unsigned i = 0; i < n->nets; i++)
		vnet_net_set_link_local(v, i, n->net[i].link_local);
	for (unsigned i = 0; i < n->ports; i++) {
		const struct port_config *p = &n->port[i];

		if (!p->name[0] || p->kind == CONFIG_DIRECT)
			continue;
		vnet_port_set_quota(port_of(v, n, i), p->addresses);
		if (config_is_tunnel(p))
			vnet_link_set_path_mtu(port_of(v, n, i), config_learns_path_mtu(n, p));
	}
}

struct vnet *network_make(const struct node_config *n, unsigned cores,
                          const struct vnet_port_ops *ops, char *why, size_t size)
{
	struct vnet *v = vnet_create(&host_memory, cores);
	bool good = v;

	snprintf(why, size, "no memory left");
	for (unsigned i = 0; good && i < n->nets; i++)
		good = !n->net[i].name[0] || vnet_net_set(v, i, n->net[i].mode);
	good = good && make_nics(v, n, ops, why, size) && make_underlays(v, n, why, size) &&
	       make_links(v, n, why, size) && use_chains(v, n, why, size) &&
	       set_routes(v, n, why, size);
	if (good) {
		set_limits(v, n);
		return v;
	}
	if (v)
		vnet_destroy(v);
	return NULL;
}
