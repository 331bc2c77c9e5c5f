/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_nodes.h: three guests with network devices on one switch, for the tests of these devices.
 */
#ifndef TESTS_UNIT_RIG_VIRTIO_NODES_H
#define TESTS_UNIT_RIG_VIRTIO_NODES_H
#include <stdio.h>
#include "tests/unit/rig/virtio_guest.h"
#include "drivers/virtio/virtio_net.h"

#define GUESTS     3
#define TXBUF      70000 /* bytes of a transmit buffer */
#define NODE_CORES 6     /* that may be in the walk */

struct node {
	struct guest *g;
	struct virtio_net *nic;
	struct vnet_port *port;
	struct probe p;
	struct queue rx, tx;
	uint64_t rxbuf, txbuf; /* GPAs */
	uint32_t rxbuf_size;
};

extern struct vnet *net;
extern struct node node[GUESTS];
extern _Thread_local unsigned this_core_id; /* of the calling thread, in the walk */

/* That core of the switch is vnet_this_core(). */

/* The MAC address of guest i. */
mac_t mac_of(unsigned i);

/* cmocka's: makes the switch and the guests, and frees them. */
int nics_setup(void **state);

int nics_teardown(void **state);

#define RINGS (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define BASIC (RINGS | VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU | VIRTIO_NET_F_STATUS)
#define OFFLOADS                                                                                   \
	(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_HOST_TSO4 |                    \
	 VIRTIO_NET_F_GUEST_TSO4)
#define FULL (BASIC | OFFLOADS | VIRTIO_NET_F_MRG_RXBUF)

/* Brings the driver up with `nbuf` receive buffers of `size` bytes. */
void nic_up(struct node *n, uint64_t features, unsigned nbuf, uint32_t size);

/* All of them, with 64 buffers of 2048 bytes. */
void nics_up(uint64_t features);

/* Writes header and frame into TX buffer `slot`; the payload counts up from `seed`. */
uint8_t *nic_compose(struct node *n, unsigned slot, mac_t dst, uint32_t len, uint8_t seed);

/* Notifies the device of its transmit queue. */
void nic_kick(struct node *n);

/* Composes a frame in the next TX buffer, offers it and notifies. */
void nic_send(struct node *n, mac_t dst, uint32_t len, uint8_t seed);

/* Takes one frame of `len` bytes off the RX ring, checks it, and gives the buffers back. */
struct vnet_hdr nic_receive(struct node *n, uint32_t len, uint8_t seed);

/* Whether no frame waits in the RX ring. */
bool nic_idle(const struct node *n);

/* The drops of one kind on its port. */
uint64_t nic_drops(const struct node *n, enum vnet_drop why);

/* Lets the switch learn everybody, and takes the frames of that away. */
void nics_introduce(void);

#endif
