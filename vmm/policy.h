/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.h: checks of values that a guest writes to CPU registers; they access no CPU. */
#ifndef VMM_POLICY_H
#define VMM_POLICY_H
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"

/*
 * Is this value of XCR0 legal on a CPU with the components `have`?  (APM vol. 2, 11.5.2; Intel SDM
 * vol. 1, 13.3.)  Components not known here are refused, because their rules are not known either.
 */
static inline bool xcr0_valid(uint64_t value, uint64_t have)
{
	static const uint64_t together[] = {0xe0, 0x60000}; /* AVX-512, AMX */

	for (unsigned i = 0; i < sizeof together / sizeof together[0]; i++)
		if ((value & together[i]) && (value & together[i]) != together[i])
			return false;
	if (value & ~(have & XCR0_KNOWN) || !(value & 1) || ((value & 4) && !(value & 2)))
		return false;
	return !(value & 0xe0) || (value & 4);
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

/* MTRRcap (Intel SDM vol. 3, 11.11.1; AMD APM vol. 2, 7.7.6): write combining is a type; there are
 * neither fixed nor variable ranges, and the MSRs of these do not exist. */
#define MTRR_CAP 0x400ul
/* MTRRdefType as a PC's firmware leaves it: MTRRs are on, and all memory is write-back. */
#define MTRR_DEF_TYPE_BOOT 0x806ul

/* Is it a value of MTRRdefType: the type 0, 1, 4, 5 or 6, the bits FE and E, and no others?  (Intel
 * SDM vol. 3, 11.11.2.1.) */
static inline bool mtrr_def_type_valid(uint64_t value)
{
	uint8_t type = (uint8_t)value;

	return !(value & ~0xcfful) && type <= 6 && type != 2 && type != 3;
}

/*
 * A bus lock stalls every core, so a guest may make one in `gap` ticks.  Returns the TSC value at
 * which it may go on after a bus lock now, if it went on after its previous one at `last`.  A guest
 * that makes them for ever only delays itself.
 */
static inline uint64_t bus_lock_rest(uint64_t now, uint64_t last, uint64_t gap)
{
	return now - last < gap ? last + gap : now;
}
#endif
