/* virtio_net_offload.c: for a driver that did not accept an offload, the device does it (5.1.6.4).
 */
#include "drivers/virtio/virtio_net.h"
#include "drivers/virtio/virtio_net_parts.h"
#include "vnet/offload.h"

static const struct vnet_hdr plain; /* nothing left to do */

/* Delivers a large frame in segments of at most the device's MTU: all of them or none. */
static bool put_cut(struct virtio_net *n, const struct vnet_frame *f, enum vnet_drop *why)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	uint16_t next = r->next;
	struct vnet_frame segment;
	struct offload_cut cut;
	bool all = offload_cut_begin(&cut, f, n->registers.mtu);

	*why = VNET_DROP_no_offload;
	if (all && !virtio_net_offers(n, cut.segments)) {
		*why = VNET_DROP_rx_full;
		return false;
	}
	while (all && offload_cut_next(&cut, &segment))
		all = virtio_net_put(n, &segment, &plain, false, why);
	if (all && !cut.broken)
		return true;
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
