/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest may write to the local vector table of its core's APIC (Intel SDM vol. 3, 11.5.1).
 */
#include "vmm/devices/vapic.h"

#define MODE       (7u << 8)
#define MODE_FIXED (0u << 8)
#define MODE_NMI   (4u << 8)
#define STATUS     (1u << 12) /* read only */
#define REMOTE_IRR (1u << 14) /* read only */

uint32_t vapic_lvt_bits(unsigned reg)
{
	/* timer, thermal, performance, LINT0, LINT1, error */
	static const uint32_t bits[] = {0x300ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

	return reg >= APIC_LVT_TIMER && reg <= APIC_LVT_ERROR ? bits[reg - APIC_LVT_TIMER] : 0;
}

/*
 * A guest may not raise the other modes: SMI enters the firmware's handler, INIT resets the core or
 * leaves it waiting for a SIPI while the VMM runs on it, ExtINT takes a vector from the machine's
 * 8259s.
 */
static bool mode_allowed(uint32_t value)
{
	return (value & MODE) == MODE_FIXED || (value & MODE) == MODE_NMI;
}

enum vapic_lvt vapic_lvt_check(unsigned reg, uint64_t value, uint32_t *hardware)
{
	uint32_t bits = vapic_lvt_bits(reg);

	if (!bits || value & ~(uint64_t)(bits | STATUS | REMOTE_IRR))
		return VAPIC_LVT_FAULT;
	*hardware = (uint32_t)value & bits;
	if ((value & LVT_MASKED) || mode_allowed(*hardware))
		return VAPIC_LVT_TAKEN;
	*hardware |= LVT_MASKED;
	return VAPIC_LVT_KEPT_MASKED;
}
