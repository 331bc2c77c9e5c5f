/* SPDX-License-Identifier: BSD-2-Clause */
/* chains.c: see chains.h. */
#include <stdio.h>
#include "lib/mem.h"
#include "vmm/control/chains.h"
#include "vmm/control/control.h"
#include "vmm/control/network.h"

static struct vnet_chains *built; /* not in use yet */

/* The description numbers ports by slot, the switch by its own numbers. */
struct numbered {
	struct vnet_service service[CONFIG_SERVICES];
	struct vnet_flow flow[CONFIG_FLOWS];
};

static void renumber(const struct node_config *n, struct numbered *to)
{
	for (unsigned i = 0; i < n->services; i++) {
		to->service[i] = n->service[i];
		for (unsigned k = 0; k < n->service[i].replicas; k++)
			to->service[i].port[k] = control_port(n->service[i].port[k])->number;
	}
	for (unsigned i = 0; i < n->flows; i++) {
		struct vnet_flow *f = &to->flow[i];

		*f = n->flow[i];
		if (f->from >= 0)
			f->from = control_port((unsigned)f->from)->number;
		if (f->end == VNET_FLOW_TO)
			f->to = control_port(f->to)->number;
	}
}

bool control_chains_build(const struct node_config *n, char *why, size_t size)
{
	struct numbered *to = mem_zalloc(sizeof *to);
	struct vnet_chain_rules rules = {NULL, n->services, NULL, n->flows};

	if (!to) {
		snprintf(why, size, "flows: no memory left");
		return false;
	}
	renumber(n, to);
	rules.service = to->service;
	rules.flow = to->flow;
	built = vnet_chains_make(node_vnet, &rules, why, size);
	mem_zfree(to, sizeof *to);
	return built;
}

void control_chains_unbuild(void)
{
	if (built)
		vnet_chains_free(node_vnet, built);
	built = NULL;
}

void control_chains_follow(void)
{
	if (built)
		vnet_chains_use(node_vnet, built);
	built = NULL;
}
