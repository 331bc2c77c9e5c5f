/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net.h: the network device of a guest (virtio 1.2, 5.1), between its rings and the switch.
 *
 *   virtio_net.c          identity, configuration, start and stop
 *   virtio_net_tx.c       the guest sends: kick or poll -> batch -> vnet_input()
 *   virtio_net_held.c     chains whose frames wait in the switch are given back later
 *   virtio_net_rx.c       the switch delivers: the only copy, into the guest's receive buffers
 *   virtio_net_offload.c  completes checksums and segments for a guest that did not accept them
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_NET_H
#define DRIVERS_VIRTIO_VIRTIO_NET_H
#include <stdbool.h>
#include <stdint.h>
#include "drivers/nic.h"
#include "drivers/virtio/lock.h"
#include "drivers/virtio/virtio_pci.h"
#include "vnet/vnet.h"

#define VIRTIO_NET_RX_SIZE 1024 /* ring entries, the default */
#define VIRTIO_NET_TX_SIZE 256
#define VIRTIO_NET_HDR     12 /* bytes before each frame (5.1.6, VERSION_1) */

#define VIRTIO_NET_RX 0 /* queue numbers (5.1.2) */
#define VIRTIO_NET_TX 1

#define VIRTIO_NET_F_CSUM       (1ull << 0)
#define VIRTIO_NET_F_GUEST_CSUM (1ull << 1)
#define VIRTIO_NET_F_MTU        (1ull << 3)
#define VIRTIO_NET_F_MAC        (1ull << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (1ull << 7)
#define VIRTIO_NET_F_GUEST_TSO6 (1ull << 8)
#define VIRTIO_NET_F_GUEST_ECN  (1ull << 9)
#define VIRTIO_NET_F_HOST_TSO4  (1ull << 11)
#define VIRTIO_NET_F_HOST_TSO6  (1ull << 12)
#define VIRTIO_NET_F_HOST_ECN   (1ull << 13)
#define VIRTIO_NET_F_MRG_RXBUF  (1ull << 15)
#define VIRTIO_NET_F_STATUS     (1ull << 16)

#define VIRTIO_NET_S_LINK_UP 1

/* struct virtio_net_config as the driver reads it (5.1.4), little-endian. */
struct virtio_net_registers {
	uint8_t mac[6];
	uint16_t status, max_virtqueue_pairs, mtu;
};

struct virtio_net_config {
	const char *name;
	mac_t mac;
	uint16_t mtu;              /* bytes of payload in a frame that is not GSO, e.g. 1500 */
	uint16_t rx_size, tx_size; /* 0: the defaults */
	const struct gmem *mem;    /* the guest's memory; outlives the device */
};

/* Chains of the TX ring whose frames wait in the switch (vnet/held.h).  A frame that waits for
 * several destinations has a slot for each. */
struct virtio_net_holds {
	uint64_t held;        /* chains of the present batch that are held, one bit each */
	uint64_t skipped;     /* those that became no frame */
	uint32_t serial;      /* of the last chain that was held */
	uint16_t used, fresh; /* slots, one bit each: in use; of the present batch */
	_Atomic uint16_t released;
	struct virtio_net_hold {
		uint32_t serial; /* of its chain */
		uint16_t head;
		uint8_t chain; /* number in its batch */
	} slot[VNET_HOLDS];
};

_Static_assert(VNET_HOLDS <= 16, "slots have a bit each");

struct virtio_net {
	struct virtio_pci v; /* first */
	struct vnet_port *port;
	struct vgate tx_gate;    /* serialises the TX ring */
	struct spinlock rx_lock; /* serialises the RX ring */
	uint64_t features;     /* accepted by the driver; these fields change only in start/stop */
	uint32_t gso_accepted; /* bit n: the driver accepts GSO type n unsegmented */
	bool csum_accepted, mergeable;
	/* The ring may be used.  Set by start, cleared by stop, both with tx_gate and rx_lock held,
	 * and by a violation. */
	atomic_bool tx_ready, rx_ready;
	_Atomic uint16_t mtu_next; /* the MTU register's value from the driver's next reset on */
	struct virtio_net_registers registers;
	struct virtio_net_holds holds; /* under tx_gate, but for `released` */
	uint64_t
	    copied; /* bytes of frames, without virtio_net_hdr, to the RX ring; under rx_lock */
	struct vnet_seg rx_seg[VNET_SEGS]; /* receive buffers of a frame; under rx_lock */
};

/* The model for the control plane; the device is &n->v.pci. */
extern const struct nic_ops virtio_net_nic;

/*
 * Prepares the device in memory that the caller owns (zeroed).  Then: attach() of virtio_net_nic
 * and vpci_add(&n->v.pci).
 */
void virtio_net_init(struct virtio_net *n, const struct virtio_net_config *c);

/* virtio_ops.kick: forwards frames of the TX ring on this core, one bounded visit.  Also to be
 * called once after vnet_port_set_mode(): in VNET_KICK it sends what is left and arms kicks.  In
 * VNET_ADAPTIVE a kick with frames wakes the core that polls, which forwards what is left. */
void virtio_net_kick(struct virtio_pci *v, unsigned q);

/* vnet_port_ops.poll: sends up to `budget` frames; kicks stay suppressed. */
unsigned virtio_net_poll(void *dev, struct vnet_core *core, unsigned budget);

/* vnet_port_ops.arm. */
bool virtio_net_arm(void *dev, bool on);

/* vnet_port_ops.egress: one copy from the senders' memory into receive buffers. Any core. */
unsigned virtio_net_egress(struct vnet_port *port, struct vnet_core *core,
                           struct vnet_frame *const *frames, unsigned n);

/* vnet_port_ops.egress_traced: the same one frame at a time, and stamps the copy. */
unsigned virtio_net_egress_traced(struct vnet_port *port, struct vnet_core *core,
                                  struct vnet_frame *const *frames, unsigned n);

/* vnet_port_ops.room: how many receive buffers the driver offers.  Any core. */
unsigned virtio_net_room(const struct vnet_port *port);

#endif
