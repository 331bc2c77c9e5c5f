/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translates a virtio offload header (virtio 1.2, 5.1.6.2) to a context descriptor
 * (8254x 3.3.6, 3.5).
 *
 * The virtio driver has put the pseudo-header's sum, length included, into the checksum field, as
 * the NIC needs it for a plain checksum.  For segmentation the NIC adds each segment's length
 * itself: the field must hold the sum without a length, and the IP lengths must be 0.
 */
#include <string.h>
#include "lib/bytes.h"
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/regs.h"
#include "vnet/frame/headers.h"

#define FIELD_MAX  255 /* context offsets have 8 bits */
#define TCP_HEADER 20u
#define TCP_CSUM   16 /* offset of the checksum in the header, RFC 9293 */
#define MSS_MIN    64

bool e1000_in_tunnel(const struct vnet_hdr *hdr, const uint8_t *head, uint32_t len)
{
	struct headers h;

	headers_read(&h, head, len);
	return hdr->flags & VNET_HDR_F_NEEDS_CSUM && h.l4 && h.protocol == IP_UDP &&
	       hdr->csum_start > h.l4;
}

/* The sum of addresses and protocol, folded, not inverted. */
static uint32_t pseudo_sum(const uint8_t *address, unsigned len)
{
	uint32_t sum = IP_TCP;

	for (unsigned i = 0; i < len; i += 2)
		sum += be16(address + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void prepare_ipv4(uint8_t *ip, uint8_t *tcp)
{
	put_be16(ip + 2, 0);
	put_be16(ip + 10, 0);
	put_be16(tcp + TCP_CSUM, pseudo_sum(ip + 12, 8));
}

static void prepare_ipv6(uint8_t *ip, uint8_t *tcp)
{
	put_be16(ip + 4, 0);
	put_be16(tcp + TCP_CSUM, pseudo_sum(ip + 8, 32));
}

static uint64_t context_low(uint32_t l3, uint32_t l4, uint32_t csum_at)
{
	return l3 | (uint64_t)(l3 + 10) << 8 | (uint64_t)(l4 - 1) << 16 | (uint64_t)l4 << 32 |
	       (uint64_t)csum_at << 40;
}

/*
 * Whether the frame must not be segmented by the NIC: because of an authentication header, which
 * covers it; or of extension headers or a source route, with which the TCP checksum may cover other
 * addresses than the IP header's: an emulated 82574L (QEMU 10) recomputes it from the IP header.
 */
static bool nic_cannot_segment(const struct headers *h, const uint8_t *head)
{
	uint8_t source[16], destination[16];

	if (h->covered || (h->ipv6 && h->extended) ||
	    !headers_pseudo_addresses(h, head, source, destination))
		return true;
	return h->ipv4 && memcmp(destination, head + h->l3 + 16, 4) != 0;
}

static enum e1000_sent prepare_segmentation(const struct vnet_hdr *hdr, uint8_t *head,
                                            uint32_t head_len, uint32_t frame_len,
                                            struct e1000_context *c)
{
	uint32_t l4 = hdr->csum_start;
	bool v4 = hdr->gso_type == VNET_GSO_TCPV4;
	struct headers h;
	uint32_t end;

	headers_read(&h, head, head_len);
	if (!(v4 ? h.ipv4 : h.ipv6) || !h.l4 || h.protocol != IP_TCP || l4 != h.l4 ||
	    l4 + TCP_HEADER > head_len || hdr->csum_offset != TCP_CSUM || hdr->gso_size < MSS_MIN)
		return E1000_BAD;
	end = l4 + (head[l4 + 12] >> 4) * 4u;
	if (end < l4 + TCP_HEADER || end > head_len || end >= frame_len)
		return E1000_BAD;
	if (end > FIELD_MAX || nic_cannot_segment(&h, head))
		return E1000_UNABLE;
	(v4 ? prepare_ipv4 : prepare_ipv6)(head + h.l3, head + l4);
	c->low = context_low(h.l3, l4, l4 + TCP_CSUM);
	c->high = (frame_len - end) | TXD_DTYP_CTX | TXD_CTX_TCP | (v4 ? TXD_CTX_IPV4 : 0) |
	          TXD_TSE | TXD_DEXT | (uint64_t)end << 40 | (uint64_t)hdr->gso_size << 48;
	c->popts = TXD_TXSM | (v4 ? TXD_IXSM : 0);
	return E1000_SENT;
}

enum e1000_sent e1000_offload(const struct vnet_hdr *hdr, uint8_t *head, uint32_t head_len,
                              uint32_t frame_len, struct e1000_context *c)
{
	uint32_t start, field;

	*c = (struct e1000_context){0};
	if (hdr->gso_type != VNET_GSO_NONE) {
		if (!(hdr->flags & VNET_HDR_F_NEEDS_CSUM))
			return E1000_BAD;
		if (hdr->gso_type != VNET_GSO_TCPV4 && hdr->gso_type != VNET_GSO_TCPV6)
			return E1000_UNABLE;
		return prepare_segmentation(hdr, head, head_len, frame_len, c);
	}
	if (!(hdr->flags & VNET_HDR_F_NEEDS_CSUM))
		return E1000_SENT;
	start = hdr->csum_start;
	field = start + hdr->csum_offset;
	if (start < VNET_FRAME_MIN || field + 2 > frame_len)
		return E1000_BAD;
	if (field > FIELD_MAX)
		return E1000_UNABLE;
	c->low = context_low(VNET_FRAME_MIN, start, field);
	c->high = TXD_DTYP_CTX | TXD_DEXT;
	c->popts = TXD_TXSM;
	return E1000_SENT;
}
