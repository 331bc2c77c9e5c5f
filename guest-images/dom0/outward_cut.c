/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments large frames that the NIC cannot, though Dom0 offers TSO to the switch: those with IPv6
 * extension headers or a source route.  Each segment's headers are in an out_frame of its own; the
 * payload stays in the port's buffers, which are released with the last segment.
 */
#include <string.h>
#include "guest-images/dom0/bridge.h"

static struct offload_cut cut;

static uint32_t bytes_of(const struct out_frame *f)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < f->n; i++)
		len += f->piece[i].len;
	return len;
}

/* Descriptors for all segments: per segment a header and a first piece, one for each further
 * buffer, and the spare one that e1000_tx_send() needs. */
static bool has_room(const struct bridge *b, const struct out_frame *f)
{
	unsigned free = E1000_TX_RING - 1 - e1000_tx_pending(&b->nic);

	_Static_assert(2 * OFFLOAD_SEGMENTS + OUT_BUFFERS + 1 < E1000_TX_RING, "it comes in time");
	return free > 2 * cut.segments + f->n && b->out_nfree >= cut.segments - 1;
}

_Static_assert(OUT_BUFFERS + 1 <= E1000_PIECES, "a segment's pieces");

static void send_segment(struct bridge *b, struct vnet_frame *segment, struct out_frame *keeper)
{
	static const struct vnet_hdr plain;

	memcpy(keeper->head, segment->seg->base, segment->seg->len);
	b->count[BRIDGE_copied] += segment->seg->len;
	segment->seg->base = keeper->head;
	/* There is room, and a segment has at most one piece more than its frame. */
	e1000_tx_send(&b->nic, segment->seg, segment->nseg, &plain, keeper);
}

enum e1000_sent outward_cut(struct bridge *b, struct out_frame *f)
{
	struct vnet_frame whole = {
	    .seg = f->piece, .nseg = f->n, .len = bytes_of(f), .hdr = f->hdr};
	struct vnet_frame segment;

	if (!offload_cut_begin(&cut, &whole, b->port.mtu))
		return E1000_UNABLE;
	if (!has_room(b, f))
		return E1000_FULL;
	while (offload_cut_next(&cut, &segment))
		send_segment(b, &segment, cut.index < cut.segments ? outward_take(b) : f);
	return E1000_SENT;
}
