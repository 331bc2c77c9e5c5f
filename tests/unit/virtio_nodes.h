/*
 * virtio_nodes.h: three guests with network devices on one switch, for the tests of these devices.
 */
#ifndef TESTS_UNIT_VIRTIO_NODES_H
#define TESTS_UNIT_VIRTIO_NODES_H
#include <stdio.h>
#include "tests/unit/virtio_guest.h"
#include "drivers/virtio/virtio_net.h"

#define GUESTS     3
#define TXBUF      70000 /* bytes of a transmit buffer */
#define NODE_CORES 4     /* that may be in the walk */

struct node {
	struct guest *g;
	struct virtio_net *nic;
	struct vnet_port *port;
	struct probe p;
	struct queue rx, tx;
	uint64_t rxbuf, txbuf; /* GPAs */
	uint32_t rxbuf_size;
};

static struct vnet *net;
static struct node node[GUESTS];
static _Thread_local unsigned this_core_id;

static inline void *alloc(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	memset(p, 0, size);
	return p;
}

static inline void release(void *p, size_t size)
{
	(void)size;
	free(p);
}

static inline struct vnet_core *this_core(void)
{
	return vnet_core(net, this_core_id);
}

static inline mac_t mac_of(unsigned i)
{
	return 0x100000005452ull | (mac_t)i << 40; /* 52:54:00:00:00:1i */
}

static inline void node_make(struct node *n, unsigned i)
{
	struct virtio_net_config c = {"net", mac_of(i), 1500, 256, 64, NULL, this_core};
	char name[8];

	n->g = guest_new();
	c.mem = &n->g->mem;
	n->nic = calloc(1, sizeof *n->nic);
	virtio_net_init(n->nic, &c);
	snprintf(name, sizeof name, "p%u", i);
	n->port = vnet_port_add(net, name, 0, &virtio_net_port_ops, n->nic, 0);
	assert_non_null(n->port);
	virtio_net_attach(n->nic, n->port);
	assert_true(vpci_add(&n->g->pci, &n->nic->v.pci, 0));
	n->p = probe(n->g, 1);
	queue_alloc(n->g, &n->rx, 256);
	queue_alloc(n->g, &n->tx, 64);
	n->rxbuf = guest_alloc(n->g, 256 * 4096);
	n->txbuf = guest_alloc(n->g, 64 * TXBUF);
}

static inline int setup(void **state)
{
	static const struct vnet_mem mem = {alloc, release};

	(void)state;
	net = vnet_create(&mem, NODE_CORES);
	assert_non_null(net);
	assert_true(vnet_net_set(net, 0, VNET_LEARN));
	for (unsigned i = 0; i < GUESTS; i++)
		node_make(&node[i], i);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	vnet_destroy(net);
	for (unsigned i = 0; i < GUESTS; i++) {
		guest_free(node[i].g);
		free(node[i].nic);
		memset(&node[i], 0, sizeof node[i]);
	}
	return 0;
}

#define RINGS (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define BASIC (RINGS | VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU | VIRTIO_NET_F_STATUS)
#define OFFLOADS                                                                                   \
	(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_HOST_TSO4 |                    \
	 VIRTIO_NET_F_GUEST_TSO4)
#define FULL (BASIC | OFFLOADS | VIRTIO_NET_F_MRG_RXBUF)

/* Brings the driver up with `nbuf` receive buffers of `size` bytes. */
static inline void up(struct node *n, uint64_t features, unsigned nbuf, uint32_t size)
{
	assert_true(negotiate(n->g, &n->p, features));
	memset(n->rx.avail, 0, 6 + 2 * 256);
	memset(n->tx.avail, 0, 6 + 2 * 64);
	memset(n->rx.used, 0, 6 + 8 * 256);
	memset(n->tx.used, 0, 6 + 8 * 64);
	n->rx.avail_idx = n->rx.last_used = n->tx.avail_idx = n->tx.last_used = 0;
	msix_on(n->g, &n->p, 3, 0);
	queue_setup(n->g, &n->p, 0, &n->rx, 1);
	queue_setup(n->g, &n->p, 1, &n->tx, 2);
	n->rxbuf_size = size;
	for (unsigned i = 0; i < nbuf; i++) {
		n->rx.desc[i] = (struct vring_desc){n->rxbuf + 4096 * i, size, VRING_DESC_WRITE, 0};
		queue_offer(&n->rx, (uint16_t)i);
	}
	status_add(n->g, &n->p, VIRTIO_DRIVER_OK);
	assert_true(n->nic->v.running);
}

static inline void all_up(uint64_t features)
{
	for (unsigned i = 0; i < GUESTS; i++)
		up(&node[i], features, 64, 2048);
}

/* Writes header and frame into TX buffer `slot`; the payload counts up from `seed`. */
static inline uint8_t *compose(struct node *n, unsigned slot, mac_t dst, uint32_t len, uint8_t seed)
{
	uint8_t *b = at(n->g, n->txbuf + (uint64_t)slot * TXBUF), *f = b + VIRTIO_NET_HDR;

	memset(b, 0, VIRTIO_NET_HDR);
	mac_write(f, dst);
	mac_write(f + 6, mac_of((unsigned)(n - node)));
	f[12] = 0x88;
	f[13] = 0xb5;
	for (uint32_t i = 14; i < len; i++)
		f[i] = (uint8_t)(seed + i);
	n->tx.desc[slot] =
	    (struct vring_desc){n->txbuf + (uint64_t)slot * TXBUF, len + VIRTIO_NET_HDR, 0, 0};
	return f;
}

static inline void kick(struct node *n)
{
	out(n->g, n->tx.notify, 2, 1);
}

static inline void send(struct node *n, mac_t dst, uint32_t len, uint8_t seed)
{
	unsigned slot = n->tx.avail_idx % 64;

	compose(n, slot, dst, len, seed);
	queue_offer(&n->tx, (uint16_t)slot);
	kick(n);
	n->tx.last_used = queue_used_idx(&n->tx);
}

/* Takes one frame of `len` bytes off the RX ring, checks it, and gives the buffers back. */
static inline struct vnet_hdr receive(struct node *n, uint32_t len, uint8_t seed)
{
	static uint8_t got[TXBUF];
	uint32_t have = 0, buffers = 0;
	struct vnet_hdr h = {.num_buffers = 1};

	for (; buffers < h.num_buffers; buffers++) {
		struct vring_used_elem e = queue_used(&n->rx);

		memcpy(got + have, at(n->g, n->rx.desc[e.id].addr), e.len);
		have += e.len;
		memcpy(&h, got, sizeof h);
		queue_offer(&n->rx, (uint16_t)e.id);
	}
	assert_int_equal(have, len + VIRTIO_NET_HDR);
	for (uint32_t i = 14; i < len; i++)
		assert_int_equal(got[VIRTIO_NET_HDR + i], (uint8_t)(seed + i));
	return h;
}

static inline bool nothing(const struct node *n)
{
	return queue_used_idx(&n->rx) == n->rx.last_used;
}

static inline uint64_t drops(const struct node *n, enum vnet_drop why)
{
	struct vnet_port_stats s;

	vnet_port_stats(n->port, &s);
	return s.drop[why];
}

/* Lets the switch learn everybody, and takes the frames of that away. */
static inline void introduce(void)
{
	for (unsigned i = 0; i < GUESTS; i++)
		send(&node[i], MAC_BROADCAST, 60, 0);
	for (unsigned i = 0; i < GUESTS; i++)
		while (!nothing(&node[i]))
			receive(&node[i], 60, 0);
}
#endif
