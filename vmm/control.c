/*
 * From description to machine.  A change is checked against the machine first (modules, cores,
 * memory), then built; only what cannot fail happens after the commit.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/platform.h"
#include "vmm/control.h"
#include "vmm/control_parts.h"
#include "vmm/log.h"
#include "vmm/mem.h"
#include "vmm/tick.h"
#include "vmm/vm.h"

struct nic {
	struct virtio_net net;
	struct vnet_port *port;
};

struct vnet *node_vnet;
_Atomic uint64_t tick_next;
static struct config *config;
static struct nic *nics[CONFIG_PORTS];

static const struct vnet_mem vnet_memory = {mem_zalloc, mem_zfree};

static struct vnet_core *this_vnet_core(void)
{
	return this_core()->net;
}

struct config *control_store(void)
{
	return config;
}

const struct node_config *control_config(void)
{
	return config_live(config);
}

struct vnet_port *control_port(unsigned slot)
{
	return slot < CONFIG_PORTS && nics[slot] ? nics[slot]->port : NULL;
}

struct virtio_net *control_nic(unsigned slot)
{
	return slot < CONFIG_PORTS && nics[slot] ? &nics[slot]->net : NULL;
}

void control_init(void)
{
	void *mem = mem_zalloc(config_size());
	node_vnet = vnet_create(&vnet_memory, ncores);
	if (!mem || !node_vnet)
		panic("not enough memory for the description and the switch");
	config = config_init(mem);
	for (unsigned i = 0; i < ncores; i++)
		cores[i].net = vnet_core(node_vnet, i);
	vnet_net_set(node_vnet, 0, config_live(config)->net[0].mode);
}

void tick_move(uint64_t tsc)
{
	uint64_t due = atomic_load(&tick_next), period = tsc_khz * 1000; /* a second */
	if (atomic_compare_exchange_strong(&tick_next, &due, tsc + period))
		vnet_tick(this_core()->net, tsc / (tsc_khz * 1000));
}

bool control_core_reserved(unsigned core)
{
	return config_live(config)->poll_core == (int)core;
}

bool control_core_named(unsigned core)
{
	const struct node_config *n = config_live(config);
	for (unsigned i = 0; i < n->guests; i++)
		for (unsigned c = 0; c < n->guest[i].cores; c++)
			if (n->guest[i].core[c] == core)
				return true;
	return control_core_reserved(core);
}

/* --- checks against the machine ------------------------------------------------------------- */

static bool need_module(const struct guest_config *g, const char *name, char *why, size_t size)
{
	if (!name[0] || boot_module_find(name))
		return true;
	snprintf(why, size,
	         "line %u: guest %s: no boot module is called %s: load it beside the image",
	         g->line, g->name, name);
	return false;
}

/* Its first 16 MiB are elsewhere; a device's DMA needs some memory that is where it seems. */
static bool check_dma_memory(const struct guest_config *g, char *why, size_t size)
{
	if (!g->has_pci || g->memory > VM_IDENTITY_START)
		return true;
	snprintf(why, size, "line %u: guest %s: with a PCI device it needs more than %lu MiB",
	         g->line, g->name, VM_IDENTITY_START / MIB);
	return false;
}

static bool check_guest(const struct guest_config *g, char *why, size_t size)
{
	if (!check_dma_memory(g, why, size))
		return false;
	if (!need_module(g, g->kernel, why, size) || !need_module(g, g->initrd, why, size))
		return false;
	for (unsigned i = 0; i < g->modules; i++)
		if (!need_module(g, g->module[i].name, why, size))
			return false;
	if (g->cpus > ncores) {
		snprintf(why, size, "line %u: guest %s: %u vCPUs, but the node has %u cores",
		         g->line, g->name, g->cpus, ncores);
		return false;
	}
	for (unsigned i = 0; i < g->cores; i++) {
		if (g->core[i] >= ncores) {
			snprintf(why, size, "line %u: guest %s: the node has no core %u (0 to %u)",
			         g->line, g->name, g->core[i], ncores - 1);
			return false;
		}
	}
	return true;
}

static bool check_poll_core(const struct node_config *n, char *why, size_t size)
{
	if (n->poll_core < 0)
		return true;
	if ((unsigned)n->poll_core >= ncores) {
		snprintf(why, size, "move poll: the node has no core %d (0 to %u)", n->poll_core,
		         ncores - 1);
		return false;
	}
	if (atomic_load(&cores[n->poll_core].vcpu)) {
		snprintf(why, size, "move poll: core %d runs a guest", n->poll_core);
		return false;
	}
	return true;
}

/* The slot of a port that the same text removes must not be taken before that port is gone. */
static bool check_port_slot(const struct port_config *p, const struct nic *nic, char *why,
                            size_t size)
{
	if (!nic || !p->line)
		return true;
	snprintf(why, size,
	         "line %u: port %s takes the place of a removed one: remove that in a text of its "
	         "own",
	         p->line, p->name);
	return false;
}

static bool check(const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < n->guests; i++)
		if (n->guest[i].name[0] && !vms[i] && !check_guest(&n->guest[i], why, size))
			return false;
	for (unsigned i = 0; i < n->ports; i++) {
		bool there = n->port[i].name[0];
		if (!check_port_slot(&n->port[i], nics[i], why, size))
			return false;
		unsigned g = there     ? n->port[i].guest
		             : nics[i] ? config_live(config)->port[i].guest
		                       : 0;
		if (there != !!nics[i] && vms[g] && vm_active(vms[g])) {
			snprintf(why, size,
			         "the ports of guest %s cannot change while it runs: stop it first",
			         vms[g]->name);
			return false;
		}
	}
	return check_poll_core(n, why, size);
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

/* Ends the learning of every network that the description does not let learn: cannot fail. */
static void settle_nets(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_NETS; i++)
		if (i >= n->nets || !n->net[i].name[0] || n->net[i].mode != VNET_LEARN)
			vnet_net_set(node_vnet, i, VNET_ROUTE);
}

/* Undoes what build() made for slots that the live description does not have. */
static void unbuild(void)
{
	const struct node_config *live = config_live(config);
	for (unsigned i = 0; i < CONFIG_PORTS; i++)
		if (nics[i] && !live->port[i].name[0])
			nic_destroy(i);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		if (vms[i] && !live->guest[i].name[0]) {
			vm_destroy(vms[i]);
			vms[i] = NULL;
		}
	}
	settle_nets(live);
}

/* What may fail: new networks, and those that begin to learn.  One that ceases to waits for the
 * commit. */
static bool build_nets(const struct node_config *n, char *why, size_t size)
{
	const struct node_config *live = config_live(config);
	for (unsigned i = 0; i < n->nets; i++) {
		bool due = n->net[i].mode == VNET_LEARN || !live->net[i].name[0];
		if (n->net[i].name[0] && due && !vnet_net_set(node_vnet, i, n->net[i].mode)) {
			snprintf(why, size, "network %s: no memory left", n->net[i].name);
			return false;
		}
	}
	return true;
}

static bool build(const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < n->guests; i++) {
		if (!n->guest[i].name[0] || vms[i])
			continue;
		vms[i] = vm_create(i, &n->guest[i], why, size);
		if (!vms[i])
			return false;
	}
	if (!build_nets(n, why, size))
		return false;
	for (unsigned i = 0; i < n->ports; i++)
		if (n->port[i].name[0] && !nics[i] && !nic_create(n, i, why, size))
			return false;
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

/* After the commit: nothing here can fail. */
static void follow(const struct node_config *n)
{
	static const enum log_level level[] = {LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG};
	log_level = level[n->log];
	for (unsigned i = 0; i < CONFIG_PORTS; i++)
		if (nics[i] && !n->port[i].name[0])
			nic_destroy(i);
	for (unsigned i = 0; i < n->guests; i++)
		if (vms[i])
			vms[i]->config = &n->guest[i];
	settle_nets(n);
	set_polling(n);
}

bool control_apply(char *why, size_t size)
{
	const struct node_config *n = config_staged(config);
	if (!check(n, why, size) || !build(n, why, size) || !set_routes(n, why, size)) {
		unbuild();
		return false;
	}
	config_commit(config);
	follow(config_live(config));
	control_autostart(config_live(config));
	return true;
}
