/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tick.h: the switch's coarse clock, a word that any core in its run loop sets when it is a second
 * old: there is no host timer.  Setting it is all that is done, unless an IOMMU has stopped a
 * device meanwhile: then the boot core is called, which reports that.  While no core runs that
 * loop, no frame is forwarded either.
 */
#ifndef VMM_TICK_H
#define VMM_TICK_H
#include <stdatomic.h>
#include <stdint.h>

extern _Atomic uint64_t tick_next; /* TSC value from which tick_move() is due */

/* Sets the switch's clock, and sees to IOMMUs' reports. */
void tick_move(uint64_t tsc);

static inline void tick(uint64_t tsc)
{
	if (__builtin_expect(tsc >= atomic_load_explicit(&tick_next, memory_order_relaxed), 0))
		tick_move(tsc);
}
#endif
