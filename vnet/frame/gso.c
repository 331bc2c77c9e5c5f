/* SPDX-License-Identifier: BSD-2-Clause */
/* gso.c: segmentation of large TCP and UDP frames (GSO), without a copy of the payload. */
#include <string.h>
#include "lib/bytes.h"
#include "vnet/frame/headers.h"
#include "vnet/frame/offload.h"
#include "vnet/frame/sum.h"

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

/* Skips pieces that are used up; false: no byte is left. */
static bool skip_used(struct offload_cut *c)
{
	while (c->at_seg < c->frame->nseg && c->at_byte >= c->frame->seg[c->at_seg].len) {
		c->at_byte -= c->frame->seg[c->at_seg].len;
		c->at_seg++;
	}
	return c->at_seg < c->frame->nseg;
}

bool offload_cut_begin(struct offload_cut *cut, const struct vnet_frame *frame, unsigned mtu)
{
	uint32_t payload, first;

	if (!offload_parse(&cut->head, frame) || cut->head.covered || !cut->head.addresses_known)
		return false;
	payload = frame->len - cut->head.len;
	first = payload < frame->hdr.gso_size ? payload : frame->hdr.gso_size;
	/* An IP packet's length has 16 bits, whatever the MTU. */
	if (cut->head.len - cut->head.l3 + first > (mtu < 65535 ? mtu : 65535))
		return false;
	cut->frame = frame;
	cut->offset = cut->head.len;
	cut->at_seg = 0;
	cut->at_byte = cut->head.len;
	cut->index = 0;
	cut->segments = (payload + frame->hdr.gso_size - 1) / frame->hdr.gso_size;
	cut->size = frame->hdr.gso_size;
	cut->broken = false;
	return true;
}

/* Appends the next n bytes of payload as slices; returns the number of slices, 0: too many. */
static unsigned slices_append(struct offload_cut *c, uint32_t n)
{
	unsigned slices = 1; /* the headers are the first */

	while (n) {
		const struct vnet_seg *seg;
		uint32_t part;

		if (slices == OFFLOAD_SLICES || !skip_used(c))
			return 0;
		seg = &c->frame->seg[c->at_seg];
		part = seg->len - c->at_byte < n ? seg->len - c->at_byte : n;
		c->slice[slices].base = seg->base + c->at_byte;
		c->slice[slices++].len = part;
		c->at_byte += part;
		n -= part;
	}
	return slices;
}

static void write_ip(struct offload_cut *c, uint32_t payload)
{
	uint8_t *ip = c->out + c->head.l3;
	unsigned len = c->head.len - c->head.l3 + payload;
	struct sum sum = {0, false};

	if (c->head.ipv6) {
		put_be16(ip + 4, len - 40);
		return;
	}
	put_be16(ip + 2, len);
	put_be16(ip + 4, be16(ip + 4) + c->index);
	put_be16(ip + 10, 0);
	sum_bytes(&sum, ip, 4u * (ip[0] & 15));
	sum_store(&sum, ip + 10);
}

static void sum_pseudo(const struct offload_cut *c, struct sum *sum, uint32_t len)
{
	unsigned bytes = c->head.ipv6 ? 16 : 4;

	/* RFC 9293, 3.1 and RFC 8200, 8.1: both addresses, the protocol, the length. */
	sum_bytes(sum, c->head.source, bytes);
	sum_bytes(sum, c->head.destination, bytes);
	sum_be16(sum, c->head.udp ? IP_UDP : IP_TCP);
	sum_be32(sum, len);
}

static void sum_segment(const struct offload_cut *c, struct sum *sum, unsigned slices,
                        uint32_t payload)
{
	sum_pseudo(c, sum, c->head.len - c->head.l4 + payload);
	sum_bytes(sum, c->out + c->head.l4, c->head.len - c->head.l4);
	for (unsigned i = 1; i < slices; i++)
		sum_bytes(sum, c->slice[i].base, c->slice[i].len);
}

static void write_tcp(struct offload_cut *c, unsigned slices, uint32_t payload, bool last)
{
	uint8_t *tcp = c->out + c->head.l4;
	struct sum sum = {0, false};

	put_be32(tcp + 4, be32(tcp + 4) + c->index * c->size);
	if (!last)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (c->index)
		tcp[13] &= (uint8_t)~TCP_CWR;
	put_be16(tcp + 16, 0);
	sum_segment(c, &sum, slices, payload);
	sum_store(&sum, tcp + 16);
}

static void write_udp(struct offload_cut *c, unsigned slices, uint32_t payload)
{
	uint8_t *udp = c->out + c->head.l4;
	struct sum sum = {0, false};

	put_be16(udp + 4, 8 + payload);
	put_be16(udp + 6, 0);
	sum_segment(c, &sum, slices, payload);
	sum_store_udp(&sum, udp + 6);
}

static void fill_frame(struct offload_cut *c, struct vnet_frame *segment, unsigned slices,
                       uint32_t payload)
{
	c->slice[0].base = c->out;
	c->slice[0].len = c->head.len;
	memset(segment, 0, sizeof *segment);
	segment->seg = c->slice;
	segment->nseg = (uint16_t)slices;
	segment->len = c->head.len + payload;
	segment->contiguous_head = true;
	segment->dst = mac_read(c->out);
	segment->src = mac_read(c->out + 6);
}

bool offload_cut_next(struct offload_cut *cut, struct vnet_frame *segment)
{
	uint32_t left = cut->frame->len - cut->offset;
	uint32_t payload = left < cut->size ? left : cut->size;
	unsigned slices;

	if (!left || cut->broken)
		return false;
	slices = slices_append(cut, payload);
	if (!slices) {
		cut->broken = true;
		return false;
	}
	memcpy(cut->out, cut->head.byte, cut->head.len);
	write_ip(cut, payload);
	if (cut->head.udp)
		write_udp(cut, slices, payload);
	else
		write_tcp(cut, slices, payload, payload == left);
	fill_frame(cut, segment, slices, payload);
	cut->offset += payload;
	cut->index++;
	return true;
}
