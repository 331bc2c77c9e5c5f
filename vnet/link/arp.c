/* SPDX-License-Identifier: BSD-2-Clause */
/* arp.c: reading and building ARP frames. */
#include "vnet/link/arp.h"
#include <string.h>
#include "lib/bytes.h"

/* Hardware type Ethernet, protocol type IPv4, and the lengths of their addresses. */
static const uint8_t kinds[6] = {0, 1, 0x08, 0x00, 6, 4};

bool arp_read(struct arp *a, const uint8_t *p, unsigned len)
{
	if (len < ARP_BYTES || memcmp(p + 14, kinds, sizeof kinds) != 0)
		return false;
	a->op = be16(p + 20);
	a->sender_mac = mac_read(p + 22);
	a->sender = be32(p + 28);
	a->target_mac = mac_read(p + 32);
	a->target = be32(p + 38);
	return (a->op == ARP_REQUEST || a->op == ARP_REPLY) && a->sender_mac &&
	       !(a->sender_mac & MAC_MULTICAST);
}

void arp_write(uint8_t *out, mac_t dst, const struct arp *a)
{
	memset(out, 0, ARP_FRAME);
	mac_write(out, dst);
	mac_write(out + 6, a->sender_mac);
	put_be16(out + 12, ETHER_ARP);
	memcpy(out + 14, kinds, sizeof kinds);
	put_be16(out + 20, a->op);
	mac_write(out + 22, a->sender_mac);
	put_be32(out + 28, a->sender);
	mac_write(out + 32, a->target_mac);
	put_be32(out + 38, a->target);
}
