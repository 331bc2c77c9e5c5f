/* SPDX-License-Identifier: BSD-2-Clause */
/* arp.h: ARP for IPv4 over Ethernet (RFC 826): reading and building (private to vnet/).  No state.
 */
#ifndef VNET_LINK_ARP_H
#define VNET_LINK_ARP_H
#include "lib/net_formats.h"
#include "vnet/vnet.h"

#define ARP_BYTES   42 /* with its Ethernet header */
#define ARP_FRAME   60 /* as sent: the shortest frame without its check sequence */
#define ARP_REQUEST 1
#define ARP_REPLY   2

struct arp {
	unsigned op;
	mac_t sender_mac, target_mac;
	uint32_t sender, target; /* IPv4 addresses */
};

/* Reads the ARP frame of `len` bytes at p.  False: too short, other address types, neither request
 * nor reply, or the sender's MAC is a group address or 0. */
bool arp_read(struct arp *a, const uint8_t *p, unsigned len);

/* Writes ARP_FRAME bytes: the frame from a->sender_mac to `dst`. */
void arp_write(uint8_t *out, mac_t dst, const struct arp *a);

#endif
