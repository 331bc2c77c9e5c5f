/* toobig.c: ICMP answers to frames that do not fit a link. */
#include "vnet/toobig.h"
#include <string.h>
#include "vnet/bytes.h"
#include "vnet/encap.h"
#include "vnet/view.h"
#include "vnet/wire.h"

#define PROTO_ICMPV6 58
#define DF           0x4000
#define FRAGMENT     0x1fff
#define UNREACHABLE  3 /* and its code 4: fragmentation needed and DF set */
#define NEEDED       4
#define TOO_BIG      2 /* of ICMPv6 */

/* The frame's beginning, in a copy that its sender cannot change. */
struct original {
	uint8_t byte[18 + TOOBIG_QUOTE];
	unsigned have, l3, type;
};

static bool read(struct original *o, const struct vnet_frame *frame)
{
	o->have = view_read(frame, o->byte, sizeof o->byte);
	o->l3 = 14;
	if (o->have < 18)
		return false;
	o->type = be16(o->byte + 12);
	if (o->type == 0x8100) { /* IEEE 802.1Q */
		o->type = be16(o->byte + 16);
		o->l3 = 18;
	}
	return true;
}

/* Whether an ICMP message is an error: what is not one of the queries and their replies. */
static bool icmp_error(unsigned type)
{
	return type != 0 && type != 8 && (type < 13 || type > 18);
}

static bool ipv4_due(const struct original *o)
{
	const uint8_t *ip = o->byte + o->l3;
	unsigned bytes;

	if (o->have < o->l3 + 28)
		return false;
	bytes = 4u * (ip[0] & 15);
	if (ip[0] >> 4 != 4 || bytes < 20 || o->have < o->l3 + bytes + 8)
		return false;
	if (!(be16(ip + 6) & DF) || be16(ip + 6) & FRAGMENT)
		return false;
	if (ip[9] == IP_ICMP && icmp_error(ip[bytes]))
		return false;
	return address_is_host(be32(ip + 12)) && address_is_host(be32(ip + 16));
}

static bool ipv6_due(const struct original *o)
{
	static const uint8_t unspecified[16];
	const uint8_t *ip = o->byte + o->l3;

	if (o->have < o->l3 + 48 || ip[0] >> 4 != 6)
		return false;
	if (ip[6] == PROTO_ICMPV6 && !(ip[40] & 0x80)) /* errors are below 128 */
		return false;
	return ip[8] != 0xff && ip[24] != 0xff && memcmp(ip + 8, unspecified, 16) != 0;
}

/* The Ethernet header, with the tag that there was, back to the sender. */
static void write_ether(uint8_t *out, const struct original *o, const struct vnet_frame *frame)
{
	memcpy(out, o->byte, o->l3);
	mac_write(out, frame->src);
	mac_write(out + 6, frame->dst);
}

static unsigned write_ipv4(uint8_t *ip, const struct original *o, unsigned quote, unsigned mtu)
{
	const uint8_t *was = o->byte + o->l3;
	uint8_t *icmp = ip + 20;
	struct sum head = {0, false}, all = {0, false};

	memset(ip, 0, 28);
	ip[0] = 0x45;
	put16(ip + 2, 28 + quote);
	put16(ip + 6, DF);
	ip[8] = 64;
	ip[9] = IP_ICMP;
	memcpy(ip + 12, was + 16, 4);
	memcpy(ip + 16, was + 12, 4);
	sum_bytes(&head, ip, 20);
	sum_store(&head, ip + 10);
	icmp[0] = UNREACHABLE;
	icmp[1] = NEEDED;
	put16(icmp + 6, mtu);
	memcpy(icmp + 8, was, quote);
	sum_bytes(&all, icmp, 8 + quote);
	sum_store(&all, icmp + 2);
	return 28 + quote;
}

static unsigned write_ipv6(uint8_t *ip, const struct original *o, unsigned quote, unsigned mtu)
{
	const uint8_t *was = o->byte + o->l3;
	uint8_t *icmp = ip + 40;
	struct sum all = {0, false};

	memset(ip, 0, 48);
	ip[0] = 0x60;
	put16(ip + 4, 8 + quote);
	ip[6] = PROTO_ICMPV6;
	ip[7] = 64;
	memcpy(ip + 8, was + 24, 16);
	memcpy(ip + 24, was + 8, 16);
	icmp[0] = TOO_BIG;
	put32(icmp + 4, mtu);
	memcpy(icmp + 8, was, quote);
	/* RFC 8200, 8.1: both addresses, the length, the protocol. */
	sum_bytes(&all, ip + 8, 32);
	sum_be32(&all, 8 + quote);
	sum_be32(&all, PROTO_ICMPV6);
	sum_bytes(&all, icmp, 8 + quote);
	sum_store(&all, icmp + 2);
	return 48 + quote;
}

unsigned toobig_answer(uint8_t *out, const struct vnet_frame *frame, unsigned limit)
{
	struct original o;
	unsigned quote, bytes;

	if (frame->dst & MAC_MULTICAST || !read(&o, frame))
		return 0;
	quote = o.have - o.l3;
	if (quote > TOOBIG_QUOTE)
		quote = TOOBIG_QUOTE;
	if (o.type == 0x0800 && ipv4_due(&o))
		bytes = write_ipv4(out + o.l3, &o, quote, limit - o.l3);
	else if (o.type == 0x86dd && ipv6_due(&o))
		bytes = write_ipv6(out + o.l3, &o, quote, limit - o.l3);
	else
		return 0;
	write_ether(out, &o, frame);
	return o.l3 + bytes;
}
