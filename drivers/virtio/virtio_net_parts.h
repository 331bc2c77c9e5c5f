/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_net_parts.h: shared by the files of the network device. */
#ifndef DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#define DRIVERS_VIRTIO_VIRTIO_NET_PARTS_H
#include "drivers/virtio/virtio_net.h"

/* The guest broke a rule of ring `q`: the device breaks, the port goes down. */
void virtio_net_break(struct virtio_net *n, enum vring_error why);

/*
 * virtio_net_rx.c: an RX kick, or the start.  It matters for an edge only, which has frames to send
 * when its driver can take some: true, and kicks are suppressed: there are receive buffers; false:
 * there are none yet, and the driver kicks for its first.  For all others kicks stay suppressed:
 * receive buffers are looked up when there is a frame.
 */
bool virtio_net_first_buffers(struct virtio_net *n);

/* virtio_net_held.c: vnet_port_ops.hold and .release. */
int virtio_net_hold(void *dev, unsigned frame, struct vnet_held *h);
void virtio_net_release(void *dev, unsigned slot);

/* virtio_net_held.c, gate held: ends a batch of `taken` chains (0: none) while some are held, and
 * gives back those whose frames were released. */
void virtio_net_done_but_held(struct virtio_net *n, struct vnet_core *core, unsigned taken);

/* virtio_net_rx.c, rx_lock held: whether the driver offers `wanted` receive buffers. */
bool virtio_net_offers(struct virtio_net *n, unsigned wanted);

/*
 * virtio_net_rx.c, rx_lock held: copies `hdr` and the frame into receive buffers and fills used
 * entries, not published yet.  `sum`: completes the checksum there.  False: not delivered, *why is
 * set (VNET_DROP_rx_broken: the driver broke a rule, and the device is broken).
 */
bool virtio_net_put(struct virtio_net *n, const struct vnet_frame *f, const struct vnet_hdr *hdr,
                    bool sum, enum vnet_drop *why);

/* virtio_net_rx.c, rx_lock held: releases the lock once for other senders.  False: the device was
 * stopped; true: it may still have been restarted meanwhile, with another ring. */
bool virtio_net_yield(struct virtio_net *n);

/* virtio_net_offload.c, rx_lock held but yielded now and then: delivers a frame with offloads that
 * this driver did not accept: completes its checksum, or segments it.  All segments are delivered,
 * or none, or only the first ones if other senders take the remaining buffers. */
bool virtio_net_put_completed(struct virtio_net *n, const struct vnet_frame *f,
                              enum vnet_drop *why);

/* A GSO type's bit in gso_accepted; the types with ECN have bits of their own. */
static inline uint32_t virtio_net_gso_bit(uint8_t gso_type)
{
	return 1u << ((gso_type & 15) | (gso_type & VNET_GSO_ECN ? 16 : 0));
}

#endif
