/* SPDX-License-Identifier: BSD-2-Clause */
/* absent.c: a guest's accesses to unassigned physical memory; see absent.h. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"
#include "vmm/devices/absent.h"
#include "lib/log.h"
#include "vmm/vm.h"
#include "vmm/fail.h"

static void log_access(struct vcpu *v, uint64_t gpa, bool write, uint64_t unnamed)
{
	const char *what = write ? "write to" : "read of";
	const char *result = write ? "dropped" : "all ones returned";

	if (unnamed)
		log_warn("guest %s: %s absent memory at guest-physical %lx: %s (%lu accesses "
		         "before it were not logged)",
		         v->vm->name, what, gpa, result, unnamed);
	else
		log_warn("guest %s: %s absent memory at guest-physical %lx: %s", v->vm->name, what,
		         gpa, result);
}

bool absent_access(struct vcpu *v, uint64_t gpa, bool write, uint64_t *val)
{
	uint64_t unnamed;
	bool name = absent_count(&v->vm->absent, gpa, write, rdtsc(), tsc_khz * 1000, &unnamed);

	if (v->vm->load.absent_stops) {
		vcpu_fail(v, "%s absent memory at guest-physical %lx (`debug-absent stop`)",
		          write ? "write to" : "read of", gpa);
		return false;
	}
	if (name)
		log_access(v, gpa, write, unnamed);
	if (!write)
		*val = ~0ul;
	return true;
}
