/* SPDX-License-Identifier: BSD-2-Clause */
/* link.c: making, removing and describing links. */
#include "vnet/link/link.h"
#include <stdio.h>
#include "vnet/link/pathmtu.h"
#include "vnet/link/wire.h"

unsigned vnet_link_mtu_over(enum vnet_link_kind kind, unsigned underlay_mtu)
{
	/* The underlay's MTU counts the inner Ethernet header, but not the outer one. */
	return underlay_mtu + 14 - encap_bytes(kind) - 14;
}

static const struct vnet_port_ops link_ops = {
    .egress = outbound_egress,
    .blocked = outbound_blocked,
};

static const struct link *link_at(struct vnet *v, unsigned number, const struct underlay *u)
{
	const struct vnet_port *port = port_at(v, number);

	if (!port || !(port->flags & VNET_LINK) || link_of(port)->underlay != u)
		return NULL;
	return link_of(port);
}

/* How a configuration conflicts with existing links; NULL: not. */
static const char *conflict(struct vnet *v, const struct underlay *u,
                            const struct vnet_link_config *c)
{
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		const struct link *l = link_at(v, i, u);

		if (!l)
			continue;
		if (l->config.udp_port == c->udp_port && l->config.kind != c->kind)
			return "the UDP port belongs to links of the other kind";
		if (l->config.kind == c->kind && l->config.remote == c->remote &&
		    l->config.vni == c->vni)
			return "there is such a link already";
	}
	return NULL;
}

/* What is wrong with a configuration by itself; NULL: nothing. */
static const char *config_wrong(const struct underlay *u, const struct vnet_link_config *c)
{
	if (c->kind != VNET_LINK_VXLAN && c->kind != VNET_LINK_UDP)
		return "there is no such kind";
	if (c->kind == VNET_LINK_VXLAN && c->vni > VNET_VNI_MAX)
		return "the VNI is too large";
	if (c->kind == VNET_LINK_UDP && c->vni)
		return "plain UDP has no VNI";
	if (c->dscp > VNET_DSCP_COPY)
		return "the DSCP is too large";
	if (!address_is_host(c->remote) || underlay_not_host(&u->config, c->remote))
		return "the remote address is not one of a host";
	if (c->remote == u->config.address)
		return "the remote address is the underlay's own";
	if (!underlay_in_prefix(&u->config, c->remote) && !u->config.gateway)
		return "the remote address is beyond the prefix and there is no gateway";
	return NULL;
}

struct peers *link_peers(struct vnet *v, const struct underlay *u, const struct link *more,
                         const struct link *less)
{
	size_t size = VNET_PORTS * (sizeof(struct peer) + 1);
	struct peer *list = v->mem.alloc(size);
	struct peers *peers;
	unsigned n = 0;
	uint8_t *kind;

	if (!list)
		return NULL;
	kind = (uint8_t *)(list + VNET_PORTS);
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		const struct link *l = more && i == more->port->number ? more : link_at(v, i, u);

		if (!l || l == less)
			continue;
		kind[n] = (uint8_t)l->config.kind;
		list[n++] =
		    (struct peer){l->config.remote, l->config.vni, l->config.udp_port, (uint16_t)i};
	}
	peers = peers_make(&v->mem, list, kind, n);
	v->mem.free(list, size);
	return peers;
}

void link_peers_publish(struct vnet *v, struct underlay *u, struct peers *peers)
{
	struct peers *old = atomic_exchange(&u->peers, peers);

	vnet_sync(v);
	if (old)
		v->mem.free(old, old->size);
}

/* A link and its outer headers; not yet in use.  NULL: no memory, or no room for the next hop. */
static struct link *link_make(struct vnet *v, struct underlay *u, const struct vnet_link_config *c)
{
	const struct vnet_underlay_config *under = &u->config;
	struct link *l = v->mem.alloc(sizeof *l);

	if (!l)
		return NULL;
	l->config = *c;
	l->underlay = u;
	l->bytes = encap_bytes(c->kind);
	l->key = mix_key_make(v->secret, 1ull << 62 | (uint64_t)c->remote << 24 | c->vni);
	l->full = link_limit_over(c->kind, under->mtu);
	atomic_store(&l->limit, l->full);
	l->hop = neighbour_hold(u->neighbour, VNET_NEIGHBOURS,
	                        underlay_in_prefix(under, c->remote) ? c->remote : under->gateway);
	if (!l->hop) {
		v->mem.free(l, sizeof *l);
		return NULL;
	}
	u->links++;
	encap_template(l->head, &(struct encap_path){c->kind, under->mac, under->address, c->remote,
	                                             c->vni, c->udp_port});
	return l;
}

void link_free(struct vnet *v, struct link *l)
{
	neighbour_drop(l->hop);
	vnet_sync(v);
	waiting_forget(l);
	vnet_sync(v); /* a device may have looked for its frame here */
	l->underlay->links--;
	v->mem.free(l, sizeof *l);
}

/* Makes the link's port and adds its peer, in use on return; NULL, and *why says why. */
static struct vnet_port *link_publish(struct vnet *v, const char *name, unsigned net,
                                      struct link *l, const char **why)
{
	struct vnet_port *port = port_make(v, name, net, why);
	struct peers *peers;

	if (!port)
		return NULL;
	port->ops = &link_ops;
	port->dev = l;
	port->flags = VNET_LINK;
	port->quota = VNET_QUOTA_OUTSIDE;
	atomic_store(&port->up, true);
	l->port = port;
	peers = link_peers(v, l->underlay, l, NULL);
	if (!peers) {
		*why = "no memory";
		measure_port_end(port);
		v->mem.free(port, port->size);
		return NULL;
	}
	port_publish(port);
	link_peers_publish(v, l->underlay, peers);
	return port;
}

/* Lock held. */
static struct vnet_port *link_add_locked(struct vnet *v, const char *name, unsigned net,
                                         struct vnet_port *edge, const struct vnet_link_config *c,
                                         const char **why)
{
	struct underlay *u = underlay_of(edge);
	struct vnet_port *port;
	struct link *l;

	*why = u ? config_wrong(u, c) : "the edge port has no underlay";
	if (!*why)
		*why = conflict(v, u, c);
	if (*why)
		return NULL;
	l = link_make(v, u, c);
	if (!l) {
		*why = "no room for its next hop, or no memory";
		return NULL;
	}
	port = link_publish(v, name, net, l, why);
	if (!port)
		link_free(v, l);
	return port;
}

struct vnet_port *vnet_link_add(struct vnet *v, const char *name, unsigned net,
                                struct vnet_port *edge, const struct vnet_link_config *config,
                                char *err, size_t size)
{
	struct vnet_link_config c = *config;
	struct vnet_port *port;
	const char *why;

	if (!c.udp_port)
		c.udp_port = c.kind == VNET_LINK_VXLAN ? VNET_VXLAN_PORT : VNET_UDP_PORT;
	control_lock(v);
	port = link_add_locked(v, name, net, edge, &c, &why);
	control_unlock(v);
	if (!port)
		snprintf(err, size, "link %s: %s", name, why);
	return port;
}

bool vnet_link_remove(struct vnet_port *port)
{
	return port->flags & VNET_LINK && vnet_port_remove(port);
}

bool vnet_link_get(const struct vnet_port *port, struct vnet_link_info *info)
{
	struct link *l;

	if (!(port->flags & VNET_LINK))
		return false;
	l = link_of(port);
	info->config = l->config;
	info->edge = l->underlay->edge;
	info->next_hop = atomic_load(&l->hop->address);
	info->next_mac = neighbour_mac(l->hop);
	info->mtu = pathmtu_limit(l, atomic_load(&port->vnet->seconds)) - VNET_FRAME_MIN;
	return true;
}

void vnet_link_set_path_mtu(struct vnet_port *port, bool learn)
{
	struct link *l = link_of(port);

	if (!(port->flags & VNET_LINK))
		return;
	atomic_store(&l->ignores, !learn);
	if (!learn)
		atomic_store(&l->limit, l->full);
}
