/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_put.c: the copy of a frame into the guest's receive buffers (8254x 3.2, 82574 7.1).
 *
 * A wire would have brought the frame in segments of the MTU, with its checksum, padded to 60 bytes
 * and with a CRC: so a large frame is segmented, a checksum completed, and the frame padded.  Where
 * RCTL.SECRC does not ask for its removal, the CRC is there, and 0: no NIC lets a driver see a
 * frame whose CRC is wrong, so no driver looks at it.
 */
#include <string.h>
#include "drivers/e1000/model_parts.h"
#include "lib/bytes.h"
#include "lib/count.h"
#include "vnet/frame/offload.h"
#include "vnet/frame/view.h"

#define SHORTEST    60u /* bytes, without the CRC: IEEE 802.3, 4.4.2 */
#define CRC         4u
#define TAG         4u
#define ETHERNET    14u
#define WITHOUT_LPE 1522u  /* bytes, CRC and tag included: 8254x 13.4.22 */
#define WITH_LPE    16384u /* the same */
#define PLAIN_MTU   1500u
#define TCP_CSUM    16 /* offsets in the headers, by which they are told apart */
#define UDP_CSUM    6
#define CUT_TURN    16 /* segments after which rx_lock is yielded */

/* What goes into a frame's descriptors: the bytes of each buffer. */
struct filled {
	uint16_t bytes[4];
};

/* A frame on its way into the buffers. */
struct copy {
	uint32_t len;   /* of the frame, without a tag that is removed */
	uint32_t total; /* with padding and CRC */
	bool strip;
	uint16_t tci;
	unsigned descs, nseg;
	struct filled filled[E1000_MODEL_BUFFERS];
	struct vnet_seg *seg; /* the place to write to */
	uint32_t at;
};

static uint8_t *descriptor(const struct e1000_model *m, uint32_t i)
{
	return m->rx.desc + (size_t)i * (m->split ? 32 : 16);
}

/* Takes the buffers of one descriptor, for `left` bytes at most.  False: *why is set. */
static bool add_descriptor(struct e1000_model *m, struct copy *c, uint32_t i, uint32_t *left,
                           enum vnet_drop *why)
{
	const volatile uint64_t *d = (const volatile uint64_t *)(const void *)descriptor(m, i);
	struct filled *filled = &c->filled[c->descs];

	*why = VNET_DROP_rx_scattered;
	if (c->nseg + 4 > E1000_MODEL_BUFFERS)
		return false;
	*filled = (struct filled){{0}};
	for (unsigned k = 0; k < 4 && *left; k++) {
		uint32_t len = m->buffer[k] < *left ? m->buffer[k] : *left;
		struct vnet_seg *to = &m->rx_seg[c->nseg];

		if (!len)
			continue;
		to->base = gmem_ptr(m->mem, d[k], len);
		if (!to->base) {
			e1000_model_break(m, &m->rx, E1000_MODEL_E_rx_address);
			*why = VNET_DROP_rx_broken;
			return false;
		}
		to->len = len;
		c->nseg++;
		filled->bytes[k] = (uint16_t)len;
		*left -= len;
	}
	c->descs++;
	return true;
}

static bool gather(struct e1000_model *m, struct copy *c, enum vnet_drop *why)
{
	uint32_t i = m->rx.head, left = c->total, offered = e1000_model_offered(m);

	while (left) {
		if (c->descs == offered) {
			count_add(&m->missed, 1);
			*why = VNET_DROP_rx_full;
			return false;
		}
		if (!add_descriptor(m, c, i, &left, why))
			return false;
		i = e1000_model_next(&m->rx, i);
	}
	return true;
}

/* Writes at the copy's place, for which there is room; from NULL: zeroes.  A guest may receive
 * where it sends. */
static void put_bytes(struct copy *c, const uint8_t *from, uint32_t len)
{
	while (len) {
		uint32_t room, part;

		if (c->at == c->seg->len) {
			c->seg++;
			c->at = 0;
		}
		room = c->seg->len - c->at;
		part = len < room ? len : room;
		if (from) {
			memmove(c->seg->base + c->at, from, part);
			from += part;
		} else {
			memset(c->seg->base + c->at, 0, part);
		}
		c->at += part;
		len -= part;
	}
}

/* The frame's bytes [from, from + len). */
static void put_part(struct copy *c, const struct vnet_frame *f, uint32_t from, uint32_t len)
{
	for (unsigned i = 0; i < f->nseg && len; i++) {
		const struct vnet_seg *s = &f->seg[i];
		uint32_t skip = from < s->len ? from : s->len;
		uint32_t part = s->len - skip < len ? s->len - skip : len;

		put_bytes(c, s->base + skip, part);
		from -= skip;
		len -= part;
	}
}

static void put_frame(struct copy *c, const struct vnet_frame *f)
{
	if (c->strip) {
		put_part(c, f, 0, 12);
		put_part(c, f, 12 + TAG, f->len - 12 - TAG);
	} else {
		put_part(c, f, 0, f->len);
	}
	put_bytes(c, NULL, c->total - c->len);
}

/* The tag that is to be removed: CTRL.VME. */
static void find_tag(const struct e1000_model *m, const struct vnet_frame *f, struct copy *c)
{
	uint8_t head[ETHERNET + TAG];

	if (!(e1000_model_get(m, CTRL) & CTRL_VME) ||
	    view_read(f, head, sizeof head) < sizeof head ||
	    be16(head + 12) != e1000_model_get(m, VET))
		return;
	c->strip = true;
	c->tci = be16(head + 14);
}

/* What the driver may believe of the checksum: it is right where it was completed here. */
static uint32_t sum_status(const struct e1000_model *m, const struct vnet_hdr *hdr, bool summed)
{
	if (!(e1000_model_get(m, RXCSUM) & RXCSUM_TUOFL))
		return RXD_IXSM;
	if (summed)
		return RXD_TCPCS;
	if (!(hdr->flags & VNET_HDR_F_NEEDS_CSUM))
		return RXD_IXSM;
	return hdr->csum_offset == TCP_CSUM   ? RXD_TCPCS
	       : hdr->csum_offset == UDP_CSUM ? RXD_TCPCS | RXD_UDPCS
	                                      : RXD_IXSM;
}

/* Writes one descriptor back; the word with DD last (8254x 3.2.3; 82574 7.1.4, 7.1.5). */
static void write_descriptor(const struct e1000_model *m, uint32_t i, const struct filled *filled,
                             uint32_t status, uint16_t tci)
{
	uint64_t *d = (uint64_t *)(void *)descriptor(m, i), word;
	uint64_t len = filled->bytes[0];

	if (!m->extended) {
		word = len | (uint64_t)status << 32 | (uint64_t)tci << 48;
		__atomic_store_n(&d[1], word, __ATOMIC_RELEASE);
		return;
	}
	__atomic_store_n(&d[0], 0, __ATOMIC_RELAXED); /* no hash */
	if (m->split) {
		__atomic_store_n(&d[2],
		                 (uint64_t)filled->bytes[1] << 16 |
		                     (uint64_t)filled->bytes[2] << 32 |
		                     (uint64_t)filled->bytes[3] << 48,
		                 __ATOMIC_RELAXED);
		__atomic_store_n(&d[3], 0, __ATOMIC_RELAXED);
	}
	word = status | len << 32 | (uint64_t)tci << 48;
	__atomic_store_n(&d[1], word, __ATOMIC_RELEASE);
}

static void write_back(struct e1000_model *m, const struct copy *c, uint32_t status)
{
	struct e1000_model_ring *r = &m->rx;

	for (unsigned i = 0; i < c->descs; i++) {
		bool last = i + 1 == c->descs;

		write_descriptor(m, r->head, &c->filled[i], RXD_DD | (last ? status | RXD_EOP : 0),
		                 last ? c->tci : 0);
		r->head = e1000_model_next(r, r->head);
	}
	e1000_model_set(m, RDH, r->head);
}

static void count_received(struct e1000_model *m, const struct vnet_frame *f)
{
	count_add(&m->copied, f->len);
	count_add(&m->got_stats.frames, 1);
	count_add(&m->got_stats.bytes, f->len + CRC);
	if (f->dst == MAC_BROADCAST)
		count_add(&m->got_stats.broadcast, 1);
	else if (f->dst & MAC_MULTICAST)
		count_add(&m->got_stats.multicast, 1);
}

/* The checksum that is left to the receiver, in the buffers. */
static bool complete_sum(struct e1000_model *m, const struct vnet_hdr *hdr, const struct copy *c)
{
	struct vnet_hdr h = *hdr;

	if (c->strip && h.csum_start >= ETHERNET + TAG)
		h.csum_start -= TAG;
	return offload_csum(&h, m->rx_seg, c->nseg, c->len);
}

/* Delivers a frame that is not larger than the wire allows.  `summed`: its checksums are complete.
 */
static bool put_plain(struct e1000_model *m, const struct vnet_frame *f, bool summed,
                      enum vnet_drop *why)
{
	uint32_t rctl = e1000_model_get(m, RCTL);
	struct copy c;
	uint32_t status;

	c.strip = false;
	c.tci = 0;
	c.descs = c.nseg = 0;
	c.seg = m->rx_seg;
	c.at = 0;
	if (f->len + CRC > (rctl & RCTL_LPE ? WITH_LPE : WITHOUT_LPE)) {
		*why = VNET_DROP_oversize;
		return false;
	}
	find_tag(m, f, &c);
	c.len = f->len - (c.strip ? TAG : 0);
	c.total = (c.len < SHORTEST ? SHORTEST : c.len) + (rctl & RCTL_SECRC ? 0 : CRC);
	if (!gather(m, &c, why))
		return false;
	put_frame(&c, f);
	if (!summed && !complete_sum(m, &f->hdr, &c)) {
		*why = VNET_DROP_no_offload;
		return false;
	}
	status = sum_status(m, &f->hdr, summed) | (c.strip ? RXD_VP : 0);
	write_back(m, &c, status);
	count_received(m, f);
	return true;
}

/* The largest IP packet that the driver takes. */
static unsigned limit(const struct e1000_model *m)
{
	unsigned mtu = atomic_load_explicit(&m->mtu, memory_order_relaxed);
	unsigned most =
	    e1000_model_get(m, RCTL) & RCTL_LPE ? WITH_LPE - ETHERNET - TAG - CRC : PLAIN_MTU;

	return mtu < most ? mtu : most;
}

static bool yield(struct e1000_model *m)
{
	spin_unlock(&m->rx_lock);
	spin_lock(&m->rx_lock);
	return e1000_model_ready(&m->rx);
}

/* Delivers a large frame in segments, after a look whether there are enough buffers.  If it fails
 * midway, the segments before remain delivered: each is a valid frame, and TCP sends the rest
 * again.
 */
static bool put_segments(struct e1000_model *m, const struct vnet_frame *f, enum vnet_drop *why)
{
	struct offload_cut cut;
	struct vnet_frame segment;

	if (!offload_cut_begin(&cut, f, limit(m))) {
		*why = cut.head.covered ? VNET_DROP_authenticated : VNET_DROP_no_offload;
		return false;
	}
	if (e1000_model_offered(m) < cut.segments) {
		count_add(&m->missed, 1);
		*why = VNET_DROP_rx_full;
		return false;
	}
	for (unsigned i = 1; offload_cut_next(&cut, &segment); i++) {
		segment.dst = f->dst;
		if (!put_plain(m, &segment, true, why))
			return false;
		*why = VNET_DROP_port_down;
		if (i % CUT_TURN == 0 && i != cut.segments && !yield(m))
			return false;
	}
	*why = VNET_DROP_no_offload;
	return !cut.broken;
}

bool e1000_model_put(struct e1000_model *m, const struct vnet_frame *f, enum vnet_drop *why)
{
	return f->hdr.gso_type != VNET_GSO_NONE ? put_segments(m, f, why)
	                                        : put_plain(m, f, false, why);
}
