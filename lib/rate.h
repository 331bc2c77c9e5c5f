/* SPDX-License-Identifier: BSD-2-Clause */
/* rate.h: converts time stamp counter ticks to the ticks of another clock. */
#ifndef LIB_RATE_H
#define LIB_RATE_H
#include <stdint.h>

#define PIT_HZ 1193182 /* 14.31818 MHz / 12 */
#define PM_HZ  3579545 /* 14.31818 MHz / 4 (ACPI 6.4, 4.8.3.3) */

/* The ticks of a clock of `hz` during `tsc` ticks of a TSC of `tsc_hz`, without overflow for hz
 * below 2^24 and tsc_hz below 2^40. */
static inline uint64_t rate_ticks(uint64_t tsc, uint64_t tsc_hz, uint32_t hz)
{
	return tsc / tsc_hz * hz + tsc % tsc_hz * hz / tsc_hz;
}
#endif
