/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.h: what a guest may write into registers of the CPU: rules that know no CPU. */
#ifndef VMM_POLICY_H
#define VMM_POLICY_H
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"

/*
 * Would XSETBV take this value of XCR0 on a CPU that has the components `have`?  (APM vol. 2,
 * 11.5.2; Intel SDM vol. 1, 13.3.)  Components that are not known here are refused: their rules
 * are not either.
 */
static inline bool xcr0_valid(uint64_t value, uint64_t have)
{
	static const uint64_t together[] = {0xE0, 0x60000}; /* AVX-512, AMX */
	for (unsigned i = 0; i < sizeof together / sizeof together[0]; i++)
		if ((value & together[i]) && (value & together[i]) != together[i])
			return false;
	if (value & ~(have & XCR0_KNOWN) || !(value & 1) || ((value & 4) && !(value & 2)))
		return false;
	return !(value & 0xE0) || (value & 4);
}

/* Is each of the eight bytes of a PAT a memory type: 0, 1, 4, 5, 6 or 7?  (APM vol. 2, 7.8.1.) */
static inline bool pat_valid(uint64_t value)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t type = (uint8_t)(value >> 8 * i);
		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/*
 * A bus lock holds up every core, so a guest gets one in `gap` ticks: the time stamp at which it
 * may go on, when it made one now and its last one ended at `last`.  A guest that makes them for
 * ever waits on its own core.
 */
static inline uint64_t bus_lock_rest(uint64_t now, uint64_t last, uint64_t gap)
{
	return now - last < gap ? last + gap : now;
}
#endif
