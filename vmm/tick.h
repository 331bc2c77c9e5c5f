/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tick.h: the switch's coarse clock, moved once a second by whichever core passes by: there is no
 * host timer.  While no core passes by, no frame moves either.
 */
#ifndef VMM_TICK_H
#define VMM_TICK_H
#include <stdatomic.h>
#include <stdint.h>

extern _Atomic uint64_t tick_next; /* TSC value from which tick_move() is due */

/* Tells the switch the time; one core at a time, the others go on. */
void tick_move(uint64_t tsc);

/* The same, due or not: a link that was just made asks for its next hop.  Not from within the walk.
 */
void tick_now(void);

static inline void tick(uint64_t tsc)
{
	if (__builtin_expect(tsc >= atomic_load_explicit(&tick_next, memory_order_relaxed), 0))
		tick_move(tsc);
}
#endif
