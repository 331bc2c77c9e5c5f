/* virtio_net_parts.h: between the files of the network device. */
#ifndef DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#define DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#include "drivers/virtio/virtio_net.h"

/* The guest broke a rule of ring `q`: the device breaks, the port goes down. */
void virtio_net_break(struct virtio_net *n, enum vring_error why);

/*
 * virtio_net_rx.c, rx_lock held: puts one frame behind `hdr` into receive buffers, as used entries
 * that are not yet published.  `sum` completes the frame's checksum there.  Returns whether it was
 * delivered; *why is set if not, VNET_DROP_rx_broken with the device broken.
 */
bool virtio_net_put(struct virtio_net *n, const struct vnet_frame *f, const struct vnet_hdr *hdr,
                    bool sum, enum vnet_drop *why);

/* virtio_net_offload.c, rx_lock held: the same for a frame that asks for more than this driver
 * accepted: its checksum is completed, or it is cut, and all segments are delivered or none. */
bool virtio_net_put_completed(struct virtio_net *n, const struct vnet_frame *f,
                              enum vnet_drop *why);

/* A gso type's bit in gso_accepted; with explicit congestion notification it is another type. */
static inline uint32_t virtio_net_gso_bit(uint8_t gso_type)
{
	return 1u << ((gso_type & 15) | (gso_type & VNET_GSO_ECN ? 16 : 0));
}

/* Whether the driver takes the frame's offload header as it is. */
static inline bool virtio_net_takes(const struct virtio_net *n, const struct vnet_hdr *h)
{
	return (h->flags | h->gso_type) == 0 ||
	       ((n->csum_accepted || !h->flags) &&
	        (h->gso_type == VNET_GSO_NONE ||
	         (n->gso_accepted & virtio_net_gso_bit(h->gso_type))));
}

/* Moves the bytes of a frame.  The smallest frames go by 16 bytes in line, where the last move may
 * overlap the one before; longer ones by memcpy(). */
struct vnet_chunk {
	uint64_t a, b;
} __attribute__((packed, may_alias, aligned(1)));

static inline void vnet_move16(uint8_t *to, const uint8_t *from)
{
	*(struct vnet_chunk *)to = *(const struct vnet_chunk *)from;
}
#endif
