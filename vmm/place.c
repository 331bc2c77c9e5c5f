/* Which core a vCPU gets. */
#include "arch/x86_64/core.h"
#include "vmm/control.h"
#include "vmm/place.h"
#include "vmm/vm.h"

static bool core_free(const struct core *c)
{
	return !atomic_load(&c->vcpu) && !atomic_load(&c->poll);
}

/* The boot core comes last: it looks after the monitor. */
static struct core *any_core(bool (*unwanted)(unsigned core))
{
	for (unsigned i = 1; i <= ncores; i++)
		if (core_free(&cores[i % ncores]) && !unwanted(i % ncores))
			return &cores[i % ncores];
	return NULL;
}

/* A guest that names no core leaves those to others that do, as long as it can. */
struct core *place_vcpu(const struct vm *vm, unsigned vcpu)
{
	if (vm->config->cores) {
		struct core *c = &cores[vm->config->core[vcpu]];
		return core_free(c) ? c : NULL;
	}
	struct core *c = any_core(control_core_named);
	return c ? c : any_core(control_core_reserved);
}
