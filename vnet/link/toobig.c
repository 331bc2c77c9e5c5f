/* SPDX-License-Identifier: BSD-2-Clause */
/* toobig.c: see toobig.h. */
#include "vnet/link/toobig.h"
#include <string.h>
#include "lib/bytes.h"
#include "vnet/frame/headers.h"
#include "vnet/frame/view.h"
#include "vnet/link/wire.h"

#define DF          0x4000
#define UNREACHABLE 3 /* and its code 4: fragmentation needed and DF set */
#define NEEDED      4
#define TOO_BIG     2 /* of ICMPv6 */

/* The frame's first bytes, in a copy that its sender cannot change. */
struct original {
	uint8_t byte[HEADERS_L3 + TOOBIG_QUOTE];
	unsigned have;
	struct headers h;
};

/* Whether an ICMP message is an error: neither a query nor a reply to one. */
static bool icmp_error(unsigned type)
{
	return type != 0 && type != 8 && (type < 13 || type > 18);
}

/* Whether at least eight bytes of the layer-4 header are there, with an ICMP type. */
static bool has_l4(const struct original *o)
{
	return o->h.l4 && o->have >= o->h.l4 + 8u;
}

static bool ipv4_due(const struct original *o)
{
	const uint8_t *ip = o->byte + o->h.l3;

	if (!(be16(ip + 6) & DF) || !has_l4(o))
		return false;
	if (o->h.protocol == IP_ICMP && icmp_error(o->byte[o->h.l4]))
		return false;
	return address_is_host(be32(ip + 12)) && address_is_host(be32(ip + 16));
}

/* A fragment without the layer-4 header is answered, too: ICMP errors are too short to be
 * fragmented (RFC 4443, 2.4 c). */
static bool ipv6_due(const struct original *o)
{
	static const uint8_t unspecified[16];
	const uint8_t *ip = o->byte + o->h.l3;

	/* Errors are below 128. */
	if (o->h.protocol == IP_ICMPV6 && has_l4(o) && !(o->byte[o->h.l4] & 0x80))
		return false;
	return ip[8] != 0xff && ip[24] != 0xff && memcmp(ip + 8, unspecified, 16) != 0;
}

/* The Ethernet header with its tags, back to the sender. */
static void write_ether(uint8_t *out, const struct original *o, const struct vnet_frame *frame)
{
	memcpy(out, o->byte, o->h.l3);
	mac_write(out, frame->src);
	mac_write(out + 6, frame->dst);
}

static unsigned write_ipv4(uint8_t *ip, const struct original *o, unsigned quote, unsigned mtu)
{
	const uint8_t *was = o->byte + o->h.l3;
	uint8_t *icmp = ip + 20;
	struct sum head = {0, false}, all = {0, false};

	memset(ip, 0, 28);
	ip[0] = 0x45;
	put_be16(ip + 2, 28 + quote);
	put_be16(ip + 6, DF);
	ip[8] = 64;
	ip[9] = IP_ICMP;
	memcpy(ip + 12, was + 16, 4);
	memcpy(ip + 16, was + 12, 4);
	sum_bytes(&head, ip, 20);
	sum_store(&head, ip + 10);
	icmp[0] = UNREACHABLE;
	icmp[1] = NEEDED;
	put_be16(icmp + 6, mtu);
	memcpy(icmp + 8, was, quote);
	sum_bytes(&all, icmp, 8 + quote);
	sum_store(&all, icmp + 2);
	return 28 + quote;
}

static unsigned write_ipv6(uint8_t *ip, const struct original *o, unsigned quote, unsigned mtu)
{
	const uint8_t *was = o->byte + o->h.l3;
	uint8_t *icmp = ip + 40;
	struct sum all = {0, false};

	memset(ip, 0, 48);
	ip[0] = 0x60;
	put_be16(ip + 4, 8 + quote);
	ip[6] = IP_ICMPV6;
	ip[7] = 64;
	memcpy(ip + 8, was + 24, 16);
	memcpy(ip + 24, was + 8, 16);
	icmp[0] = TOO_BIG;
	put_be32(icmp + 4, mtu);
	memcpy(icmp + 8, was, quote);
	/* RFC 8200, 8.1: both addresses, the length, the protocol. */
	sum_bytes(&all, ip + 8, 32);
	sum_be32(&all, 8 + quote);
	sum_be32(&all, IP_ICMPV6);
	sum_bytes(&all, icmp, 8 + quote);
	sum_store(&all, icmp + 2);
	return 48 + quote;
}

unsigned toobig_answer(uint8_t *out, const struct vnet_frame *frame, unsigned limit)
{
	struct original o;
	unsigned quote, bytes, l3;

	if (frame->dst & MAC_MULTICAST)
		return 0;
	o.have = view_read(frame, o.byte, sizeof o.byte);
	headers_read(&o.h, o.byte, o.have);
	l3 = o.h.l3;
	quote = o.have - l3 < TOOBIG_QUOTE ? o.have - l3 : TOOBIG_QUOTE;
	if (o.h.ipv4 && ipv4_due(&o))
		bytes = write_ipv4(out + l3, &o, quote, limit - l3);
	else if (o.h.ipv6 && ipv6_due(&o))
		bytes = write_ipv6(out + l3, &o, quote, limit - l3);
	else
		return 0;
	write_ether(out, &o, frame);
	return l3 + bytes;
}
