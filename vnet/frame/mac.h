/* SPDX-License-Identifier: BSD-2-Clause */
/* mac.h: MAC addresses as numbers: the low 48 bits, the first byte on the wire lowest. */
#ifndef VNET_FRAME_MAC_H
#define VNET_FRAME_MAC_H
#include <stdint.h>

typedef uint64_t mac_t;
#define MAC_MASK      0xffffffffffffull
#define MAC_BROADCAST MAC_MASK
#define MAC_MULTICAST 1ull /* the group bit, IEEE 802 */

/*
 * The six bytes at p, in wire order, as a number.  p needs no alignment.  The machine is little
 * endian; the builtins stay in line in a freestanding build too.
 */
static inline mac_t mac_read(const uint8_t *p)
{
	uint32_t low;
	uint16_t high;

	__builtin_memcpy(&low, p, 4);
	__builtin_memcpy(&high, p + 4, 2);
	return low | (mac_t)high << 32;
}

/* Writes m to the six bytes at p, in wire order. */
static inline void mac_write(uint8_t *p, mac_t m)
{
	uint32_t low = (uint32_t)m;
	uint16_t high = (uint16_t)(m >> 32);

	__builtin_memcpy(p, &low, 4);
	__builtin_memcpy(p + 4, &high, 2);
}

#endif
