/* SPDX-License-Identifier: BSD-2-Clause */
/* key.h: what flows know of a frame: its addresses, protocol and ports (private to this folder). */
#ifndef VNET_CHAIN_KEY_H
#define VNET_CHAIN_KEY_H
#include "lib/hash.h"
#include "vnet/vnet.h"

#define KEY_HEAD                                                                                   \
	128 /* bytes of a frame that are read, at most: VNET_HELD_HEAD and HEADERS_FLOW            \
	     */
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
