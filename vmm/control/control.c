/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Applies a description to the machine.  A change is first checked against the machine (modules,
 * cores, memory), then built; after the commit only steps that cannot fail are left.
 */
#include <stdio.h>
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/random.h"
#include "arch/x86_64/tsc.h"
#include "vmm/control/control.h"
#include "vmm/control/group.h"
#include "vmm/control/network.h"
#include "vmm/control/mirror.h"
#include "vmm/control/trace.h"
#include "vmm/control/lifecycle.h"
#include "vmm/control/check.h"
#include "vmm/control/guest_console.h"
#include "vmm/control/histogram.h"
#include "vmm/control/ism.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/life.h"
#include "vmm/passthrough/passthrough.h"

struct vnet *node_vnet;
static struct config *config;

static const struct vnet_mem vnet_memory = {mem_zalloc, mem_zfree};

struct config *control_store(void)
{
	return config;
}

const struct node_config *control_config(void)
{
	return config_live(config);
}

void control_init(void)
{
	void *mem = mem_zalloc(config_size());

	node_vnet = vnet_create(&vnet_memory, ncores);
	if (!mem || !node_vnet)
		panic("not enough memory for the configuration and the switch");
	vnet_secret_set(node_vnet, (uint64_t[]){random_word(), random_word()});
	config = config_init(mem);
	for (unsigned i = 0; i < ncores; i++)
		cores[i].net = vnet_core(node_vnet, i);
	vnet_net_set(node_vnet, 0, config_live(config)->net[0].mode);
}

/* --- building ------------------------------------------------------------------------------- */

/* Removes NICs, links, groups and guests that build() created and the live description does not
 * have. */
static void undo_build(void)
{
	const struct node_config *live = config_live(config);

	control_net_unbuild(live);
	control_mirror_unbuild(live);
	control_group_follow(live);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		if (vms[i] && !live->guest[i].name[0]) {
			control_console_destroy(vms[i]);
			control_ism_forget(i);
			vm_destroy(vms[i]);
			control_trace_forget(i);
			vms[i] = NULL;
		}
	}
	control_histogram_follow(live);
}

/* Before devices are given to guests, and after they were taken back; false: it must be on, and
 * does not start. */
static bool switch_iommu(const struct node_config *n, char *why, size_t size)
{
	if (iommu_switch(n->iommu != CONFIG_IOMMU_OFF) || n->iommu != CONFIG_IOMMU_REQUIRE)
		return true;
	snprintf(why, size, "iommu require: %s", iommu_absence());
	return false;
}

static bool build_guest(const struct node_config *n, unsigned slot, char *why, size_t size)
{
	const struct guest_config *g = &n->guest[slot];

	vms[slot] = vm_create(slot, g, why, size);
	if (!vms[slot])
		return false;
	if (g->control && !control_console_create(vms[slot])) {
		snprintf(
		    why, size,
		    "guest %s: not enough memory, or no free PCI slot, for its control console",
		    g->name);
		return false;
	}
	if (!control_trace_show(vms[slot], g, why, size) ||
	    !control_ism_guest(n, vms[slot], why, size) ||
	    !control_histogram_guest(n, vms[slot], why, size))
		return false;
	/* Behind our own devices: a large BAR of its takes what is left of the guest's window. */
	return !g->has_pci || passthrough_attach(vms[slot], g->pci, why, size);
}

static bool build(const struct node_config *n, char *why, size_t size)
{
	if (!control_trace_build(n, why, size) || !control_mirror_build(n, why, size) ||
	    !control_histogram_build(n, why, size))
		return false;
	for (unsigned i = 0; i < n->guests; i++) {
		if (!n->guest[i].name[0] || vms[i])
			continue;
		if (!build_guest(n, i, why, size))
			return false;
	}
	return control_group_build(n, why, size) &&
	       control_net_build(config_live(config), n, why, size);
}

/* After the commit: nothing here can fail. */
static void apply_committed(const struct node_config *n)
{
	static const enum log_level level[] = {LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG};

	log_level = level[n->log];
	if (n->panic != CONFIG_PANIC_UNSET)
		node_panic_act(n->panic == CONFIG_PANIC_HALT ? NODE_PANIC_HALT : NODE_PANIC_RESET,
		               n->panic_seconds);
	for (unsigned i = 0; i < n->guests; i++)
		if (vms[i])
			vms[i]->config = &n->guest[i];
	control_net_follow(n);
	control_group_follow(n);
	control_trace_follow(n);
	control_mirror_follow(n);
	control_histogram_follow(n);
}

bool control_apply(char *why, size_t size)
{
	const struct node_config *n = config_staged(config);

	if (!control_check(config_live(config), n, why, size))
		return false;
	if (!switch_iommu(n, why, size) || !build(n, why, size)) {
		char again[128];

		undo_build();
		switch_iommu(config_live(config), again, sizeof again);
		return false;
	}
	config_commit(config);
	apply_committed(config_live(config));
	control_autostart(config_live(config));
	return true;
}
