/* Which core a vCPU gets: the node as place_policy.h wants to see it. */
#include <stdio.h>
#include "arch/x86_64/core.h"
#include "arch/x86_64/topology.h"
#include "vmm/control.h"
#include "vmm/log.h"
#include "vmm/place.h"
#include "vmm/place_policy.h"
#include "vmm/vm.h"

_Static_assert(PLACE_CORES >= CORES_MAX, "every core has a place");

static const char polling; /* the owner of a core that moves everybody's frames */
static unsigned smt_bits;

static const void *owner_of(const struct core *c)
{
	const struct vcpu *v = atomic_load(&c->vcpu);
	return v ? v->vm : atomic_load(&c->poll) ? (const void *)&polling : NULL;
}

static struct place_view view(bool share)
{
	struct place_view v = {.cores = ncores, .smt_bits = smt_bits, .share = share};
	for (unsigned i = 0; i < ncores; i++)
		v.core[i] = (struct place_core){.apic_id = cores[i].apic_id,
		                                .owner = owner_of(&cores[i]),
		                                .named = control_core_named(i),
		                                .reserved = control_core_reserved(i)};
	return v;
}

struct core *place_vcpu(const struct vm *vm, unsigned vcpu, char *why, size_t size)
{
	enum place_refusal refusal;
	struct place_view v = view(control_config()->smt == CONFIG_SMT_SHARE);
	int wanted = vm->config->cores ? vm->config->core[vcpu] : -1;
	int core = place_pick(&v, vm, wanted, &refusal);
	if (core >= 0)
		return &cores[core];
	if (refusal == PLACE_TAKEN)
		snprintf(why, size, "guest %s: no free core for vCPU %u (the node has %u)",
		         vm->name, vcpu, ncores);
	else if (wanted >= 0)
		snprintf(why, size,
		         "guest %s: core %d is a thread of a physical core that another guest or "
		         "the poll core has a part of: choose another, or say `smt share`",
		         vm->name, wanted);
	else
		snprintf(why, size,
		         "guest %s: no core for vCPU %u: those that are free are threads of "
		         "physical cores that others have a part of (`smt share` allows that)",
		         vm->name, vcpu);
	return NULL;
}

bool place_may_poll(unsigned core, bool share, char *why, size_t size)
{
	struct place_view v = view(share);
	int rival = share ? -1 : place_rival(&v, &polling, core);
	if (rival >= 0)
		snprintf(why, size,
		         "move poll: core %u is a thread of the same physical core as %d, which "
		         "runs a guest: choose another, or say `smt share`",
		         core, rival);
	return rival < 0;
}

void place_init(void)
{
	smt_bits = topology_smt_bits(cpuid);
}

void place_log(void)
{
	unsigned most = 1;
	struct place_view v = view(false);
	for (unsigned i = 0; i < v.cores; i++) {
		unsigned threads = 0;
		for (unsigned k = 0; k < v.cores; k++)
			threads += v.core[i].apic_id >> smt_bits == v.core[k].apic_id >> smt_bits;
		most = threads > most ? threads : most;
	}
	if (most == 1)
		log_info("SMT: 1 thread a core");
	else
		log_info("SMT: %u threads a core, which go to %s", most,
		         control_config()->smt == CONFIG_SMT_SHARE ? "any guests (smt share)"
		                                                   : "one guest");
}
