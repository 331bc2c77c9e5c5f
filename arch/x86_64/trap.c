/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions and NMIs of the host. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/mce.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/stop.h"
#include "arch/x86_64/trap.h"

/* Code that tests `attention` and then sleeps or enters a guest.  An NMI between the two would be
 * noticed too late, so one that interrupts [from, to) returns to `resume`. */
extern const struct resume_point {
	uint64_t from, to, resume;
} resume_points[]; /* from the assembly files; linker.ld ends the table with a 0 */

static void handle_nmi(struct core *c)
{
	atomic_store(&c->attention, true);
	stop_if_wanted(c);
}

static void apply_resume_point(struct trap_frame *f)
{
	for (const struct resume_point *p = resume_points; p->from; p++)
		if (f->rip >= p->from && f->rip < p->to) {
			f->rip = p->resume;
			return;
		}
}

static void handle_machine_check(const struct trap_frame *f)
{
	char text[160] = ": ";

	if (mce_handle(false, text + 2, sizeof text - 2) != MCE_GO_ON)
		panic_exception(f, text);
	panic_print("patio: core %u continues after a %s", this_core()->index, text + 2);
}

void trap_handle(struct trap_frame *f)
{
	struct core *c = this_core();

	if (f->vector == VECTOR_MC)
		handle_machine_check(f);
	else if (f->vector == VECTOR_NMI)
		handle_nmi(c);
	else
		panic_exception(f, "");
	apply_resume_point(f);
}
