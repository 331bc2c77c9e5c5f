/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_net_parts.h: between the files of the network device. */
#ifndef DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#define DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#include "drivers/virtio/virtio_net.h"

/* The guest broke a rule of ring `q`: the device breaks, the port goes down. */
void virtio_net_break(struct virtio_net *n, enum vring_error why);

/* virtio_net_tx.c: the driver notified queue `q`. */
void virtio_net_notified(struct virtio_pci *v, unsigned q);

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

#endif
