/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's first NMI must arrive, before any IRET, whatever state the core's last guest left.
 * Option: hold=1 ends the guest in its NMI handler, so that it leaves NMIs blocked.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"

#define VECTOR_NMI 2
#define ICR_NMI    0x4400

static volatile unsigned taken;
static bool hold;

static void on_nmi(struct trap_frame *f)
{
	(void)f;
	taken++;
	if (!hold)
		return;
	check(taken == 1, "held", "%u came", taken);
	done();
}

void guest_main(void)
{
	hold = mb_number("hold", 0);
	lapic_init(false);
	trap_set_exception(VECTOR_NMI, on_nmi);
	lapic_send(lapic_id(), ICR_NMI);
	for (unsigned i = 0; i < 1000000 && !taken; i++)
		cpu_pause();
	check(taken == 1 && !hold, "first_nmi", "%u came", taken);
	done();
}
