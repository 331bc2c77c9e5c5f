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
	const char *what = write ? "write to" : "read of", *then = write ? "dropped" : "all ones";
	if (unnamed)
		log_warn("%s: %s guest-physical %lx, where nothing is: %s (and %lu more like it "
		         "before)",
		         v->vm->name, what, gpa, then, unnamed);
	else
		log_warn("%s: %s guest-physical %lx, where nothing is: %s", v->vm->name, what, gpa,
		         then);
}

bool absent_access(struct vcpu *v, uint64_t gpa, bool write, uint64_t *val)
{
	uint64_t unnamed;
	bool name = absent_count(&v->vm->absent, gpa, write, rdtsc(), tsc_khz * 1000, &unnamed);
	if (v->vm->load.absent_stops) {
		vcpu_fail(v, "%s guest-physical %lx, where nothing is",
		          write ? "write to" : "read of", gpa);
		return false;
	}
	if (name)
		log_access(v, gpa, write, unnamed);
	if (!write)
		*val = ~0ul;
	return true;
}
