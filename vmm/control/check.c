/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks a description against the machine as it is now: fit.h, and which guests must be
 * stopped. */
#include <stdio.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/iommu/iommu.h"
#include "vmm/control/control.h"
#include "vmm/control/group.h"
#include "vmm/control/network.h"
#include "vmm/control/check.h"
#include "vmm/fit.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/place.h"
#include "vmm/life.h"

static bool has_module(const char *name)
{
	return boot_module_find(name);
}

/* What happens to the guest of this slot when the description is applied. */
static enum fit_guest guest_change(unsigned slot)
{
	struct vm *vm = vms[slot];

	if (!vm)
		return FIT_NEW;
	return vm->starts || vm_active(vm) ? FIT_REST : FIT_START;
}

static bool check_machine(const struct node_config *n, char *why, size_t size)
{
	struct fit_machine m = {
	    .poller = place_poller, .has_module = has_module, .pci_unfit = passthrough_unfit};

	m.confines = iommu_name() && n->iommu != CONFIG_IOMMU_OFF;
	m.address_bits = cpuid(0x80000008, 0).eax & 0xff;
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		m.guest[i] = guest_change(i);
	place_view(&m.place, n);
	return fit_check(&m, n, why, size);
}

/* A port that the same text removes keeps its name, and its slot if no other is free, until the
 * commit. */
static bool check_replaced(const struct port_config *p, unsigned slot, char *why, size_t size)
{
	if (!p->line || (!control_port(slot) && !vnet_port_find(node_vnet, p->name)))
		return true;
	snprintf(why, size,
	         "line %u: %s: this text also removes the port or link that has this name or "
	         "place; remove that in an earlier text",
	         p->line, p->name);
	return false;
}

/* A NIC can be added or removed only while its guest is stopped; a link at any time. */
static bool check_port(const struct node_config *live, const struct node_config *n, unsigned slot,
                       char *why, size_t size)
{
	const struct port_config *p = &n->port[slot];
	bool there = p->name[0] && p->kind == CONFIG_NIC, built = control_nic(slot);
	struct vm *vm;

	if (!check_replaced(p, slot, why, size))
		return false;
	vm = there ? vms[p->guest] : built ? vms[live->port[slot].guest] : NULL;
	if (there == built || !vm || !vm_active(vm))
		return true;
	snprintf(why, size, "the ports of guest %s cannot change while it runs: stop it first",
	         vm->name);
	return false;
}

/* Its state holds for devices that a guest already has. */
static bool check_iommu(const struct node_config *live, const struct node_config *n, char *why,
                        size_t size)
{
	bool on = n->iommu != CONFIG_IOMMU_OFF;

	if (n->iommu == CONFIG_IOMMU_REQUIRE && !iommu_name()) {
		snprintf(why, size,
		         "iommu require: this machine has no IOMMU (%s): switch AMD-Vi or VT-d on "
		         "in the firmware, or say `iommu use`",
		         iommu_absence());
		return false;
	}
	if (n->iommu == CONFIG_IOMMU_REQUIRE && !iommu_remaps_interrupts()) {
		snprintf(why, size,
		         "iommu require: this machine's %s does not remap interrupts: a device can "
		         "raise any; say `iommu use` to accept that",
		         iommu_name());
		return false;
	}
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		if (on == (live->iommu != CONFIG_IOMMU_OFF) || !vms[i] || !vms[i]->passthrough)
			continue;
		snprintf(why, size, "iommu: it cannot be switched %s while guest %s has a device",
		         on ? "on" : "off", vms[i]->name);
		return false;
	}
	return true;
}

bool control_check(const struct node_config *live, const struct node_config *n, char *why,
                   size_t size)
{
	if (!check_machine(n, why, size) || !check_iommu(live, n, why, size))
		return false;
	for (unsigned i = 0; i < n->ports; i++)
		if (!check_port(live, n, i, why, size))
			return false;
	return control_group_check(n, why, size);
}
