/* SPDX-License-Identifier: BSD-2-Clause */
/* Dom0's port of the switch: a virtio network device, driven without copies. */
#ifndef DOM0_PORT_H
#define DOM0_PORT_H
#include <stdint.h>
#include "guest-images/lib/virtio.h"

#define PORT_BUFFER 4096 /* bytes of a receive buffer; a frame may fill several */
#define PORT_HEADER 12   /* struct vnet_hdr, before each frame (virtio 1.2, 5.1.6) */

struct port {
	struct guest_virtio dev;
	struct guest_vq rx, tx; /* as Dom0 sees them: rx has frames that leave the node */
	uint16_t mtu;           /* the device's MTU, or 1500 without VIRTIO_NET_F_MTU */
};

/*
 * Finds and starts the device.  `tso6`: whether the NIC segments TCP over IPv6; else the
 * switch does.  Interrupts use MSI-X, and the receive ring is filled.  Returns NULL, or what is
 * wrong.
 */
const char *port_start(struct port *port, bool tso6);

/* Gives a receive buffer back to the ring; guest_vq_kick() publishes it. */
void port_give(struct port *port, void *buffer);

uint64_t port_irqs(void);
#endif
