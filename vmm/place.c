/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses a core for a vCPU: describes the node's cores to place_policy.h. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/topology.h"
#include "vmm/config/config.h"
#include "vmm/fit.h"
#include "lib/log.h"
#include "vmm/place.h"
#include "vmm/place_policy.h"
#include "vmm/vm.h"

_Static_assert(PLACE_CORES >= CORES_MAX, "every core has a place");

static unsigned smt_bits;
static const char polling; /* owner of the poll core, which forwards all guests' frames */
const void *const place_poller = &polling;

static const void *owner_of(const struct core *c)
{
	const struct vcpu *v = atomic_load(&c->vcpu);

	return v ? v->vm : atomic_load(&c->poll) ? place_poller : NULL;
}

void place_view(struct place_view *v, const struct node_config *n)
{
	*v = (struct place_view){.cores = ncores, .smt_bits = smt_bits};
	for (unsigned i = 0; i < ncores; i++)
		v->core[i] =
		    (struct place_core){.apic_id = cores[i].apic_id, .owner = owner_of(&cores[i])};
	fit_describe(v, n);
}

struct core *place_vcpu(const struct node_config *n, const struct vm *vm, unsigned vcpu, char *why,
                        size_t size)
{
	enum place_refusal refusal;
	struct place_view v;
	int wanted, core;

	place_view(&v, n);
	wanted = vm->config->cores ? vm->config->core[vcpu] : -1;
	core = place_pick(&v, vm, wanted, &refusal);
	if (core >= 0)
		return &cores[core];
	fit_no_core(&v, vm->name, vcpu, wanted, refusal, why, size);
	return NULL;
}

void place_init(void)
{
	smt_bits = topology_smt_bits(cpuid);
}

void place_log(const struct node_config *n)
{
	unsigned most = 1;
	struct place_view v;

	place_view(&v, n);
	for (unsigned i = 0; i < v.cores; i++) {
		unsigned threads = 0;

		for (unsigned k = 0; k < v.cores; k++)
			threads += v.core[i].apic_id >> smt_bits == v.core[k].apic_id >> smt_bits;
		most = threads > most ? threads : most;
	}
	if (most == 1)
		log_info("SMT: 1 thread per physical core");
	else
		log_info("SMT: %u threads per physical core, given to %s", most,
		         n->smt == CONFIG_SMT_SHARE ? "any guests (smt share)" : "one guest");
}
