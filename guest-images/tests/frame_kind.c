/* SPDX-License-Identifier: BSD-2-Clause */
/* VLAN tags (IEEE 802.1Q) and IPv6 extension headers (RFC 8200, 4). */
#include <string.h>
#include "guest-images/lib/packet.h"
#include "guest-images/tests/frame_kind.h"

#define TAGS          12 /* where they begin, and the type if there are none */
#define TCP           6
#define AUTHENTICATED 51
#define IPV4_HEAD     20
#define IPV6_HEAD     40

#define C_TAG 0x8100
#define S_TAG 0x88a8

const struct frame_kind frame_kinds[FRAME_KINDS] = {
    {.name = "ipv4"},
    {.name = "ipv6", .v6 = true},
    {.name = "ipv4_tag", .tags = 1, .tag = {C_TAG}},
    {.name = "ipv4_tags", .tags = 2, .tag = {S_TAG, C_TAG}},
    {.name = "ipv6_tags", .v6 = true, .tags = 2, .tag = {S_TAG, C_TAG}},
    {.name = "hop_by_hop", .v6 = true, .n = 1, .ext = {0}},
    {.name = "destination", .v6 = true, .n = 1, .ext = {60}},
    {.name = "mobility", .v6 = true, .n = 1, .ext = {135}},
    {.name = "all", .v6 = true, .n = 3, .ext = {0, 60, 135}, .tags = 2, .tag = {S_TAG, C_TAG}},
    {.name = "authenticated", .v6 = true, .covered = true, .n = 1, .ext = {AUTHENTICATED}},
};

/* The tags, and the extension headers, as they are on the wire. */
struct parts {
	uint8_t tags[8], ext[FRAME_KIND_MAX];
	uint32_t ext_len;
};

static void build(struct parts *p, const struct frame_kind *k)
{
	memset(p, 0, sizeof *p);
	for (unsigned i = 0; i < k->tags; i++) {
		put_be16(p->tags + 4 * i, k->tag[i]);
		put_be16(p->tags + 4 * i + 2, 0x2005 + i); /* priority 1, VLANs 5 and 6 */
	}
	for (unsigned i = 0; i < k->n; i++) {
		uint8_t *e = p->ext + p->ext_len;
		bool covered = k->ext[i] == AUTHENTICATED;

		e[0] = i + 1 < k->n ? k->ext[i + 1] : TCP;
		e[1] = covered ? 4 : 0; /* 24 bytes (RFC 4302, 2.2), or 8 */
		if (k->ext[i] == 0 || k->ext[i] == 60) {
			e[2] = 1; /* PadN, of four bytes */
			e[3] = 4;
		}
		p->ext_len += covered ? 24 : 8;
	}
}

static uint32_t l3_of(const struct frame_kind *k)
{
	return 14 + 4u * k->tags;
}

uint32_t frame_kind_l4(const struct frame_kind *k)
{
	struct parts p;

	build(&p, k);
	return l3_of(k) + (k->v6 ? IPV6_HEAD : IPV4_HEAD) + p.ext_len;
}

static void set_tos(uint8_t *ip, bool v6, unsigned tos)
{
	if (v6) {
		put_be16(ip, 0x6000 | tos << 4);
	} else {
		ip[1] = (uint8_t)tos;
		put_be16(ip + 10, 0);
		put_be16(ip + 10, packet_sum(ip, IPV4_HEAD, 0));
	}
}

static unsigned tos_of(const uint8_t *ip, bool v6)
{
	return v6 ? be16(ip) >> 4 & 0xff : ip[1];
}

uint32_t frame_kind_put(uint8_t *f, uint32_t len, struct vnet_hdr *hdr, const struct frame_kind *k,
                        unsigned ecn)
{
	struct parts p;
	uint32_t l3 = l3_of(k), tags = 4u * k->tags, behind = l3 + IPV6_HEAD;

	build(&p, k);
	memmove(f + TAGS + tags, f + TAGS, len - TAGS);
	memcpy(f + TAGS, p.tags, tags);
	len += tags;
	if (p.ext_len) {
		memmove(f + behind + p.ext_len, f + behind, len - behind);
		memcpy(f + behind, p.ext, p.ext_len);
		put_be16(f + l3 + 4, be16(f + l3 + 4) + p.ext_len);
		f[l3 + 6] = k->ext[0];
	}
	set_tos(f + l3, k->v6, FRAME_DSCP << 2 | ecn);
	hdr->hdr_len = (uint16_t)(hdr->hdr_len + tags + p.ext_len);
	hdr->csum_start = (uint16_t)(hdr->csum_start + tags + p.ext_len);
	return len + p.ext_len;
}

const char *frame_kind_take(uint8_t *f, uint32_t *len, const struct frame_kind *k, unsigned *ecn)
{
	struct parts p;
	uint32_t l3 = l3_of(k), tags = 4u * k->tags, behind = l3 + IPV6_HEAD;

	build(&p, k);
	if (*len < frame_kind_l4(k))
		return "too short";
	if (memcmp(f + TAGS, p.tags, tags))
		return "tags";
	if (tos_of(f + l3, k->v6) >> 2 != FRAME_DSCP)
		return "DSCP";
	*ecn = tos_of(f + l3, k->v6) & 3;
	if (p.ext_len) {
		if (f[l3 + 6] != k->ext[0] || memcmp(f + behind, p.ext, p.ext_len))
			return "extension headers";
		f[l3 + 6] = TCP;
		put_be16(f + l3 + 4, be16(f + l3 + 4) - p.ext_len);
		memmove(f + behind, f + behind + p.ext_len, *len - behind - p.ext_len);
	}
	*len -= tags + p.ext_len;
	memmove(f + TAGS, f + TAGS + tags, *len - TAGS);
	return NULL;
}
