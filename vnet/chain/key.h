/* SPDX-License-Identifier: BSD-2-Clause */
/* key.h: what flows know of a frame: its addresses, protocol and ports (private to this folder). */
#ifndef VNET_CHAIN_KEY_H
#define VNET_CHAIN_KEY_H
#include <stdbool.h>
#include "lib/bytes.h"
#include "lib/hash.h"
#include "lib/net_formats.h"
#include "vnet/vnet.h"

#define KEY_HEAD                                                                                   \
	128          /* bytes of a frame that are read, at most: VNET_HELD_HEAD and HEADERS_FLOW   \
	              */
#define KEY_FIRST 64 /* of these first; the others only if the ports are behind them */
#define KEY_WORDS 5

struct flow_key {
	uint64_t address[4]; /* source, destination, each with its first byte highest; of IPv4 in
	                      * the upper half of the first of its two words */
	uint16_t port[2];    /* source, destination; 0: none, or a fragment */
	uint8_t version;     /* of IP; 0: none */
	uint8_t protocol;
	uint8_t has_ports; /* both are known */
	uint8_t fragment;  /* one of several */
};

_Static_assert(sizeof(struct flow_key) == 8 * KEY_WORDS, "compared and hashed as words");

/*
 * Reads the first `have` bytes of a frame.  All fragments of a packet have the same key, but for an
 * IPv6 packet with extension headers inside the part that is fragmented (RFC 8200, 4.5), of which
 * the first one alone says the protocol.  What cannot be read is missing, not wrong: headers.h.
 */
void key_read(struct flow_key *k, const uint8_t *head, unsigned have);

static inline uint64_t key_be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/* The same of the usual packet, TCP or UDP without tags, options, extensions or fragments; false:
 * it is another, or more bytes are needed. */
static inline bool key_read_plain(struct flow_key *k, const uint8_t *head, unsigned have)
{
	const uint8_t *ports = head + 14 + 20;
	uint16_t type;

	if (have < 14 + 20 + 4)
		return false;
	type = be16(head + 12);
	k->has_ports = true;
	k->fragment = false;
	if (type == ETHER_IPV4 && head[14] == 0x45 && !(be16(head + 20) & 0x3fff)) {
		k->version = 4;
		k->protocol = head[23];
		k->address[0] = (uint64_t)be32(head + 26) << 32;
		k->address[2] = (uint64_t)be32(head + 30) << 32;
		k->address[1] = k->address[3] = 0;
	} else if (type == ETHER_IPV6 && head[14] >> 4 == 6 && have >= 14 + 40 + 4) {
		k->version = 6;
		k->protocol = head[20];
		for (unsigned i = 0; i < 4; i++)
			k->address[i] = key_be64(head + 22 + 8 * (size_t)i);
		ports = head + 14 + 40;
	} else {
		return false;
	}
	k->port[0] = be16(ports);
	k->port[1] = be16(ports + 2);
	return k->protocol == IP_TCP || k->protocol == IP_UDP;
}

/* Whether key_read() might have found more in bytes behind the first ones. */
static inline bool key_is_short(const struct flow_key *k)
{
	return k->version && !k->has_ports && !k->fragment;
}

/*
 * A hash of the flow that the frame is in, equal in both directions, and for all fragments of a
 * packet: of these only the addresses count.  Without IP it is that of the two MACs.
 */
uint64_t key_flow_hash(const struct mix_key *mix, const struct flow_key *k, mac_t src, mac_t dst);

/* A hash of the whole key. */
static inline uint64_t key_hash(const struct mix_key *mix, const struct flow_key *k, unsigned from)
{
	const uint64_t *w = (const uint64_t *)(const void *)k;
	uint64_t h = mix_fold(w[0] ^ mix->mask, w[1] ^ mix->factor[0]);

	h ^= mix_fold(w[2] ^ mix->mask, w[3] ^ mix->factor[1]);
	return mix_fold(h ^ w[4], mix->factor[0] ^ from);
}

static inline bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
	const uint64_t *v = (const uint64_t *)(const void *)a,
	               *w = (const uint64_t *)(const void *)b;

	return v[0] == w[0] && v[1] == w[1] && v[2] == w[2] && v[3] == w[3] && v[4] == w[4];
}

#endif
