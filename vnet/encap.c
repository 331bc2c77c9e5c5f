/* encap.c: building the outer headers of a link. */
#include "vnet/encap.h"
#include <string.h>
#include "vnet/bytes.h"
#include "vnet/view.h"

void encap_template(uint8_t *out, const struct encap_path *path)
{
	struct sum sum = {0, false};
	uint8_t *ip = out + 14, *udp = ip + 20, *vxlan = udp + 8;

	memset(out, 0, ENCAP_MAX);
	mac_write(out + 6, path->mac);
	put16(out + 12, 0x0800);
	ip[0] = 0x45;
	ip[6] = 0x40; /* DF; so the identification may be any (RFC 6864); see pathmtu.h */
	ip[8] = 64;
	ip[9] = PROTO_UDP;
	put32(ip + 12, path->local);
	put32(ip + 16, path->remote);
	sum_bytes(&sum, ip, 20);
	sum_store(&sum, ip + 10); /* of a header whose length is 0 */
	put16(udp + 2, path->udp_port);
	if (path->kind == VNET_LINK_UDP)
		return;
	vxlan[0] = 0x08; /* I: the VNI is valid */
	put32(vxlan + 4, path->vni << 8);
}

void encap_build(uint8_t *out, const uint8_t *template, unsigned bytes, mac_t next, uint16_t flow,
                 uint16_t id, uint32_t len)
{
	uint32_t total = bytes - 14 + len, sum;

	memcpy(out, template, ENCAP_MAX);
	mac_write(out, next);
	put16(out + 16, total);
	put16(out + 18, id);
	/* RFC 1624, eqn. 3, with old length and identification 0: HC' = ~(~HC + m') */
	sum = (uint16_t)~be16(out + 24) + total + id;
	sum = (sum & 0xffff) + (sum >> 16);
	put16(out + 24, ~(sum + (sum >> 16)) & 0xffff);
	put16(out + 34, flow);
	put16(out + 38, total - 20);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

/* Both ports; they are there and mean ports for TCP and UDP, and not in fragments. */
static uint32_t ports(const uint8_t *l4, unsigned protocol, unsigned room)
{
	return room >= 4 && (protocol == PROTO_TCP || protocol == PROTO_UDP) ? be32(l4) : 0;
}

static uint64_t flow_ipv4(uint64_t h, const uint8_t *ip, unsigned room)
{
	unsigned words = ip[0] & 15;

	h = mix(h, load64(ip + 12));
	if (be16(ip + 6) & 0x3fff || room < 4 * words)
		return mix(h, ip[9]);
	return mix(h, (uint64_t)ip[9] << 32 | ports(ip + 4 * words, ip[9], room - 4 * words));
}

static uint64_t flow_ipv6(uint64_t h, const uint8_t *ip, unsigned room)
{
	for (unsigned i = 8; i < 40; i += 8)
		h = mix(h, load64(ip + i));
	return mix(h, (uint64_t)ip[6] << 32 | ports(ip + 40, ip[6], room - 40));
}

uint16_t encap_flow(const struct vnet_frame *frame)
{
	uint8_t head[14 + 4 + 60 + 4];
	unsigned have = view_read(frame, head, sizeof head), at = 14, type;
	uint64_t h = mix(mix(0, frame->dst), frame->src);

	type = have >= 14 ? be16(head + 12) : 0;
	if (type == 0x8100 && have >= 18) { /* IEEE 802.1Q */
		type = be16(head + 16);
		at = 18;
	}
	if (type == 0x0800 && have >= at + 20)
		h = flow_ipv4(h, head + at, have - at);
	else if (type == 0x86dd && have >= at + 40)
		h = flow_ipv6(h, head + at, have - at);
	return (uint16_t)(ENCAP_FLOW_FIRST + (h >> 40 & (ENCAP_FLOWS - 1)));
}
