/* virtio_net_parts.h: between the files of the network device. */
#ifndef DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#define DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#include "drivers/virtio/virtio_net.h"

/* The guest broke a rule of ring `q`: the device breaks, the port goes down. */
void virtio_net_break(struct virtio_net *n, enum vring_error why);

/* virtio_net_rx.c, rx_lock held: whether the driver offers so many receive buffers. */
bool virtio_net_offers(struct virtio_net *n, unsigned wanted);

/*
 * virtio_net_rx.c, rx_lock held: puts one frame behind `hdr` into receive buffers, as used entries
 * that are not yet published.  `sum` completes the frame's checksum there.  Returns whether it was
 * delivered; *why is set if not, VNET_DROP_rx_broken with the device broken.
 */
bool virtio_net_put(struct virtio_net *n, const struct vnet_frame *f, const struct vnet_hdr *hdr,
                    bool sum, enum vnet_drop *why);

/* virtio_net_rx.c, rx_lock held: lets another sender in.  False: the device was stopped meanwhile;
 * if it was started anew, the ring is another one. */
bool virtio_net_yield(struct virtio_net *n);

/* virtio_net_offload.c, rx_lock held, but let go of now and then: the same for a frame that asks
 * for more than this driver accepted: its checksum is completed, or it is cut.  All segments are
 * delivered, or none, or the first ones if other senders take the room of the rest. */
bool virtio_net_put_completed(struct virtio_net *n, const struct vnet_frame *f,
                              enum vnet_drop *why);

/* A gso type's bit in gso_accepted; with explicit congestion notification it is another type. */
static inline uint32_t virtio_net_gso_bit(uint8_t gso_type)
{
	return 1u << ((gso_type & 15) | (gso_type & VNET_GSO_ECN ? 16 : 0));
}

/* Whether a header asks for anything: its first two bytes at once. */
static inline bool virtio_net_offload(const struct vnet_hdr *h)
{
	uint16_t v;

	__builtin_memcpy(&v, h, sizeof v);
	return v != 0;
}

/* Whether the driver takes the frame's offload header as it is. */
static inline bool virtio_net_takes(const struct virtio_net *n, const struct vnet_hdr *h)
{
	return !virtio_net_offload(h) || ((n->csum_accepted || !h->flags) &&
	                                  (h->gso_type == VNET_GSO_NONE ||
	                                   (n->gso_accepted & virtio_net_gso_bit(h->gso_type))));
}

/* Moves of 16 and 32 bytes at any address: in vector registers where the build has them. */
struct virtio_net_16 {
	uint64_t a, b;
} __attribute__((packed, may_alias, aligned(1)));

static inline void vnet_move16(uint8_t *to, const uint8_t *from)
{
	*(struct virtio_net_16 *)to = *(const struct virtio_net_16 *)from;
}

static inline void vnet_move32(uint8_t *to, const uint8_t *from)
{
	vnet_move16(to, from);
	vnet_move16(to + 16, from + 16);
}
#endif
