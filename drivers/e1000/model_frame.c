/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_frame.c: what a frame's descriptors ask for: checksums, segmentation, a VLAN tag
 * (8254x 3.3 to 3.5).
 *
 * Checksums and segmentation are not done here: they become the frame's offload header, as virtio's
 * do, so that a large frame goes whole to a receiver that takes it so.  The guest's bytes are never
 * changed: a head that must be is copied.
 */
#include <string.h>
#include "drivers/e1000/model_parts.h"
#include "lib/bytes.h"
#include "vnet/frame/view.h"

#define TAG       4 /* bytes of a VLAN tag, which has room before a copied head */
#define HEAD_MOST (E1000_MODEL_HEAD - TAG) /* of a frame's head, without a tag */
#define TCP_MIN   20u
#define TCP_CSUM  16u /* offset of the checksum in the header, RFC 9293, 3.1 */
#define TCP_CWR   0x80
#define IP_CSUM   10u /* RFC 791, 3.1 */
#define IP4_MIN   20u
#define IP6_BYTES 40u

#define POPTS_IXSM (1ull << 40)
#define POPTS_TXSM (1ull << 41)

/* The fields of a context descriptor (8254x 3.3.6). */
struct context {
	uint32_t ipcss, ipcso, ipcse, tucss, tucso, tucse, hdrlen, mss;
	bool ipv4, tcp;
};

static struct context context_of(const struct e1000_model_context *c)
{
	return (struct context){
	    .ipcss = c->low & 0xff,
	    .ipcso = c->low >> 8 & 0xff,
	    .ipcse = c->low >> 16 & 0xffff,
	    .tucss = c->low >> 32 & 0xff,
	    .tucso = c->low >> 40 & 0xff,
	    .tucse = c->low >> 48 & 0xffff,
	    .hdrlen = c->high >> 40 & 0xff,
	    .mss = c->high >> 48 & 0xffff,
	    .ipv4 = c->high & TXD_CTX_IPV4,
	    .tcp = c->high & TXD_CTX_TCP,
	};
}

/* Copies the frame's first `have` bytes, which then can be changed: at head + TAG. */
static bool copy_head(struct vnet_frame *f, uint8_t *head, uint32_t have)
{
	if (have > HEAD_MOST || have > f->len)
		return false;
	if (f->seg->base == head + TAG)
		return f->seg->len >= have;
	view_read(f, head + TAG, have);
	view_replace_head(f, head + TAG, have, f->seg - 1);
	return true;
}

/* A checksum from `start` to the frame's end, its field at `at`. */
static bool leave_sum(struct vnet_frame *f, uint32_t start, uint32_t at)
{
	if (at < start)
		return false;
	f->hdr.flags = VNET_HDR_F_NEEDS_CSUM;
	f->hdr.csum_start = (uint16_t)start;
	f->hdr.csum_offset = (uint16_t)(at - start);
	return true;
}

/* The IP header's checksum, at once: it lies in the head. */
static bool insert_ip_sum(struct vnet_frame *f, uint8_t *head, const struct context *c)
{
	uint32_t end = c->ipcse ? c->ipcse + 1 : f->len;
	struct sum s = {0};

	if (c->ipcso < c->ipcss || c->ipcso + 2 > end ||
	    !copy_head(f, head, end < VNET_FRAME_MIN ? VNET_FRAME_MIN : end))
		return false;
	sum_bytes(&s, head + TAG + c->ipcss, end - c->ipcss);
	sum_store(&s, head + TAG + c->ipcso);
	return true;
}

/* A data descriptor without TSE.  A sum that ends before the frame does cannot be left to others,
 * and no driver is known to ask for one. */
static bool plain(const struct context *c, uint64_t high, struct vnet_frame *f, uint8_t *head)
{
	if (high & POPTS_IXSM && !insert_ip_sum(f, head, c))
		return false;
	if (!(high & POPTS_TXSM))
		return true;
	if (c->tucse && c->tucse + 1 != f->len)
		return false;
	return leave_sum(f, c->tucss, c->tucso);
}

/* IP lengths, which the driver leaves to the NIC.  False: the packet would be too long. */
static bool set_ip_length(uint8_t *h, const struct context *c, uint32_t len)
{
	uint8_t *ip = h + c->ipcss;
	uint32_t bytes = len - c->ipcss - (c->ipv4 ? 0 : IP6_BYTES);
	struct sum s = {0};

	if (bytes > 0xffff)
		return false;
	put_be16(ip + (c->ipv4 ? 2 : 4), (uint16_t)bytes);
	if (c->ipv4) {
		put_be16(ip + IP_CSUM, 0);
		sum_bytes(&s, ip, c->tucss - c->ipcss);
		sum_store(&s, ip + IP_CSUM);
	}
	return true;
}

/* Adds the length to the sum of the pseudo-header, which the driver has left without it. */
static void add_tcp_length(uint8_t *tcp, uint32_t len)
{
	uint32_t sum = be16(tcp + TCP_CSUM) + (len & 0xffff) + (len >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(tcp + TCP_CSUM, (uint16_t)((sum & 0xffff) + (sum >> 16)));
}

static bool fields_fit(const struct context *c, uint32_t len)
{
	return c->tcp && c->mss && c->hdrlen < len &&
	       c->ipcss + (c->ipv4 ? IP4_MIN : IP6_BYTES) <= c->tucss &&
	       c->tucss + TCP_MIN <= c->hdrlen && c->tucso == c->tucss + TCP_CSUM;
}

/* A data descriptor with TSE: TCP segmentation (8254x 3.5). */
static bool large(const struct context *c, struct vnet_frame *f, uint8_t *head)
{
	uint8_t *h = head + TAG;

	if (!fields_fit(c, f->len) || !copy_head(f, head, c->hdrlen) ||
	    !set_ip_length(h, c, f->len))
		return false;
	add_tcp_length(h + c->tucss, f->len - c->tucss);
	f->hdr.gso_type = c->ipv4 ? VNET_GSO_TCPV4 : VNET_GSO_TCPV6;
	if (h[c->tucss + 13] & TCP_CWR)
		f->hdr.gso_type |= VNET_GSO_ECN;
	f->hdr.gso_size = (uint16_t)c->mss;
	f->hdr.hdr_len = (uint16_t)c->hdrlen;
	return leave_sum(f, c->tucss, c->tucso);
}

/* A legacy descriptor's checksum: from CSS on, at CSO (8254x 3.3.3). */
static bool legacy(const struct e1000_model_request *q, struct vnet_frame *f)
{
	if (!(q->last & TXD_IC))
		return true;
	return leave_sum(f, q->last >> 40 & 0xff, q->last >> 16 & 0xff);
}

/* 802.1Q: the tag goes behind the addresses. */
static bool insert_tag(const struct e1000_model *m, uint64_t last, struct vnet_frame *f,
                       uint8_t *head)
{
	if (f->len < VNET_FRAME_MIN)
		return true; /* the switch drops it */
	if (!copy_head(f, head, f->seg->base == head + TAG ? f->seg->len : VNET_FRAME_MIN))
		return false;
	memmove(head, head + TAG, 12);
	put_be16(head + 12, (uint16_t)e1000_model_get(m, VET));
	put_be16(head + 14, (uint16_t)(last >> 48));
	f->seg->base -= TAG;
	f->seg->len += TAG;
	f->len += TAG;
	if (f->hdr.flags)
		f->hdr.csum_start += TAG;
	if (f->hdr.gso_type)
		f->hdr.hdr_len += TAG;
	return true;
}

bool e1000_model_offload(struct e1000_model *m, const struct e1000_model_request *q,
                         struct vnet_frame *f, uint8_t head[E1000_MODEL_HEAD])
{
	bool tse = q->high & TXD_TSE;
	struct context c = context_of(&m->context[tse]);

	if (!(q->high & TXD_DEXT)) {
		if (!legacy(q, f))
			return false;
	} else if ((q->high & 15ull << 20) != TXD_DTYP_DAT) {
		return false;
	} else if (!(tse ? large(&c, f, head) : plain(&c, q->high, f, head))) {
		return false;
	}
	if (q->last & TXD_VLE && e1000_model_get(m, CTRL) & CTRL_VME)
		return insert_tag(m, q->last, f, head);
	return true;
}
