/* SPDX-License-Identifier: BSD-2-Clause */
/* underlay.c: underlays of edge ports, and ARP requests for next hops of their links. */
#include <stdio.h>
#include <string.h>
#include "vnet/link/arp.h"
#include "vnet/link/guard.h"
#include "vnet/link/wire.h"

bool address_is_host(uint32_t address)
{
	uint32_t first = address >> 24;

	return first && first != 127 && first < 224;
}

static uint32_t host_mask(const struct vnet_underlay_config *c)
{
	return 0xffffffffu >> c->prefix;
}

bool underlay_in_prefix(const struct vnet_underlay_config *c, uint32_t address)
{
	return !((address ^ c->address) & ~host_mask(c));
}

bool underlay_not_host(const struct vnet_underlay_config *c, uint32_t address)
{
	uint32_t host = address & host_mask(c);

	return underlay_in_prefix(c, address) && (host == 0 || host == host_mask(c));
}

static bool same_config(const struct vnet_underlay_config *a, const struct vnet_underlay_config *b)
{
	return a->address == b->address && a->prefix == b->prefix && a->gateway == b->gateway &&
	       a->mac == b->mac && a->mtu == b->mtu;
}

/* What is wrong with a config; NULL: nothing. */
static const char *config_wrong(const struct vnet_underlay_config *c)
{
	if (c->prefix < 1 || c->prefix > 30)
		return "the prefix is not between 1 and 30 bits long";
	if (!address_is_host(c->address) || underlay_not_host(c, c->address))
		return "the address is not one of a host";
	if (c->gateway && (!underlay_in_prefix(c, c->gateway) || underlay_not_host(c, c->gateway)))
		return "the gateway is not a host of the prefix";
	if (c->gateway == c->address)
		return "the gateway is the address itself";
	if (!c->mac || c->mac > MAC_MASK || c->mac & MAC_MULTICAST)
		return "the MAC is not one of a single host";
	if (c->mtu < VNET_UNDERLAY_MTU_MIN || c->mtu > VNET_UNDERLAY_MTU_MAX)
		return "the MTU is not between 576 and 16128";
	return NULL;
}

void underlay_free(struct vnet *v, struct underlay *u)
{
	if (u->peers)
		v->mem.free(u->peers, u->peers->size);
	v->mem.free(u, sizeof *u);
}

void underlay_unlist(struct vnet *v, struct underlay *u)
{
	_Atomic(struct underlay *) *at = &v->underlays;

	while (atomic_load(at) && atomic_load(at) != u)
		at = &atomic_load(at)->next;
	if (atomic_load(at))
		atomic_store(at, atomic_load(&u->next));
}

/* Replaces the present underlay, which has no links, by another or none. */
static void underlay_replace(struct vnet_port *edge, struct underlay *u)
{
	struct underlay *old = atomic_exchange(&edge->underlay, u);
	struct vnet *v = edge->vnet;

	if (u) {
		atomic_store(&u->next, atomic_load(&v->underlays));
		atomic_store(&v->underlays, u);
	}
	if (old)
		underlay_unlist(v, old);
	stages_set(v);
	members_publish(v);
	if (!old)
		return;
	vnet_sync(v);
	underlay_free(v, old);
}

/* Lock held.  NULL: done; or why not. */
static const char *underlay_change(struct vnet_port *edge,
                                   const struct vnet_underlay_config *config)
{
	struct underlay *u = underlay_of(edge);
	const char *wrong = config_wrong(config);

	if (!(edge->flags & VNET_EDGE))
		return "the port is no edge";
	if (wrong)
		return wrong;
	if (u && same_config(&u->config, config))
		return NULL;
	if (u && u->links)
		return "links are over it";
	u = edge->vnet->mem.alloc(sizeof *u);
	if (!u)
		return "no memory";
	u->config = *config;
	u->edge = edge;
	underlay_replace(edge, u);
	return NULL;
}

/* As underlay_change(). */
static const char *underlay_clear(struct vnet_port *edge)
{
	struct underlay *u = underlay_of(edge);

	if (!u)
		return "there is none";
	if (u->links)
		return "links are over it";
	underlay_replace(edge, NULL);
	return NULL;
}

static bool report_error(const struct vnet_port *edge, const char *why, char *err, size_t size)
{
	if (why)
		snprintf(err, size, "underlay of %s: %s", edge->name, why);
	return !why;
}

bool vnet_underlay_set(struct vnet_port *edge, const struct vnet_underlay_config *config, char *err,
                       size_t size)
{
	const char *why;

	control_lock(edge->vnet);
	why = underlay_change(edge, config);
	control_unlock(edge->vnet);
	return report_error(edge, why, err, size);
}

bool vnet_underlay_remove(struct vnet_port *edge, char *err, size_t size)
{
	const char *why;

	control_lock(edge->vnet);
	why = underlay_clear(edge);
	control_unlock(edge->vnet);
	return report_error(edge, why, err, size);
}

bool vnet_underlay_get(struct vnet_port *edge, struct vnet_underlay_config *config)
{
	struct underlay *u;

	control_lock(edge->vnet);
	u = underlay_of(edge);
	if (u)
		*config = u->config;
	control_unlock(edge->vnet);
	return u != NULL;
}

static void send_request(struct vnet_core *core, struct underlay *u, struct neighbour *n)
{
	struct arp a = {.op = ARP_REQUEST, .sender_mac = u->config.mac};
	uint8_t frame[ARP_FRAME];

	a.sender = u->config.address;
	a.target = atomic_load_explicit(&n->address, memory_order_relaxed);
	arp_write(frame, MAC_BROADCAST, &a);
	port_send(core, u->edge, frame, sizeof frame);
}

mac_t underlay_ask(struct vnet_core *core, struct underlay *u, struct neighbour *n)
{
	uint64_t now = atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed);

	if (neighbour_age(n, now) && atomic_load_explicit(&u->edge->up, memory_order_acquire) &&
	    neighbour_ask(n, now))
		send_request(core, u, n);
	return neighbour_mac(n);
}

void underlay_ready(struct vnet_core *core, struct vnet_port *edge)
{
	struct underlay *u = underlay_of(edge);

	if (!u) /* it is being removed */
		return;
	for (unsigned i = 0; i < VNET_NEIGHBOURS; i++)
		if (atomic_load_explicit(&u->neighbour[i].address, memory_order_relaxed))
			underlay_ask(core, u, &u->neighbour[i]);
}
