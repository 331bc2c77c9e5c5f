/* SPDX-License-Identifier: BSD-2-Clause */
/* headers.c: see headers.h. */
#include "vnet/frame/headers.h"
#include <string.h>
#include "lib/bytes.h"

enum next_header {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	DESTINATION = 60,
	MOBILITY = 135,
	HIP = 139,
	SHIM6 = 140,
};

#define IPV4_MIN       20
#define IPV6_BYTES     40
#define EXTENSION_MIN  8
#define IPV4_FRAGMENT  0x3fff /* more fragments, or an offset */
#define IPV4_OFFSET    0x1fff
#define IPV6_FRAGMENT  0xfff9 /* likewise */
#define IPV6_OFFSET    0xfff8
#define OPTION_END     0 /* of IPv4 */
#define OPTION_NOP     1
#define OPTION_LSRR    131
#define OPTION_SSRR    137
#define OPTION_PAD1    0 /* of IPv6 */
#define OPTION_HOME    201
#define ROUTING_SOURCE 0
#define ROUTING_HOME   2
#define ROUTING_RPL    3
#define ROUTING_SRH    4

static bool is_tag(unsigned type)
{
	return type == ETHER_TAG_C || type == ETHER_TAG_S || type == ETHER_TAG_OLD;
}

void headers_read_ether(struct headers *h, const uint8_t *head, unsigned have)
{
	unsigned at = 14;

	memset(h, 0, sizeof *h);
	if (have < at)
		return;
	h->type = be16(head + 12);
	while (is_tag(h->type) && h->tags < HEADERS_TAGS) {
		if (have < at + 4)
			return;
		h->type = be16(head + at + 2);
		h->tags++;
		at += 4;
	}
	h->l3 = (uint16_t)at;
}

/* Bytes of the extension header at p; 0: h->protocol is none, and the chain ends. */
static unsigned extension_bytes(const struct headers *h, const uint8_t *p)
{
	switch (h->protocol) {
	case AUTHENTICATION:
		return 4u * (p[1] + 2u);
	case HOP_BY_HOP:
	case ROUTING:
	case DESTINATION:
	case MOBILITY:
	case HIP:
	case SHIM6:
		return h->ipv6 ? 8u * (p[1] + 1u) : 0;
	case FRAGMENT:
		return h->ipv6 ? 8 : 0;
	}
	return 0;
}

static bool is_extension(const struct headers *h)
{
	static const uint8_t any[2];

	return extension_bytes(h, any) != 0;
}

/* Notes what an extension header says; false: what follows it is in another fragment. */
static bool note_extension(struct headers *h, const uint8_t *p)
{
	unsigned fragment = h->protocol == FRAGMENT ? be16(p + 2) : 0;

	h->extended = true;
	h->covered |= h->protocol == AUTHENTICATION;
	/* An atomic fragment, which is the whole packet, does not count (RFC 6946). */
	h->fragment |= (fragment & IPV6_FRAGMENT) != 0;
	return !(fragment & IPV6_OFFSET);
}

/* Follows the chain of extension headers from offset `at` to the first other header. */
static void follow_chain(struct headers *h, const uint8_t *head, unsigned have, unsigned at)
{
	while (is_extension(h)) {
		const uint8_t *p = head + at;
		unsigned bytes;
		bool here;

		if (have < at + EXTENSION_MIN)
			return;
		bytes = extension_bytes(h, p);
		here = note_extension(h, p);

		h->protocol = p[0];
		at += bytes;
		if (!here)
			return;
	}
	if (at <= have)
		h->l4 = (uint16_t)at;
}

static void read_ipv4(struct headers *h, const uint8_t *head, unsigned have)
{
	const uint8_t *ip = head + h->l3;
	unsigned bytes;

	if (have < h->l3 + (unsigned)IPV4_MIN || ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
		return;
	bytes = 4u * (ip[0] & 15);
	h->ipv4 = true;
	h->extended = bytes > IPV4_MIN;
	h->protocol = ip[9];
	h->fragment = be16(ip + 6) & IPV4_FRAGMENT;
	if (!(be16(ip + 6) & IPV4_OFFSET))
		follow_chain(h, head, have, h->l3 + bytes);
}

static void read_ipv6(struct headers *h, const uint8_t *head, unsigned have)
{
	const uint8_t *ip = head + h->l3;

	if (have < h->l3 + (unsigned)IPV6_BYTES || ip[0] >> 4 != 6)
		return;
	h->ipv6 = true;
	h->protocol = ip[6];
	follow_chain(h, head, have, h->l3 + (unsigned)IPV6_BYTES);
}

void headers_read(struct headers *h, const uint8_t *head, unsigned have)
{
	have = have < UINT16_MAX ? have : UINT16_MAX; /* offsets have 16 bits */
	headers_read_ether(h, head, have);
	if (h->l3 && h->type == ETHER_IPV4)
		read_ipv4(h, head, have);
	else if (h->l3 && h->type == ETHER_IPV6)
		read_ipv6(h, head, have);
}

/* ---- the addresses of the pseudo-header ---- */

/* Sets `destination` to the last address of a source route, unless the route is used up. */
static bool source_route(const uint8_t *p, unsigned bytes, uint8_t *destination)
{
	if (bytes < 3 || (bytes - 3) % 4)
		return false;
	if (p[2] > bytes) /* the pointer, from 1: the route is used up */
		return true;
	memcpy(destination, p + bytes - 4, 4);
	return bytes >= 7;
}

static bool pseudo_ipv4(const uint8_t *ip, uint8_t *destination)
{
	unsigned end = 4u * (ip[0] & 15), bytes;

	for (unsigned at = IPV4_MIN; at < end && ip[at] != OPTION_END; at += bytes) {
		bytes = ip[at] == OPTION_NOP ? 1 : at + 1 < end ? ip[at + 1] : 0;
		if (!bytes || at + bytes > end || (bytes == 1 && ip[at] != OPTION_NOP))
			return false;
		if ((ip[at] == OPTION_LSRR || ip[at] == OPTION_SSRR) &&
		    !source_route(ip + at, bytes, destination))
			return false;
	}
	return true;
}

/* Compressed addresses (RFC 6554, 3): the last one lacks the first CmprE bytes, which are those of
 * the packet's destination; `pad` bytes follow it. */
static bool rpl_last(const uint8_t *p, unsigned bytes, uint8_t *destination)
{
	unsigned prefix = p[4] & 15, pad = p[5] >> 4, size = 16 - prefix;

	if (bytes < 8 + size + pad)
		return false;
	memcpy(destination + prefix, p + bytes - pad - size, size);
	return true;
}

/* Sets `destination` to the last address of a routing header, whose `bytes` are all there. */
static bool routing_last(const uint8_t *p, unsigned bytes, uint8_t *destination)
{
	const uint8_t *last = NULL;

	if (!p[3]) /* no segments are left */
		return true;
	if (p[2] == ROUTING_RPL)
		return rpl_last(p, bytes, destination);
	if (p[2] == ROUTING_SRH) /* its list begins with the last address */
		last = p + 8;
	else if ((p[2] == ROUTING_SOURCE || p[2] == ROUTING_HOME) && (bytes - 8) % 16 == 0)
		last = p + bytes - 16;
	if (!last || bytes < 24)
		return false;
	memcpy(destination, last, 16);
	return true;
}

/* Sets `source` to the home address in destination options, whose `bytes` are all there. */
static bool home_address(const uint8_t *p, unsigned bytes, uint8_t *source)
{
	unsigned size;

	for (unsigned at = 2; at < bytes; at += size) {
		size = p[at] == OPTION_PAD1 ? 1 : at + 1 < bytes ? 2u + p[at + 1] : 0;
		if (!size || at + size > bytes)
			return false;
		if (p[at] != OPTION_HOME)
			continue;
		if (size != 18)
			return false;
		memcpy(source, p + at + 2, 16);
	}
	return true;
}

/* Follows the chain again, which is known to end at l4. */
static bool pseudo_ipv6(const struct headers *h, const uint8_t *head, uint8_t *source,
                        uint8_t *destination)
{
	struct headers at = {.ipv6 = true, .protocol = head[h->l3 + 6]};
	unsigned bytes;

	for (const uint8_t *p = head + h->l3 + IPV6_BYTES; p < head + h->l4; p += bytes) {
		bytes = extension_bytes(&at, p);
		if (at.protocol == ROUTING && !routing_last(p, bytes, destination))
			return false;
		if (at.protocol == DESTINATION && !home_address(p, bytes, source))
			return false;
		at.protocol = p[0];
	}
	return true;
}

bool headers_pseudo_addresses(const struct headers *h, const uint8_t *head, uint8_t source[16],
                              uint8_t destination[16])
{
	const uint8_t *ip = head + h->l3;

	if (h->ipv4) {
		memcpy(source, ip + 12, 4);
		memcpy(destination, ip + 16, 4);
		return pseudo_ipv4(ip, destination);
	}
	memcpy(source, ip + 8, 16);
	memcpy(destination, ip + 24, 16);
	return pseudo_ipv6(h, head, source, destination);
}
