/* What a description asks of this machine: boot modules, cores, memory, guests that stand still. */
#include <stdio.h>
#include "arch/x86_64/platform.h"
#include "vmm/control.h"
#include "vmm/control_parts.h"
#include "vmm/mem.h"
#include "vmm/place.h"
#include "vmm/vm.h"

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
	return place_may_poll((unsigned)n->poll_core, n->smt == CONFIG_SMT_SHARE, why, size);
}

/* What the same text removes keeps its name, and its slot if no other is free, until the commit. */
static bool check_place(const struct port_config *p, unsigned slot, char *why, size_t size)
{
	if (!p->line || (!control_port(slot) && !vnet_port_find(node_vnet, p->name)))
		return true;
	snprintf(why, size,
	         "line %u: %s takes the place of a removed one: remove that in a text of its "
	         "own",
	         p->line, p->name);
	return false;
}

/* A NIC comes or goes while its guest stands still; a link at any time. */
static bool check_port(const struct node_config *live, const struct node_config *n, unsigned slot,
                       char *why, size_t size)
{
	const struct port_config *p = &n->port[slot];
	bool there = p->name[0] && p->kind == CONFIG_NIC, built = control_nic(slot);
	if (!check_place(p, slot, why, size))
		return false;
	struct vm *vm = there ? vms[p->guest] : built ? vms[live->port[slot].guest] : NULL;
	if (there == built || !vm || !vm_active(vm))
		return true;
	snprintf(why, size, "the ports of guest %s cannot change while it runs: stop it first",
	         vm->name);
	return false;
}

bool control_check(const struct node_config *live, const struct node_config *n, char *why,
                   size_t size)
{
	for (unsigned i = 0; i < n->guests; i++)
		if (n->guest[i].name[0] && !vms[i] && !check_guest(&n->guest[i], why, size))
			return false;
	for (unsigned i = 0; i < n->ports; i++)
		if (!check_port(live, n, i, why, size))
			return false;
	return check_poll_core(n, why, size);
}
