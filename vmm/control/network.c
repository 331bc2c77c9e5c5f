/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch as the description says: networks, guests' NICs, underlays, links, flows, routes, and
 * which cores forward.  New objects are created before the commit, each after those it refers to;
 * old ones are removed after it, in reverse order, when no route leads to them.
 */
#include <stdio.h>
#include "arch/x86_64/core.h"
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/model.h"
#include "drivers/virtio/virtio_net.h"
#include "vmm/control/chains.h"
#include "vmm/control/control.h"
#include "vmm/control/group.h"
#include "vmm/control/network.h"
#include "vmm/devices/group_port.h"
#include "vmm/devices/guest_acpi.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/life.h"
#include "vmm/poll.h"

/* A guest's device and its port. */
struct plugged {
	struct nic nic;
	struct vm *vm;
	unsigned slot; /* on its bus; 0: any, it has no interrupt pin */
	struct vnet_port *port;
	struct group_port *group; /* the device is this one's; NULL: it is its own */
	size_t size;              /* bytes of a device of its own */
};

static struct plugged *nics[CONFIG_PORTS];
static struct vnet_port *links[CONFIG_PORTS];

struct vnet_core *vnet_this_core(void)
{
	return this_core()->net;
}

struct vnet_port *control_port(unsigned slot)
{
	if (slot >= CONFIG_PORTS)
		return NULL;
	return nics[slot] ? nics[slot]->port : links[slot];
}

const struct nic *control_nic(unsigned slot)
{
	return slot < CONFIG_PORTS && nics[slot] ? &nics[slot]->nic : NULL;
}

struct shm_member *control_group_port(unsigned slot)
{
	return slot < CONFIG_PORTS && nics[slot] && nics[slot]->group ? &nics[slot]->group->dev
	                                                              : NULL;
}

uint64_t control_copied(unsigned slot)
{
	const struct nic *nic = control_nic(slot);

	return nic ? nic->ops->copied(nic->dev) : 0;
}

static bool is_nic(const struct port_config *p)
{
	return p->name[0] && p->kind == CONFIG_NIC;
}

static bool is_link(const struct port_config *p)
{
	return p->name[0] && config_is_tunnel(p);
}

/* --- building ------------------------------------------------------------------------------- */

/* Adds the port to the switch, with its MAC unless it is an edge, and attaches the device to it. */
static bool nic_plug(struct plugged *pl, const struct port_config *p, struct vm *vm, char *why,
                     size_t size)
{
	const struct nic *nic = &pl->nic;

	pl->port = vnet_port_add(node_vnet, p->name, p->net, nic->ops->port, nic->dev,
	                         p->edge ? VNET_EDGE : 0);
	if (!pl->port) {
		snprintf(why, size, "port %s: not enough memory, or the switch has all its ports",
		         p->name);
		return false;
	}
	if (!p->edge && !vnet_port_set_mac(pl->port, p->mac)) {
		snprintf(why, size, "port %s: another port still has its MAC", p->name);
		return false;
	}
	nic->ops->attach(nic->dev, pl->port);
	if (!vpci_add(&vm->pci, nic->dev, pl->slot)) {
		snprintf(why, size, "port %s: the guest's PCI bus is full", p->name);
		return false;
	}
	return true;
}

/* Frees the device, whose port has been removed, if it had one. */
static void nic_free(struct plugged *pl)
{
	if (pl->group) {
		group_port_destroy(pl->group);
	} else {
		if (pl->nic.dev->bus)
			vpci_remove(pl->nic.dev);
		mem_zfree(pl->nic.dev, pl->size);
	}
	mem_zfree(pl, sizeof *pl);
}

static bool make_virtio(struct plugged *pl, const struct port_config *p, struct vm *vm)
{
	struct virtio_net_config c = {
	    .name = p->name, .mac = p->mac, .mtu = (uint16_t)p->mtu, .mem = &vm->mem};
	struct virtio_net *n = mem_zalloc(sizeof *n);

	if (!n)
		return false;
	virtio_net_init(n, &c);
	pl->nic = (struct nic){&virtio_net_nic, &n->v.pci};
	pl->size = sizeof *n;
	return true;
}

/* The first free one of the slots whose pin is wired; if none is free, a taken one. */
static unsigned slot_with_pin(const struct vm *vm)
{
	for (unsigned i = 0; i < CONFIG_PINS; i++)
		if (!vm->pci.dev[PIN_SLOT - i])
			return PIN_SLOT - i;
	return PIN_SLOT;
}

static uint8_t pin_of(unsigned slot)
{
	return (uint8_t)(PIN_GSI + PIN_SLOT - slot);
}

static void pin_set(void *ctx, bool asserted)
{
	const struct plugged *pl = ctx;

	vioapic_set(&pl->vm->ioapic, pin_of(pl->slot), asserted);
}

static bool make_e1000(struct plugged *pl, const struct port_config *p, struct vm *vm)
{
	bool pin = p->model == CONFIG_MODEL_E1000;
	unsigned slot = pin ? slot_with_pin(vm) : 0;
	struct e1000_model_config c = {.name = p->name,
	                               .mac = p->mac,
	                               .mtu = (uint16_t)p->mtu,
	                               .mem = &vm->mem,
	                               .device = pin ? E1000_82540EM : E1000_82574L,
	                               .line = pin ? pin_of(slot) : 0,
	                               .pin_set = pin_set,
	                               .ctx = pl};
	struct e1000_model *m = mem_zalloc(sizeof *m);

	if (!m)
		return false;

	pl->vm = vm;
	pl->slot = slot;
	e1000_model_init(m, &c);
	pl->nic = (struct nic){&e1000_model_nic, &m->pci};
	pl->size = sizeof *m;
	return true;
}

static bool make_group_port(struct plugged *pl, const struct port_config *p)
{
	pl->group = group_port_create(control_group(p->group - 1u)->member[p->guest], p->name,
	                              p->mac, (uint16_t)p->mtu);
	if (pl->group)
		pl->nic = (struct nic){&shm_nic, &pl->group->dev.pci};
	return pl->group;
}

/* Makes the device; false: no memory. */
static bool nic_make(struct plugged *pl, const struct port_config *p, struct vm *vm)
{
	if (p->group)
		return make_group_port(pl, p);
	return p->model == CONFIG_MODEL_VIRTIO ? make_virtio(pl, p, vm) : make_e1000(pl, p, vm);
}

static bool nic_create(const struct node_config *n, unsigned slot, char *why, size_t size)
{
	const struct port_config *p = &n->port[slot];
	struct plugged *pl = mem_zalloc(sizeof *pl);
	struct vm *vm = vms[p->guest];

	if (!pl || !nic_make(pl, p, vm)) {
		snprintf(why, size, "port %s: no memory left", p->name);
		if (pl)
			mem_zfree(pl, sizeof *pl);
		return false;
	}
	if (nic_plug(pl, p, vm, why, size)) {
		nics[slot] = pl;
		return true;
	}
	if (pl->port)
		vnet_port_remove(pl->port);
	nic_free(pl);
	return false;
}

static bool build_nics(const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < n->ports; i++)
		if (is_nic(&n->port[i]) && !nics[i] && !nic_create(n, i, why, size))
			return false;
	return true;
}

/* Gives an edge its underlay from the description; an unchanged one is kept. */
static bool underlay_set(const struct port_config *p, struct plugged *nic, char *why, size_t size)
{
	struct vnet_underlay_config u = {.address = p->underlay.address,
	                                 .prefix = p->underlay.prefix,
	                                 .gateway = p->underlay.gateway,
	                                 .mac = p->underlay.mac,
	                                 .mtu = p->underlay.mtu};

	return vnet_underlay_set(nic->port, &u, why, size);
}

static bool build_underlays(const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < n->ports; i++)
		if (n->port[i].underlay.prefix && !underlay_set(&n->port[i], nics[i], why, size))
			return false;
	return true;
}

static bool build_links(const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < n->ports; i++) {
		const struct port_config *p = &n->port[i];
		struct vnet_link_config c = {.kind = config_link_kind(p),
		                             .remote = p->link.remote,
		                             .vni = p->link.vni,
		                             .udp_port = p->link.udp_port,
		                             .dscp = p->link.dscp};

		if (!is_link(p) || links[i])
			continue;
		links[i] = vnet_link_add(node_vnet, p->name, p->net, nics[p->link.edge]->port, &c,
		                         why, size);
		if (!links[i])
			return false;
	}
	return true;
}

/* What may fail: new networks, and those that now need an address table.  A network that changes to
 * mode route waits for the commit, so that it never forwards without routes. */
static bool build_nets(const struct node_config *live, const struct node_config *n, char *why,
                       size_t size)
{
	for (unsigned i = 0; i < n->nets; i++) {
		bool due = n->net[i].mode != VNET_ROUTE || !live->net[i].name[0];

		if (n->net[i].name[0] && due && !vnet_net_set(node_vnet, i, n->net[i].mode)) {
			snprintf(why, size, "network %s: no memory left", n->net[i].name);
			return false;
		}
	}
	return true;
}

/* The description numbers ports by slot, the switch by its own numbers. */
static bool set_routes(const struct node_config *n, char *why, size_t size)
{
	size_t bytes = n->routes * sizeof(struct vnet_route);
	struct vnet_route *r = bytes ? mem_zalloc(bytes) : NULL;
	bool ok;

	if (bytes && !r) {
		snprintf(why, size, "routes: no memory left");
		return false;
	}
	for (unsigned i = 0; i < n->routes; i++) {
		r[i] = n->route[i];
		r[i].to = control_port(r[i].to)->number;
		if (r[i].from >= 0)
			r[i].from = control_port((unsigned)r[i].from)->number;
	}
	ok = vnet_routes_set(node_vnet, r, n->routes, why, size);
	if (r)
		mem_zfree(r, bytes);
	return ok;
}

bool control_net_build(const struct node_config *live, const struct node_config *n, char *why,
                       size_t size)
{
	return build_nets(live, n, why, size) && build_nics(n, why, size) &&
	       build_underlays(n, why, size) && build_links(n, why, size) &&
	       control_chains_build(n, why, size) && set_routes(n, why, size);
}

/* --- after the commit, or undoing a failed change ------------------------------------------- */

/* Logs an object that could not be removed for want of memory; the next change tries again. */
static void log_kept(const char *what, const char *name)
{
	log_error("%s %s could not be removed: not enough memory; the next change tries again",
	          what, name);
}

static void destroy_links(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_PORTS; i++) {
		if (!links[i] || is_link(&n->port[i]))
			continue;
		if (vnet_link_remove(links[i]))
			links[i] = NULL;
		else
			log_kept("link", links[i]->name);
	}
}

static void settle_underlays(const struct node_config *n)
{
	char why[224];
	struct vnet_underlay_config u;

	for (unsigned i = 0; i < CONFIG_PORTS; i++) {
		bool ok;

		if (!nics[i] || !vnet_underlay_get(nics[i]->port, &u))
			continue;
		ok = n->port[i].underlay.prefix
		         ? underlay_set(&n->port[i], nics[i], why, sizeof why)
		         : vnet_underlay_remove(nics[i]->port, why, sizeof why);
		if (!ok)
			log_error("%s", why);
	}
}

static void destroy_nics(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_PORTS; i++) {
		struct plugged *nic = nics[i];

		if (!nic || is_nic(&n->port[i]))
			continue;
		if (!vnet_port_remove(nic->port)) {
			log_kept("port", nic->port->name);
			continue;
		}
		nic_free(nic);
		nics[i] = NULL;
	}
}

/* Memory can be needed here only when a failed change is undone. */
static void settle_nets(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_NETS; i++) {
		bool there = i < n->nets && n->net[i].name[0];

		if (!vnet_net_set(node_vnet, i, there ? n->net[i].mode : VNET_ROUTE))
			log_error("network %s keeps its old mode: not enough memory",
			          n->net[i].name);
	}
}

/* Links refer to underlays, those to NICs, those to networks: removed in this order. */
static void remove_unlisted(const struct node_config *n)
{
	destroy_links(n);
	settle_underlays(n);
	destroy_nics(n);
	settle_nets(n);
}

void control_net_unbuild(const struct node_config *live)
{
	control_chains_unbuild();
	remove_unlisted(live);
}

static void set_mtus(const struct node_config *n)
{
	for (unsigned i = 0; i < n->ports; i++) {
		const struct nic *nic = control_nic(i);

		if (nic && nic->ops->set_mtu)
			nic->ops->set_mtu(nic->dev, (uint16_t)n->port[i].mtu);
	}
}

/* Link-local forwarding, address quotas, path MTU learning. */
static void set_limits(const struct node_config *n)
{
	for (unsigned i = 0; i < n->nets; i++)
		vnet_net_set_link_local(node_vnet, i, n->net[i].link_local);
	for (unsigned i = 0; i < n->ports; i++) {
		const struct port_config *p = &n->port[i];
		struct vnet_port *port = control_port(i);

		if (!port)
			continue;
		vnet_port_set_quota(port, p->addresses);
		if (is_link(p))
			vnet_link_set_path_mtu(port, config_learns_path_mtu(n, p));
	}
}

_Static_assert((unsigned)CONFIG_MOVE_KICK == VNET_KICK && (unsigned)CONFIG_MOVE_POLL == VNET_POLL &&
                   (unsigned)CONFIG_MOVE_ADAPTIVE == VNET_ADAPTIVE,
               "the modes of the language are the switch's");

static void set_polling(const struct node_config *n)
{
	struct vnet_core *poller = n->poll_core < 0 ? NULL : cores[n->poll_core].net;

	poll_time_set(n->poll_us);
	vnet_poller_set(node_vnet, poller, poll_wake);
	for (unsigned i = 0; i < ncores; i++) {
		bool poll = n->poll_core == (int)i;

		if (poll != atomic_load(&cores[i].poll)) {
			atomic_store(&cores[i].poll, poll);
			core_call(&cores[i], CORE_POLL);
		}
	}
	for (unsigned i = 0; i < n->ports; i++) {
		enum config_move m;
		enum vnet_mode mode;

		if (!nics[i])
			continue;
		m = n->port[i].move == CONFIG_MOVE_NODE ? n->move : n->port[i].move;
		mode = (enum vnet_mode)m;
		if (mode == vnet_port_mode(nics[i]->port))
			continue;
		vnet_port_set_mode(nics[i]->port, mode);
		/* Back in VNET_KICK it takes waiting frames and turns kicks on. */
		nics[i]->nic.ops->kick(nics[i]->nic.dev);
	}
	vnet_wake(vnet_this_core()); /* to poll what it slept beside */
}

/* Whose edge has no driver yet resolves their next hops when it has. */
static void resolve_next_hops(const struct node_config *n)
{
	for (unsigned i = 0; i < n->ports; i++)
		if (nics[i] && n->port[i].edge)
			vnet_port_ready(vnet_this_core(), nics[i]->port);
}

void control_net_follow(const struct node_config *n)
{
	control_chains_follow();
	remove_unlisted(n);
	set_mtus(n);
	set_limits(n);
	set_polling(n);
	resolve_next_hops(n);
}
