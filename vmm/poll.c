/* SPDX-License-Identifier: BSD-2-Clause */
/* poll.c: see poll.h. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"
#include "lib/count.h"
#include "vmm/poll.h"
#include "vmm/tick.h"
#include "vnet/vnet.h"

#define BUDGET 64 /* frames forwarded from one port in one visit */

static _Atomic uint64_t poll_ticks; /* of the TSC, from the last frame to the sleep */

void poll_time_set(uint32_t us)
{
	atomic_store(&poll_ticks, us * tsc_khz / 1000);
}

void poll_wake(unsigned core)
{
	core_call(&cores[core], CORE_POLL);
}

uint64_t poll_rounds(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < ncores; i++)
		n += count_read(&cores[i].poll_rounds);
	return n;
}

void poll_turn(struct core *c)
{
	uint64_t now = rdtsc();

	tick(now);
	if (!c->polls) {
		c->polls = true;
		c->polled = now;
		vnet_unrest(c->net);
	}
	count_add(&c->poll_rounds, 1);
	if (vnet_poll(c->net, BUDGET)) {
		c->polled = now;
	} else if (now - c->polled < atomic_load_explicit(&poll_ticks, memory_order_relaxed) ||
	           !vnet_rest(c->net)) {
		core_pause();
	} else {
		c->polls = false;
		core_idle(c);
	}
}
