/* tick.h: the switch's coarse clock, moved by whichever core passes by: there is no host timer. */
#ifndef VMM_TICK_H
#define VMM_TICK_H
#include <stdatomic.h>
#include <stdint.h>

extern _Atomic uint64_t tick_next; /* TSC value from which tick_move() is due */

/* Tells the switch the time; one core at a time, the others go on. */
void tick_move(uint64_t tsc);

static inline void tick(uint64_t tsc)
{
	if (__builtin_expect(tsc >= atomic_load_explicit(&tick_next, memory_order_relaxed), 0))
		tick_move(tsc);
}
#endif
