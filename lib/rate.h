/* SPDX-License-Identifier: BSD-2-Clause */
/* rate.h: the count of a clock of some rate, by the time stamp counter. */
#ifndef LIB_RATE_H
#define LIB_RATE_H
#include <stdint.h>

#define PIT_HZ 1193182 /* 14.31818 MHz / 12 */
#define PM_HZ  3579545 /* 14.31818 MHz / 4 (ACPI 6.4, 4.8.3.3) */

/* How often a clock of `hz` ticked while the TSC, of `tsc_hz`, counted `tsc`.  hz is below 2^24,
 * and tsc_hz below 2^40. */
static inline uint64_t rate_ticks(uint64_t tsc, uint64_t tsc_hz, uint32_t hz)
{
	return tsc / tsc_hz * hz + tsc % tsc_hz * hz / tsc_hz;
}
#endif
