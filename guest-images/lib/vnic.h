/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio NIC for test guests: frames copied in and out, one CPU. */
#ifndef GUEST_VNIC_H
#define GUEST_VNIC_H
#include <stdbool.h>
#include <stdint.h>
#include "guest-images/lib/virtio.h"
#include "vnet/frame/frame.h"

#define VNIC_RX     0
#define VNIC_TX     1
#define VNIC_RING   256
#define VNIC_HEADER 12
#define VNIC_FRAME  1518
#define VNIC_VECTOR 0x70
#define VNIC_PIECES 17

#define VNIC_F_CSUM      (1ull << 0)
#define VNIC_F_MAC       (1ull << 5)
#define VNIC_F_HOST_TSO4 (1ull << 11)
#define VNIC_F_HOST_TSO6 (1ull << 12)

struct vnic {
	struct guest_virtio dev;
	struct guest_vq rx, tx;
	uint64_t wanted; /* features besides VNIC_F_MAC, set before vnic_open() */
	uint8_t mac[6];
	uint8_t *tx_free[VNIC_RING];
	unsigned tx_nfree;
	void *ring_memory[2];
	uint8_t *buffers;
};

/* PCI and port access for the virtio driver. */
extern const struct guest_bus guest_bus;

/*
 * Opens the n-th modern virtio network device and starts it, with interrupts by MSI-X on
 * VNIC_VECTOR.  To be called after mem_init() and lapic_init().  Returns NULL, or what went wrong.
 */
const char *vnic_open(struct vnic *nic, unsigned n);

/* Starts the device again after a reset, with the same memory. */
const char *vnic_restart(struct vnic *nic);

/* Sends a frame of 14 to VNIC_FRAME bytes; false when the ring is full. vnic_flush() publishes it.
 */
bool vnic_send(struct vnic *nic, const void *frame, unsigned len);
void vnic_flush(struct vnic *nic);

/*
 * Sends a frame with an offload header, in up to VNIC_PIECES segments, which the device uses until
 * vnic_sent().  nic->wanted must include VNIC_F_CSUM and the features that the header needs.
 */
bool vnic_send_offload(struct vnic *nic, const struct vnet_hdr *hdr, const struct vnet_seg *piece,
                       unsigned n);

/* Whether the device has used all frames sent. */
bool vnic_sent(struct vnic *nic);

/* Copies the next frame to `frame` (VNIC_FRAME bytes); its length, or 0 when there is none. */
unsigned vnic_receive(struct vnic *nic, void *frame);

/* Sleeps until the device has received a frame; returns at once when it has one. */
void vnic_wait(struct vnic *nic);
#endif
