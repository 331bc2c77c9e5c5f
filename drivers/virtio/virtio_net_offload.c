/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_net_offload.c: does in software the offloads that a driver did not accept (5.1.6.4). */
#include "drivers/virtio/virtio_net.h"
#include "drivers/virtio/virtio_net_parts.h"
#include "lib/count.h"
#include "vnet/frame/offload.h"

#define CUT_TURN 16 /* segments (24 KiB with an MTU of 1500) after which rx_lock is yielded */

static const struct vnet_hdr plain; /* asks for no offload */

/* Delivers the segments; *shared: the lock was yielded, so other senders' frames may lie between.
 */
static bool put_segments(struct virtio_net *n, struct offload_cut *cut, bool *shared,
                         enum vnet_drop *why)
{
	struct vnet_frame segment;

	for (unsigned i = 1; offload_cut_next(cut, &segment); i++) {
		count_add(&n->copied,
		          cut->head.len); /* the head of each is made from the frame's */
		if (!virtio_net_put(n, &segment, &plain, false, why))
			return false;
		if (i % CUT_TURN || i == cut->segments)
			continue;
		*shared = true;
		*why = VNET_DROP_port_down;
		if (!virtio_net_yield(n))
			return false;
	}
	*why = VNET_DROP_no_offload;
	return !cut->broken;
}

/*
 * Delivers a large frame in segments of at most the device's MTU, after a check for enough buffers.
 * If it fails midway, segments before a yield remain delivered: each is a valid frame, and the
 * sender's TCP retransmits the rest.
 */
static bool put_segmented(struct virtio_net *n, const struct vnet_frame *f, enum vnet_drop *why)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	uint16_t next = r->next;
	struct offload_cut cut;
	bool shared = false;

	if (!offload_cut_begin(&cut, f, n->registers.mtu)) {
		*why = cut.head.covered ? VNET_DROP_authenticated : VNET_DROP_no_offload;
		return false;
	}
	if (!virtio_net_offers(n, cut.segments)) {
		*why = VNET_DROP_rx_full;
		return false;
	}
	if (put_segments(n, &cut, &shared, why))
		return true;
	if (!shared)
		r->next = next; /* roll back: nothing was published to the driver */
	return false;
}

bool virtio_net_put_completed(struct virtio_net *n, const struct vnet_frame *f, enum vnet_drop *why)
{
	bool gso = f->hdr.gso_type != VNET_GSO_NONE;

	if (gso && !(n->gso_accepted & virtio_net_gso_bit(f->hdr.gso_type)))
		return put_segmented(n, f, why);
	return virtio_net_put(n, f, &plain, true, why);
}
