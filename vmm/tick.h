/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tick.h: the switch's coarse clock, advanced once a second by any core in its run loop: there is
 * no host timer.  While no core runs that loop, no frame is forwarded either.
 */
#ifndef VMM_TICK_H
#define VMM_TICK_H
#include <stdatomic.h>
#include <stdint.h>

extern _Atomic uint64_t tick_next; /* TSC value from which tick_move() is due */

/* Advances the switch's clock; one core does it, the others return at once. */
void tick_move(uint64_t tsc);

/* The same at once, so that a new link resolves its next hop without delay.  Not from within the
 * walk. */
void tick_now(void);

static inline void tick(uint64_t tsc)
{
	if (__builtin_expect(tsc >= atomic_load_explicit(&tick_next, memory_order_relaxed), 0))
		tick_move(tsc);
}
#endif
