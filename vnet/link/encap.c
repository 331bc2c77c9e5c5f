/* SPDX-License-Identifier: BSD-2-Clause */
/* encap.c: building the outer headers of a link. */
#include "lib/hash.h"
#include "vnet/link/encap.h"
#include <string.h>
#include "lib/bytes.h"
#include "vnet/frame/view.h"

void encap_template(uint8_t *out, const struct encap_path *path)
{
	struct sum sum = {0, false};
	uint8_t *ip = out + 14, *udp = ip + 20, *vxlan = udp + 8;

	memset(out, 0, ENCAP_MAX);
	mac_write(out + 6, path->mac);
	put_be16(out + 12, ETHER_IPV4);
	ip[0] = 0x45;
	ip[6] = 0x40; /* DF; so the identification may be any (RFC 6864); see pathmtu.h */
	ip[8] = 64;
	ip[9] = IP_UDP;
	put_be32(ip + 12, path->local);
	put_be32(ip + 16, path->remote);
	sum_bytes(&sum, ip, 20);
	sum_store(&sum, ip + 10); /* of a header whose length is 0 */
	put_be16(udp + 2, path->udp_port);
	if (path->kind == VNET_LINK_UDP)
		return;
	vxlan[0] = 0x08; /* I: the VNI is valid */
	put_be32(vxlan + 4, path->vni << 8);
}

void encap_build(uint8_t *out, const uint8_t *template, unsigned bytes,
                 const struct encap_outer *outer)
{
	uint32_t total = bytes - 14 + outer->len, sum;

	memcpy(out, template, ENCAP_MAX);
	mac_write(out, outer->next);
	out[15] = outer->tos;
	put_be16(out + 16, total);
	put_be16(out + 18, outer->id);
	/* RFC 1624, eqn. 3, with all of these 0 before: HC' = ~(~HC + m') */
	sum = (uint16_t)~be16(out + 24) + total + outer->id + outer->tos;
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(out + 24, ~(sum + (sum >> 16)) & 0xffff);
	put_be16(out + 34, outer->flow);
	put_be16(out + 38, total - 20);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = hash_spread(h ^ v);
	return h ^ h >> 29;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

/* Both TCP or UDP ports; 0 for other protocols and in fragments, of which only the first has ports,
 * so that all of a flow's fragments are one flow. */
static uint32_t ports(const struct headers *h, const uint8_t *head, unsigned have)
{
	bool have_ports = h->protocol == IP_TCP || h->protocol == IP_UDP;

	return have_ports && h->l4 && !h->fragment && have >= h->l4 + 4u ? be32(head + h->l4) : 0;
}

static uint64_t mix_addresses(uint64_t hash, const struct headers *h, const uint8_t *ip)
{
	if (h->ipv4)
		return mix(hash, load64(ip + 12));
	for (unsigned i = 8; i < 40; i += 8)
		hash = mix(hash, load64(ip + i));
	return hash;
}

void encap_inner(struct encap_outer *outer, const struct vnet_frame *frame)
{
	uint64_t hash = mix(mix(0, frame->dst), frame->src);
	uint8_t head[HEADERS_FLOW];
	unsigned have = view_read(frame, head, sizeof head);
	struct headers h;

	outer->tos = 0;
	headers_read(&h, head, have);
	if (h.ipv4 || h.ipv6) {
		outer->tos = headers_tos(&h, head);
		hash = mix_addresses(hash, &h, head + h.l3);
		hash = mix(hash, (uint64_t)h.protocol << 32 | ports(&h, head, have));
	}
	outer->flow = (uint16_t)(ENCAP_FLOW_FIRST + (hash >> 40 & (ENCAP_FLOWS - 1)));
}
