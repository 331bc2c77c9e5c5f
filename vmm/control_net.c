/* The switch as the description says: networks, guests' NICs, routes, and who moves frames. */
#include <stdio.h>
#include "arch/x86_64/platform.h"
#include "vmm/control.h"
#include "vmm/control_parts.h"
#include "vmm/mem.h"
#include "vmm/vm.h"

struct nic {
	struct virtio_net net;
	struct vnet_port *port;
};

static struct nic *nics[CONFIG_PORTS];

static struct vnet_core *this_vnet_core(void)
{
	return this_core()->net;
}

struct vnet_port *control_port(unsigned slot)
{
	return slot < CONFIG_PORTS && nics[slot] ? nics[slot]->port : NULL;
}

struct virtio_net *control_nic(unsigned slot)
{
	return slot < CONFIG_PORTS && nics[slot] ? &nics[slot]->net : NULL;
}

bool control_port_built(unsigned slot)
{
	return nics[slot];
}

/* --- building ------------------------------------------------------------------------------- */

static bool nic_create(const struct node_config *n, unsigned slot, char *why, size_t size)
{
	const struct port_config *p = &n->port[slot];
	struct nic *nic = mem_zalloc(sizeof *nic);
	if (!nic) {
		snprintf(why, size, "port %s: no memory left", p->name);
		return false;
	}
	struct vm *vm = vms[p->guest];
	struct virtio_net_config c = {.name = p->name,
	                              .mac = p->mac,
	                              .mtu = (uint16_t)p->mtu,
	                              .mem = &vm->mem,
	                              .this_core = this_vnet_core};
	virtio_net_init(&nic->net, &c);
	nic->port = vnet_port_add(node_vnet, p->name, p->net, &virtio_net_port_ops, &nic->net,
	                          p->edge ? VNET_EDGE : 0);
	if (!nic->port || !vpci_add(&vm->pci, &nic->net.v.pci, 0)) {
		snprintf(why, size, "port %s: %s", p->name,
		         nic->port ? "the guest's PCI bus is full" : "the switch has no room");
		if (nic->port)
			vnet_port_remove(nic->port);
		mem_zfree(nic, sizeof *nic);
		return false;
	}
	virtio_net_attach(&nic->net, nic->port);
	nics[slot] = nic;
	return true;
}

static void nic_destroy(unsigned slot)
{
	struct nic *nic = nics[slot];
	vpci_remove(&nic->net.v.pci);
	vnet_port_remove(nic->port);
	mem_zfree(nic, sizeof *nic);
	nics[slot] = NULL;
}

/* What may fail: new networks, and those that begin to learn.  One that ceases to waits for the
 * commit. */
static bool build_nets(const struct node_config *live, const struct node_config *n, char *why,
                       size_t size)
{
	for (unsigned i = 0; i < n->nets; i++) {
		bool due = n->net[i].mode == VNET_LEARN || !live->net[i].name[0];
		if (n->net[i].name[0] && due && !vnet_net_set(node_vnet, i, n->net[i].mode)) {
			snprintf(why, size, "network %s: no memory left", n->net[i].name);
			return false;
		}
	}
	return true;
}

/* The description counts ports by slot, the switch by its own numbers. */
static bool set_routes(const struct node_config *n, char *why, size_t size)
{
	size_t bytes = n->routes * sizeof(struct vnet_route);
	struct vnet_route *r = bytes ? mem_zalloc(bytes) : NULL;
	if (bytes && !r) {
		snprintf(why, size, "routes: no memory left");
		return false;
	}
	for (unsigned i = 0; i < n->routes; i++) {
		r[i] = n->route[i];
		r[i].to = nics[r[i].to]->port->number;
		if (r[i].from >= 0)
			r[i].from = nics[r[i].from]->port->number;
	}
	bool ok = vnet_routes_set(node_vnet, r, n->routes, why, size);
	if (r)
		mem_zfree(r, bytes);
	return ok;
}

bool control_net_build(const struct node_config *live, const struct node_config *n, char *why,
                       size_t size)
{
	if (!build_nets(live, n, why, size))
		return false;
	for (unsigned i = 0; i < n->ports; i++)
		if (n->port[i].name[0] && !nics[i] && !nic_create(n, i, why, size))
			return false;
	return set_routes(n, why, size);
}

/* --- what cannot fail ----------------------------------------------------------------------- */

static void destroy_nics(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_PORTS; i++)
		if (nics[i] && !n->port[i].name[0])
			nic_destroy(i);
}

/* Ends the learning of every network that the description does not let learn: cannot fail. */
static void settle_nets(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_NETS; i++)
		if (i >= n->nets || !n->net[i].name[0] || n->net[i].mode != VNET_LEARN)
			vnet_net_set(node_vnet, i, VNET_ROUTE);
}

void control_net_unbuild(const struct node_config *live)
{
	destroy_nics(live);
	settle_nets(live);
}

static void set_polling(const struct node_config *n)
{
	for (unsigned i = 0; i < ncores; i++) {
		bool poll = n->poll_core == (int)i;
		if (poll != atomic_load(&cores[i].poll)) {
			atomic_store(&cores[i].poll, poll);
			core_call(&cores[i], CORE_POLL);
		}
	}
	for (unsigned i = 0; i < n->ports; i++) {
		if (!nics[i])
			continue;
		enum config_move m =
		    n->port[i].move == CONFIG_MOVE_NODE ? n->move : n->port[i].move;
		enum vnet_mode mode = m == CONFIG_MOVE_POLL ? VNET_POLL : VNET_KICK;
		if (mode == vnet_port_mode(nics[i]->port))
			continue;
		vnet_port_set_mode(nics[i]->port, mode);
		virtio_net_kick(&nics[i]->net); /* takes what waits; arms or disarms the kicks */
	}
}

void control_net_follow(const struct node_config *n)
{
	destroy_nics(n);
	settle_nets(n);
	set_polling(n);
}
