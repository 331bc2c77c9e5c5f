/* SPDX-License-Identifier: BSD-2-Clause */
/* decap.c: reading the outer headers of what a link's peer sent. */
#include <string.h>
#include "lib/bytes.h"
#include "vnet/link/encap.h"
#include "vnet/frame/view.h"

#define ETH        14
#define FRAGMENT   0x3fff /* more fragments, or an offset */
#define VXLAN_I    0x08
#define VXLAN_HEAD 8

static bool ip_sum_right(const uint8_t *ip, unsigned bytes)
{
	struct sum sum = {0, false};
	uint8_t result[2];

	/* With its own checksum in it a right header sums up to all ones (RFC 1071). */
	sum_bytes(&sum, ip, bytes);
	sum_store(&sum, result);
	return !(result[0] | result[1]);
}

enum vnet_drop encap_read_ip(struct encap_packet *p, const struct vnet_frame *frame)
{
	const uint8_t *ip;
	unsigned bytes, total;

	p->have = view_read(frame, p->head, ENCAP_HEAD);
	if (p->have < ETH + 20)
		return VNET_DROP_outer_length;
	ip = p->head + ETH;
	bytes = 4u * (ip[0] & 15);
	if (ip[0] >> 4 != 4 || bytes < 20)
		return VNET_DROP_outer_header;
	total = be16(ip + 2);
	if (p->have < ETH + bytes || total < bytes || ETH + total > frame->len)
		return VNET_DROP_outer_length;
	if (!ip_sum_right(ip, bytes))
		return VNET_DROP_outer_checksum;
	if (be16(ip + 6) & FRAGMENT)
		return VNET_DROP_outer_fragment;
	p->protocol = ip[9];
	p->tos = ip[1];
	p->source = be32(ip + 12);
	p->destination = be32(ip + 16);
	p->l4 = (uint16_t)(ETH + bytes);
	p->end = ETH + total;
	return ENCAP_OK;
}

/* RFC 768: over both addresses, the protocol, the length, and the datagram. */
static bool udp_sum_right(const struct encap_packet *p, const struct vnet_frame *frame)
{
	struct sum sum = {0, false};
	uint8_t result[2];

	sum_be32(&sum, p->source);
	sum_be32(&sum, p->destination);
	sum_be16(&sum, IP_UDP);
	sum_be32(&sum, p->end - p->l4);
	if (view_sum(&sum, frame->seg, frame->nseg, p->l4, p->end) != p->end - p->l4)
		return false;
	sum_store(&sum, result);
	return !(result[0] | result[1]);
}

/*
 * Whether the offload header is one that a single outer datagram may have.  A checksum that is
 * still to be completed is Dom0's own: the datagram has crossed no wire, and the field holds a part
 * of the sum only.
 */
static bool offload_fits(const struct encap_packet *p, const struct vnet_hdr *hdr)
{
	if (hdr->gso_type != VNET_GSO_NONE)
		return false;
	return !(hdr->flags & VNET_HDR_F_NEEDS_CSUM) ||
	       (hdr->csum_start == p->l4 && hdr->csum_offset == 6);
}

enum vnet_drop encap_read_udp(struct encap_packet *p, const struct vnet_frame *frame)
{
	const uint8_t *udp = p->head + p->l4;

	if (p->have < p->l4 + 8u || be16(udp + 4) != p->end - p->l4 || p->end - p->l4 < 8)
		return VNET_DROP_outer_length;
	if (!offload_fits(p, &frame->hdr))
		return VNET_DROP_bad_offload;
	if (be16(udp + 6) && !(frame->hdr.flags & VNET_HDR_F_NEEDS_CSUM) &&
	    !udp_sum_right(p, frame))
		return VNET_DROP_outer_checksum;
	p->udp_port = be16(udp + 2);
	return ENCAP_OK;
}

enum vnet_drop encap_read_inner(struct encap_packet *p, enum vnet_link_kind kind)
{
	const uint8_t *vxlan = p->head + p->l4 + 8;

	p->inner = p->l4 + 8u + (kind == VNET_LINK_VXLAN ? VXLAN_HEAD : 0u);
	if (p->end < p->inner + VNET_FRAME_MIN || p->have < p->inner + VNET_FRAME_MIN)
		return VNET_DROP_outer_length;
	p->vni = 0;
	if (kind == VNET_LINK_VXLAN) {
		/* All other bits are reserved and ignored on receipt, RFC 7348, 5. */
		if (!(vxlan[0] & VXLAN_I))
			return VNET_DROP_outer_header;
		p->vni = be32(vxlan + 4) >> 8;
	}
	p->inner_dst = mac_read(p->head + p->inner);
	return ENCAP_OK;
}
