/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_net_offload.c: for a driver that did not accept an offload, the device does it (5.1.6.4).
 */
#include "drivers/virtio/virtio_net.h"
#include "drivers/virtio/virtio_net_parts.h"
#include "vnet/frame/offload.h"

#define CUT_TURN 16 /* segments, up to 24 KiB with an MTU of 1500, after which others get in */

static const struct vnet_hdr plain; /* nothing left to do */

/* Puts the segments; *shared: other senders have put frames of theirs between them. */
static bool put_segments(struct virtio_net *n, struct offload_cut *cut, bool *shared,
                         enum vnet_drop *why)
{
	struct vnet_frame segment;

	for (unsigned i = 1; offload_cut_next(cut, &segment); i++) {
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
 * Delivers a large frame in segments of at most the device's MTU.  The room is looked for first; of
 * a frame that fails all the same, segments that others' frames follow stay: each is whole, and its
 * sender's TCP sends the rest again.
 */
static bool put_cut(struct virtio_net *n, const struct vnet_frame *f, enum vnet_drop *why)
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
		r->next = next; /* unpublished: the driver has not seen any of it */
	return false;
}

bool virtio_net_put_completed(struct virtio_net *n, const struct vnet_frame *f, enum vnet_drop *why)
{
	bool gso = f->hdr.gso_type != VNET_GSO_NONE;

	if (gso && !(n->gso_accepted & virtio_net_gso_bit(f->hdr.gso_type)))
		return put_cut(n, f, why);
	return virtio_net_put(n, f, &plain, true, why);
}
