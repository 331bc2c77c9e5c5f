/* SPDX-License-Identifier: BSD-2-Clause */
/* group.c: see control/group.h. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/iommu/iommu.h"
#include "lib/mem.h"
#include "vmm/control/control.h"
#include "vmm/control/group.h"
#include "vmm/control/network.h"
#include "vmm/group.h"
#include "vmm/life.h"
#include "vmm/vm_memory.h"

static struct group *groups[CONFIG_GROUPS];

struct group *control_group(unsigned slot)
{
	return groups[slot];
}

/* --- checking ------------------------------------------------------------------------------- */

static bool has_name(const char *name)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		if (groups[i] && !strcmp(groups[i]->name, name))
			return true;
	return false;
}

/* A member that runs: of the group as it is, or as it is to be.  NULL: none does. */
static const struct vm *running_member(unsigned slot, const struct group_config *g)
{
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		bool member =
		    groups[slot] ? groups[slot]->member[i] != NULL : config_is_member(g, i);

		if (member && vms[i] && vm_active(vms[i]))
			return vms[i];
	}
	return NULL;
}

static bool check_group(unsigned slot, const struct group_config *g, char *why, size_t size)
{
	bool made = g->name[0] && g->line, removed = groups[slot] && !g->name[0];
	const struct vm *vm;

	if (made && (groups[slot] || has_name(g->name))) {
		snprintf(why, size,
		         "line %u: group %s: this text also removes the group that has this name "
		         "or place; remove that in an earlier text",
		         g->line, g->name);
		return false;
	}
	vm = made || removed ? running_member(slot, g) : NULL;
	if (vm)
		snprintf(why, size,
		         "the groups of guest %s cannot change while it runs: stop it first",
		         vm->name);
	return !vm;
}

bool control_group_check(const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		if (!check_group(i, &n->group[i], why, size))
			return false;
	return true;
}

/* --- building ------------------------------------------------------------------------------- */

static bool join_all(const struct node_config *n, struct group *g, char *why, size_t size)
{
	for (unsigned i = 0; i < n->guests; i++)
		if (config_is_member(&n->group[g->slot], i) &&
		    !group_join(g, vms[i], vm_memory_group_gpa(vms[i]->identity, g->slot, g->hpa),
		                why, size))
			return false;
	return true;
}

static bool build_group(const struct node_config *n, unsigned slot, char *why, size_t size)
{
	uint64_t hpa = vm_memory_take_group(n, slot, !iommu_is_on(), why, size);

	if (!hpa)
		return false;
	groups[slot] = group_create(slot, &n->group[slot], hpa);
	if (!groups[slot]) {
		mem_free(hpa, n->group[slot].memory);
		snprintf(why, size, "group %s: no memory left", n->group[slot].name);
		return false;
	}
	return join_all(n, groups[slot], why, size);
}

bool control_group_build(const struct node_config *n, char *why, size_t size)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		if (n->group[i].name[0] && !groups[i] && !build_group(n, i, why, size))
			return false;
	return true;
}

/* --- after the commit, or undoing a failed change ------------------------------------------- */

/* A port that could not be removed, for want of memory, still has a share of the buffers. */
static bool has_port(const struct group *g)
{
	for (unsigned i = 0; i < CONFIG_PORTS; i++) {
		const struct shm_member *m = control_group_port(i);

		if (m && m->group == g->frames)
			return true;
	}
	return false;
}

void control_group_follow(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++) {
		if (!groups[i] || n->group[i].name[0] || has_port(groups[i]))
			continue;
		for (unsigned k = 0; k < CONFIG_GUESTS; k++)
			if (vms[k])
				group_leave(groups[i], vms[k]);
		group_destroy(groups[i]);
		groups[i] = NULL;
	}
}
