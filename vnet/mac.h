/* mac.h: MAC addresses as numbers: the low 48 bits, the first byte on the wire lowest. */
#ifndef VNET_MAC_H
#define VNET_MAC_H
#include <stdint.h>

typedef uint64_t mac_t;
#define MAC_MASK      0xffffffffffffull
#define MAC_BROADCAST MAC_MASK
#define MAC_MULTICAST 1ull /* the group bit, IEEE 802 */

/* The six bytes at p, in wire order, as a number.  p needs no alignment. */
static inline mac_t mac_read(const uint8_t *p)
{
	mac_t m = 0;

	for (unsigned i = 0; i < 6; i++)
		m |= (mac_t)p[i] << (8 * i);
	return m;
}

/* Writes m to the six bytes at p, in wire order. */
static inline void mac_write(uint8_t *p, mac_t m)
{
	for (unsigned i = 0; i < 6; i++)
		p[i] = (uint8_t)(m >> (8 * i));
}

#endif
