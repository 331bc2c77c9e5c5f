/* SPDX-License-Identifier: BSD-2-Clause */
/* Waits for a machine check, with CR4.MCE as a guest finds it: clear.  Where the VMM intercepts
 * exception 18 this guest is stopped; QEMU delivers it to the guest (docs/emulator-traps.md). */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/trap.h"

#define VECTOR_MC 18

static void on_machine_check(struct trap_frame *f)
{
	check(f->vector == VECTOR_MC, "machine_check", "vector %lu", f->vector);
	done();
}

void guest_main(void)
{
	trap_set_exception(VECTOR_MC, on_machine_check);
	print("waiting\n");
	for (;;)
		cpu_pause();
}
