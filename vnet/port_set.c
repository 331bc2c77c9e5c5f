/* SPDX-License-Identifier: BSD-2-Clause */
/* port_set.c: the snapshot of all ports that walks read. */
#include <string.h>
#include "vnet/state.h"

/* Lists the ports by network: how many each has, where each begins, then one after the other. */
static void members_list(struct vnet *v, struct vnet_members *m)
{
	uint16_t at[VNET_NETS] = {0};
	struct vnet_port *port;

	m->npoll = m->nspin = 0;
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		port = port_at(v, i);
		if (port)
			at[port->net]++;
	}
	for (unsigned net = 0; net < VNET_NETS; net++) {
		m->start[net + 1] = (uint16_t)(m->start[net] + at[net]);
		at[net] = m->start[net];
	}
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		port = port_at(v, i);
		if (!port)
			continue;
		m->port[at[port->net]++] = port;
		if (!port->ops->poll || vnet_port_mode(port) == VNET_KICK)
			continue;
		m->poll[m->npoll++] = port;
		m->nspin += vnet_port_mode(port) == VNET_POLL || !port->ops->arm;
	}
}

static void macs_list(struct vnet *v, struct vnet_members *m)
{
	memset(m->mac, 0, sizeof m->mac);
	memset(m->mac_port, 0, sizeof m->mac_port);
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		struct vnet_port *port = port_at(v, i);
		mac_t mac = port ? atomic_load(&port->mac) : 0;
		unsigned slot;

		/* Ports to the outside are never found by a declared address. */
		if (!mac || port->flags & VNET_OUTSIDE)
			continue;
		slot = mac_slot(m, mac | (uint64_t)port->net << 48);
		m->mac[slot] = mac | (uint64_t)port->net << 48;
		m->mac_port[slot] = port;
	}
}

void members_publish(struct vnet *v)
{
	struct vnet_members *old = atomic_load(&v->members);
	struct vnet_members *m = &v->member_space[old == &v->member_space[0]];

	members_list(v, m);
	macs_list(v, m);
	atomic_store(&v->members, m);
	vnet_sync(v);
}
