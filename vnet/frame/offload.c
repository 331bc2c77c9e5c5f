/* SPDX-License-Identifier: BSD-2-Clause */
/* offload.c: checking offload headers, and completing checksums. */
#include "vnet/frame/offload.h"
#include "lib/bytes.h"
#include "vnet/frame/headers.h"
#include "vnet/frame/view.h"

#define TCP_CSUM 16 /* offset of the checksum in the header, RFC 9293, 3.1 */
#define UDP_CSUM 6  /* RFC 768 */
#define GSO_MIN  8  /* Linux sends no smaller segments: 48 bytes less 40 of options */

/* Finds the TCP or UDP header; false: there is none, or the packet is a fragment, which cannot be
 * segmented. */
static bool find_l4(struct offload_head *head, unsigned have)
{
	struct headers h;

	headers_read(&h, head->byte, have);
	head->l3 = h.l3;
	head->l4 = h.l4;
	head->ipv6 = h.ipv6;
	head->udp = h.protocol == IP_UDP;
	head->covered = h.covered;
	if (!h.l4 || h.fragment || (h.protocol != IP_TCP && h.protocol != IP_UDP))
		return false;
	head->addresses_known =
	    headers_pseudo_addresses(&h, head->byte, head->source, head->destination);
	return true;
}

/* Whether the TCP or UDP header is there; sets the payload's offset. */
static bool parse_l4(struct offload_head *head, unsigned have)
{
	unsigned words;

	if (have < head->l4 + (head->udp ? 8u : 20u))
		return false;
	words = head->udp ? 2 : head->byte[head->l4 + 12] >> 4;
	head->len = (uint16_t)(head->l4 + 4 * words);
	return (head->udp || words >= 5) && have >= head->len;
}

/* Whether the headers are of the GSO type. */
static bool type_fits(const struct offload_head *head, unsigned type)
{
	if (head->udp)
		return type == VNET_GSO_UDP_L4;
	return (type & ~VNET_GSO_ECN) == (head->ipv6 ? VNET_GSO_TCPV6 : VNET_GSO_TCPV4);
}

/* Finds and checks the headers of a GSO frame, however many segments it makes. */
static bool parse_gso(struct offload_head *head, const struct vnet_frame *frame)
{
	const struct vnet_hdr *hdr = &frame->hdr;
	unsigned have = view_read(frame, head->byte, OFFLOAD_HEAD);

	if (!find_l4(head, have))
		return false;
	if (!parse_l4(head, have) || !type_fits(head, hdr->gso_type))
		return false;
	return hdr->flags & VNET_HDR_F_NEEDS_CSUM && hdr->csum_start == head->l4 &&
	       hdr->csum_offset == (head->udp ? UDP_CSUM : TCP_CSUM) && hdr->gso_size >= GSO_MIN &&
	       hdr->hdr_len <= frame->len && frame->len > head->len;
}

static uint32_t segment_count(const struct offload_head *head, const struct vnet_frame *frame)
{
	return (frame->len - head->len + frame->hdr.gso_size - 1) / frame->hdr.gso_size;
}

bool offload_parse(struct offload_head *head, const struct vnet_frame *frame)
{
	return parse_gso(head, frame) && segment_count(head, frame) <= OFFLOAD_SEGMENTS;
}

bool offload_excess(const struct vnet_frame *frame)
{
	struct offload_head head;

	return frame->hdr.gso_type != VNET_GSO_NONE && parse_gso(&head, frame) &&
	       segment_count(&head, frame) > OFFLOAD_SEGMENTS;
}

/* Whether the checksum field lies in the frame, behind the Ethernet header. */
static bool csum_inside(const struct vnet_hdr *hdr, uint32_t len)
{
	return hdr->csum_start >= VNET_FRAME_MIN &&
	       (uint32_t)hdr->csum_start + hdr->csum_offset + 2 <= len;
}

static __attribute__((noinline)) bool check_gso(const struct vnet_frame *frame)
{
	struct offload_head head;

	return offload_parse(&head, frame);
}

bool offload_check(const struct vnet_frame *frame)
{
	const struct vnet_hdr *hdr = &frame->hdr;

	if (hdr->flags & VNET_HDR_F_NEEDS_CSUM && !csum_inside(hdr, frame->len))
		return false;
	return hdr->gso_type == VNET_GSO_NONE || check_gso(frame);
}

/* The byte at an offset of the pieces; NULL: beyond them. */
static uint8_t *byte_at(const struct vnet_seg *seg, unsigned nseg, uint32_t offset)
{
	for (unsigned s = 0; s < nseg; s++) {
		if (offset < seg[s].len)
			return seg[s].base + offset;
		offset -= seg[s].len;
	}
	return NULL;
}

bool offload_csum(const struct vnet_hdr *hdr, const struct vnet_seg *seg, unsigned nseg,
                  uint32_t len)
{
	uint32_t field = (uint32_t)hdr->csum_start + hdr->csum_offset;
	struct sum sum = {0, false};
	uint8_t result[2], *low, *high;

	if (!(hdr->flags & VNET_HDR_F_NEEDS_CSUM))
		return true;
	low = byte_at(seg, nseg, field);
	high = byte_at(seg, nseg, field + 1);
	if (!csum_inside(hdr, len) || !low || !high)
		return false;
	if (view_sum(&sum, seg, nseg, hdr->csum_start, len) != len - hdr->csum_start)
		return false;
	/* It may be UDP, where 0 means no checksum; 0xffff equals 0 for every protocol. */
	sum_store_udp(&sum, result);
	*low = result[0];
	*high = result[1];
	return true;
}
