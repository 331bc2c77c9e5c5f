/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch's coarse clock; see tick.h. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"
#include "vmm/tick.h"
#include "vnet/vnet.h"

_Atomic uint64_t tick_next;

void tick_move(uint64_t tsc)
{
	uint64_t due = atomic_load(&tick_next), period = tsc_khz * 1000; /* a second */
	if (!atomic_compare_exchange_strong(&tick_next, &due, tsc + period))
		return;
	/* A guest's core never waits for a change of the switch in progress: a core tries again in
	 * 10 ms. */
	if (!vnet_tick(this_core()->net, tsc / (tsc_khz * 1000)))
		atomic_store(&tick_next, tsc + period / 100);
}

void tick_now(void)
{
	if (!vnet_tick(this_core()->net, rdtsc() / (tsc_khz * 1000)))
		atomic_store(&tick_next, 0); /* the next call of tick() does it */
}
