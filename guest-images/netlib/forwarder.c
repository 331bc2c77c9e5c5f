/* SPDX-License-Identifier: BSD-2-Clause */
/* forwarder.c: an IPv4 router as a network function; see functions.h. */
#include <string.h>
#include "guest-images/netlib/functions.h"
#include "lib/bytes.h"
#include "vnet/frame/frame.h"
#include "vnet/frame/headers.h"
#include "vnet/frame/sum.h"

#define IPV4_TTL 8
#define IPV4_SUM 10
#define IPV4_DST 16

static uint32_t mask_of(unsigned bits)
{
	return bits ? ~0u << (32 - bits) : 0;
}

/* The next hop with the longest prefix; NULL: none. */
static const struct netlib_next_hop *next_hop(const struct netlib_forwarder *f, uint32_t dst)
{
	const struct netlib_next_hop *best = NULL;

	for (unsigned i = 0; i < f->hops; i++) {
		const struct netlib_next_hop *h = &f->hop[i];

		if (h->bits <= 32 && !((dst ^ h->prefix) & mask_of(h->bits)) &&
		    (!best || h->bits > best->bits))
			best = h;
	}
	return best;
}

/* Whether the header is whole and its checksum right; else the packet is not forwarded (RFC 1812,
 * 5.2.2). */
static bool header_is_right(const uint8_t *ip, unsigned have)
{
	unsigned length = 4u * (ip[0] & 15);
	struct sum sum = {0, false};
	uint8_t left[2];

	if (length < 20 || length > have)
		return false;
	sum_bytes(&sum, ip, length);
	sum_store(&sum, left);
	return !left[0] && !left[1];
}

/* TTL and protocol are one word of the sum (RFC 1624, equation 3). */
static void lower_ttl(uint8_t *ip)
{
	uint16_t was = be16(ip + IPV4_TTL), now = (uint16_t)(was - 0x100);
	uint32_t sum = (uint16_t)~be16(ip + IPV4_SUM);

	ip[IPV4_TTL]--;
	sum += (uint16_t)~was;
	sum += now;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(ip + IPV4_SUM, (uint16_t)~sum);
}

/* Lets an IPv4 packet pass, if `head`, a copy of its first bytes, is as it should be. */
static const struct netlib_next_hop *route(struct netlib_forwarder *f, uint8_t *ip,
                                           const uint8_t *head)
{
	const struct netlib_next_hop *hop = next_hop(f, be32(head + IPV4_DST));

	if (head[IPV4_TTL] <= 1) {
		f->expired++;
		return NULL;
	}
	if (!hop) {
		f->no_hop++;
		return NULL;
	}
	lower_ttl(ip);
	return hop;
}

static const struct netlib_next_hop *look_up(struct netlib_forwarder *f, struct netlib_frame *frame)
{
	uint8_t head[HEADERS_FLOW];
	unsigned have = frame->length < sizeof head ? frame->length : sizeof head;
	struct headers h;

	memcpy(head, frame->data, have);
	headers_read(&h, head, have);
	if (have >= VNET_FRAME_MIN && h.type != ETHER_IPV4 && f->bridge && f->hops)
		return f->hop;
	if (!h.ipv4 || !header_is_right(head + h.l3, have - h.l3)) {
		f->malformed++;
		return NULL;
	}
	return route(f, frame->data + h.l3, head + h.l3);
}

void netlib_forward(void *state, struct netlib_frame *frame, unsigned count)
{
	struct netlib_forwarder *f = state;

	for (unsigned i = 0; i < count; i++) {
		const struct netlib_next_hop *hop = look_up(f, &frame[i]);

		if (!hop) {
			frame[i].action = SHM_DROP;
			continue;
		}
		memcpy(frame[i].data, hop->mac, 6);
		memcpy(frame[i].data + 6, f->mac, 6);
		frame[i].action = f->onward.action;
		frame[i].to = f->onward.to;
		f->forwarded++;
	}
}
