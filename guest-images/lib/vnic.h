/* A virtio NIC for test guests: frames copied in and out, one CPU. */
#ifndef GUEST_VNIC_H
#define GUEST_VNIC_H
#include <stdbool.h>
#include <stdint.h>
#include "guest-images/lib/virtio.h"

#define VNIC_RX     0
#define VNIC_TX     1
#define VNIC_RING   256
#define VNIC_HEADER 12
#define VNIC_FRAME  1518
#define VNIC_VECTOR 0x70

#define VNIC_F_MAC (1ull << 5)

struct vnic {
	struct guest_virtio dev;
	struct guest_vq rx, tx;
	uint8_t mac[6];
	uint8_t *tx_free[VNIC_RING];
	unsigned tx_nfree;
	void *ring_memory[2];
	uint8_t *buffers;
};

/* The machine as the virtio driver wants it. */
extern const struct guest_bus guest_bus;

/*
 * Opens the n-th modern virtio network device and starts it, with interrupts by MSI-X on
 * VNIC_VECTOR.  mem_init() and lapic_init() came before.  Returns NULL, or what went wrong.
 */
const char *vnic_open(struct vnic *nic, unsigned n);

/* Starts the device again after a reset: memory is kept. */
const char *vnic_restart(struct vnic *nic);

/* Sends a frame of 14 to VNIC_FRAME bytes; false when the ring is full. vnic_flush() shows it. */
bool vnic_send(struct vnic *nic, const void *frame, unsigned len);
void vnic_flush(struct vnic *nic);

/* Copies the next frame to `frame` (VNIC_FRAME bytes); its length, or 0 when there is none. */
unsigned vnic_receive(struct vnic *nic, void *frame);

/* Sleeps until the device has something for us; returns at once when it has. */
void vnic_wait(struct vnic *nic);
#endif
