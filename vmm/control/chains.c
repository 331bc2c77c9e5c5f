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

static unsigned number_of(void *ctx, unsigned slot)
{
	(void)ctx;
	return control_port(slot)->number;
}

bool control_chains_build(const struct node_config *n, char *why, size_t size)
{
	struct numbered *to = mem_zalloc(sizeof *to);
	struct vnet_chain_rules rules = {NULL, n->services, NULL, n->flows};

	if (!to) {
		snprintf(why, size, "flows: no memory left");
		return false;
	}
	config_number_chains(n, number_of, NULL, to->service, to->flow);
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
