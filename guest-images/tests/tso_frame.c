/* SPDX-License-Identifier: BSD-2-Clause */
/* Building large TCP frames, and judging their segments (RFC 791, 8200, 9293). */
#include <string.h>
#include "lib/net_formats.h"
#include "guest-images/lib/packet.h"
#include "guest-images/tests/tso_frame.h"

#define L3        14
#define SEQ       0xfffff000u /* wraps soon */
#define FLAGS     0x19        /* ACK, PSH, FIN: the last two belong to the last segment */
#define FLAGS_MID 0x10
#define PIECE     4096

static uint32_t l4_of(bool v6)
{
	return L3 + (v6 ? 40 : 20);
}

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 8));
}

/* The pseudo-header's sum, folded. */
static uint32_t pseudo(const uint8_t *frame, bool v6, uint32_t tcp_len)
{
	uint32_t sum = 6 + (tcp_len >> 16) + (tcp_len & 0xffff);

	return (uint16_t)~packet_sum(frame + L3 + (v6 ? 8 : 12), v6 ? 32 : 8, sum);
}

uint32_t tso_build(uint8_t *f, struct vnet_hdr *hdr, bool v6, uint32_t payload, uint16_t mss)
{
	uint32_t l4 = l4_of(v6), end = l4 + 20, ip_len = end - L3 + payload;

	memset(f, 0x42, end);
	put_be16(f + 12, v6 ? ETHER_IPV6 : ETHER_IPV4);
	if (v6) {
		put_be32(f + L3, 0x60000000);
		put_be16(f + L3 + 4, ip_len - 40);
		f[L3 + 6] = 6;
	} else {
		f[L3] = 0x45;
		put_be16(f + L3 + 2, ip_len);
		put_be16(f + L3 + 6, 0x4000);
		f[L3 + 9] = 6;
		put_be16(f + L3 + 10, 0);
		put_be16(f + L3 + 10, packet_sum(f + L3, 20, 0));
	}
	put_be32(f + l4 + 4, SEQ);
	f[l4 + 12] = 0x50;
	f[l4 + 13] = FLAGS;
	put_be16(f + l4 + 18, 0);
	put_be16(f + l4 + 16, pseudo(f, v6, 20 + payload));
	for (uint32_t i = 0; i < payload; i++)
		f[end + i] = pattern(i);
	*hdr = (struct vnet_hdr){
	    .flags = VNET_HDR_F_NEEDS_CSUM,
	    .gso_type = v6 ? VNET_GSO_TCPV6 : VNET_GSO_TCPV4,
	    .hdr_len = (uint16_t)end,
	    .gso_size = mss,
	    .csum_start = (uint16_t)l4,
	    .csum_offset = 16,
	    .num_buffers = 1,
	};
	return end + payload;
}

void tso_zero_sum(uint8_t *f, bool v6, uint32_t payload)
{
	uint32_t l4 = l4_of(v6);

	put_be16(f + l4 + 18, packet_sum(f + l4, 20 + payload, 0)); /* the urgent pointer */
}

uint16_t tso_sum(const uint8_t *f, bool v6)
{
	return be16(f + l4_of(v6) + 16);
}

unsigned tso_pieces(uint8_t *frame, uint32_t len, struct vnet_seg *piece)
{
	unsigned n = 0;

	for (uint32_t at = 0; at < len; n++) {
		uint32_t size = len - at < PIECE ? len - at : PIECE;

		piece[n] = (struct vnet_seg){frame + at, size};
		at += size;
	}
	return n;
}

void tso_check_begin(struct tso_check *c, bool v6, uint32_t payload, uint16_t mss)
{
	*c = (struct tso_check){.v6 = v6, .payload = payload, .mss = mss};
}

bool tso_check_complete(const struct tso_check *c)
{
	return c->offset == c->payload;
}

static const char *check_ip(const struct tso_check *c, const uint8_t *f, uint32_t tcp_len)
{
	if (be16(f + 12) != (c->v6 ? ETHER_IPV6 : ETHER_IPV4))
		return "another protocol";
	if (c->v6)
		return be16(f + L3 + 4) == tcp_len ? NULL : "IPv6 length";
	if (be16(f + L3 + 2) != tcp_len + 20)
		return "IPv4 length";
	return packet_sum(f + L3, 20, 0) ? "IPv4 checksum" : NULL;
}

const char *tso_check_segment(struct tso_check *c, const uint8_t *f, uint32_t len)
{
	uint32_t l4 = l4_of(c->v6), left = c->payload - c->offset;
	uint32_t want = left < c->mss ? left : c->mss, end = l4 + 20;
	const char *error;

	if (len != end + want && !(end + want < 60 && len == 60)) /* padded to the least size */
		return "frame length";
	error = check_ip(c, f, 20 + want);
	if (error)
		return error;
	if (be32(f + l4 + 4) != SEQ + c->offset)
		return "sequence number";
	if (!c->any_flags && f[l4 + 13] != (want == left ? FLAGS : FLAGS_MID))
		return "flags";
	if (packet_sum(f + l4, 20 + want, pseudo(f, c->v6, 20 + want)))
		return "TCP checksum";
	for (uint32_t i = 0; i < want; i++)
		if (f[end + i] != pattern(c->offset + i))
			return "data";
	c->offset += want;
	return NULL;
}
