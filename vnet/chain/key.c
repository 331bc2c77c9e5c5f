/* SPDX-License-Identifier: BSD-2-Clause */
/* key.c: see key.h. */
#include "vnet/chain/key.h"
#include <string.h>
#include "vnet/chain/chain.h"
#include "vnet/frame/headers.h"

_Static_assert(KEY_HEAD <= VNET_HELD_HEAD, "a frame that waits keeps the bytes that were read");
_Static_assert(KEY_HEAD >= HEADERS_FLOW, "the ports usually lie within");

void key_read(struct flow_key *k, const uint8_t *head, unsigned have)
{
	struct headers h;
	const uint8_t *ip;

	memset(k, 0, sizeof *k);
	headers_read(&h, head, have);
	if (!h.ipv4 && !h.ipv6)
		return;
	ip = head + h.l3;
	k->version = h.ipv4 ? 4 : 6;
	k->protocol = h.protocol;
	k->fragment = h.fragment;
	if (h.ipv4) {
		k->address[0] = (uint64_t)be32(ip + 12) << 32;
		k->address[2] = (uint64_t)be32(ip + 16) << 32;
	} else {
		for (unsigned i = 0; i < 4; i++)
			k->address[i] = key_be64(ip + 8 + 8 * (size_t)i);
	}
	if (h.fragment || !h.l4 || have < h.l4 + 4u || !vnet_protocol_has_ports(h.protocol))
		return;
	k->has_ports = true;
	k->port[0] = be16(head + h.l4);
	k->port[1] = be16(head + h.l4 + 2);
}

static uint64_t end_hash(const struct mix_key *mix, uint64_t a, uint64_t b, unsigned port)
{
	return mix_fold(mix_fold(a ^ mix->mask, mix->factor[0]) ^ b,
	                mix->factor[1] ^ (uint64_t)port << 8);
}

uint64_t key_flow_hash(const struct mix_key *mix, const struct flow_key *k, mac_t src, mac_t dst)
{
	uint64_t both;

	if (!k->version)
		return mix_keyed(mix, mix_keyed(mix, src) + mix_keyed(mix, dst));
	both = end_hash(mix, k->address[0], k->address[1], k->port[0]) +
	       end_hash(mix, k->address[2], k->address[3], k->port[1]);
	return mix_keyed(mix, both + (k->fragment ? 0 : k->protocol));
}
