/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * headers.h: the parser of Ethernet, VLAN, IP and extension headers, used by the switch, links,
 * offloads, the e1000 driver and Dom0.  Pure; it reads a copy of a frame's first bytes, and neither
 * allocates nor keeps anything.
 *
 * Before layer 3: up to HEADERS_TAGS VLAN tags of type 8100h (IEEE 802.1Q, the C-tag), 88A8h (the
 * S-tag, formerly 802.1ad) or 9100h (S-tags of bridges from before 88A8h was assigned), in any
 * order.  A third tag counts as an unknown type.
 *
 * Behind the IP header: IPv6 extension headers (RFC 8200, 4; IANA's registry): hop-by-hop options
 * 0, routing 43, fragment 44, destination options 60, mobility 135, HIP 139 and Shim6 140; and the
 * authentication header 51 (RFC 4302) of both versions.  The chain ends at any other header: TCP,
 * UDP, ICMP, ESP 50, which hides what follows, "no next header" 59.  Each extension header has at
 * least eight bytes, so their number is bounded by the bytes given.
 */
#ifndef VNET_FRAME_HEADERS_H
#define VNET_FRAME_HEADERS_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/net_formats.h"

#define HEADERS_TAGS 2
#define HEADERS_L3   (14 + 4 * HEADERS_TAGS) /* the largest offset of layer 3 */
#define HEADERS_FLOW 128                     /* bytes within which the ports usually lie */

struct headers {
	uint16_t type;    /* the Ethernet type behind the tags */
	uint8_t tags;     /* how many there are */
	uint8_t protocol; /* IP: of the header where the chain ends, or cannot be followed */
	uint16_t l3;      /* offset of the network header; 0: the bytes end before it */
	uint16_t l4; /* IP: offset of that protocol's header; 0: the bytes end before it, or it is
	              * in another fragment */
	bool ipv4, ipv6; /* there is such a header, its fixed part complete */
	bool fragment;   /* the packet is one of several fragments */
	bool extended;   /* IPv4 options or IPv6 extension headers are there */
	bool covered;    /* by an authentication header: no byte of layer 4 may change */
};

/* Reads the first `have` bytes of a frame. */
void headers_read(struct headers *h, const uint8_t *head, unsigned have);

/* The same up to the network header: type, tags and l3, where ipv4 and ipv6 are false. */
void headers_read_ether(struct headers *h, const uint8_t *head, unsigned have);

/*
 * The addresses that a layer-4 checksum covers, 4 or 16 bytes each; `head` is what headers_read()
 * read, l4 is not 0.  Of a source-routed packet this is the final destination: of an IPv6 routing
 * header (RFC 8200, 8.1) of type 0, 2 (RFC 6275), 3 (RFC 6554) or 4 (RFC 8754), or an IPv4 source
 * route (RFC 1122, 3.2.1.8).  The source is the home address if there is that option (RFC 6275,
 * 11.3.1).  False: a header is malformed, or a routing header of another type.
 */
bool headers_pseudo_addresses(const struct headers *h, const uint8_t *head, uint8_t source[16],
                              uint8_t destination[16]);

/* DSCP and, lowest, the two bits of ECN: IPv4's TOS, IPv6's traffic class, which lies in the
 * second half of the first byte and the first half of the second (RFC 2474, RFC 3168). */
static inline uint8_t headers_tos(const struct headers *h, const uint8_t *head)
{
	const uint8_t *ip = head + h->l3;

	return h->ipv6 ? (uint8_t)(ip[0] << 4 | ip[1] >> 4) : ip[1];
}

#endif
