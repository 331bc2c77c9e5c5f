/* SPDX-License-Identifier: BSD-2-Clause */
/* Which APICs an interrupt's destination selects. */
#include "vmm/devices/vapic.h"

#define DFR_FLAT 0xf

static bool matches_x2(unsigned id, uint32_t dest, bool logical)
{
	uint32_t ldr = vapic_x2_ldr(id);

	if (dest == 0xffffffff)
		return true;
	return logical ? ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff) : dest == id;
}

bool vapic_matches(const struct vapic *a, unsigned id, uint32_t dest, bool logical)
{
	uint8_t to = (uint8_t)dest, ldr = a->ldr >> 24;

	if (!vapic_enabled(a))
		return false;
	if (vapic_is_x2(a))
		return matches_x2(id, dest, logical);
	if (to == 0xff)
		return true;
	if (!logical)
		return to == id;
	if (a->dfr >> 28 == DFR_FLAT)
		return ldr & to;
	return ldr >> 4 == to >> 4 && (ldr & to & 0xf);
}
