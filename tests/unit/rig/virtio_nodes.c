/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/host_memory.h"
#include "tests/unit/rig/virtio_nodes.h"

struct vnet *net;

struct node node[GUESTS];

_Thread_local unsigned this_core_id;

struct vnet_core *vnet_this_core(void)
{
	return vnet_core(net, this_core_id);
}

mac_t mac_of(unsigned i)
{
	return 0x100000005452ull | (mac_t)i << 40; /* 52:54:00:00:00:1i */
}

static void nic_make(struct node *n, unsigned i)
{
	struct virtio_net_config c = {"net", mac_of(i), 1500, 256, 64, NULL};
	char name[8];

	n->g = guest_new();
	c.mem = &n->g->mem;
	n->nic = calloc(1, sizeof *n->nic);
	virtio_net_init(n->nic, &c);
	snprintf(name, sizeof name, "p%u", i);
	n->port = vnet_port_add(net, name, 0, virtio_net_nic.port, n->nic, 0);
	assert_non_null(n->port);
	virtio_net_nic.attach(&n->nic->v.pci, n->port);
	assert_true(vpci_add(&n->g->pci, &n->nic->v.pci, 0));
	n->p = guest_probe(n->g, 1);
	queue_alloc(n->g, &n->rx, 256);
	queue_alloc(n->g, &n->tx, 64);
	n->rxbuf = guest_alloc(n->g, 256 * 4096);
	n->txbuf = guest_alloc(n->g, 64 * TXBUF);
}

int nics_setup(void **state)
{
	static const struct vnet_mem mem = {host_alloc, host_release};

	(void)state;
	net = vnet_create(&mem, NODE_CORES);
	assert_non_null(net);
	assert_true(vnet_net_set(net, 0, VNET_LEARN));
	for (unsigned i = 0; i < GUESTS; i++)
		nic_make(&node[i], i);
	return 0;
}

int nics_teardown(void **state)
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

void nic_up(struct node *n, uint64_t features, unsigned nbuf, uint32_t size)
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

void nics_up(uint64_t features)
{
	for (unsigned i = 0; i < GUESTS; i++)
		nic_up(&node[i], features, 64, 2048);
}

uint8_t *nic_compose(struct node *n, unsigned slot, mac_t dst, uint32_t len, uint8_t seed)
{
	uint8_t *b = guest_at(n->g, n->txbuf + (uint64_t)slot * TXBUF), *f = b + VIRTIO_NET_HDR;

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

void nic_kick(struct node *n)
{
	guest_out(n->g, n->tx.notify, 2, 1);
}

void nic_send(struct node *n, mac_t dst, uint32_t len, uint8_t seed)
{
	unsigned slot = n->tx.avail_idx % 64;

	nic_compose(n, slot, dst, len, seed);
	queue_offer(&n->tx, (uint16_t)slot);
	nic_kick(n);
	n->tx.last_used = queue_used_idx(&n->tx);
}

struct vnet_hdr nic_receive(struct node *n, uint32_t len, uint8_t seed)
{
	static uint8_t got[TXBUF];
	uint32_t have = 0, buffers = 0;
	struct vnet_hdr h = {.num_buffers = 1};

	for (; buffers < h.num_buffers; buffers++) {
		struct vring_used_elem e = queue_used(&n->rx);

		memcpy(got + have, guest_at(n->g, n->rx.desc[e.id].addr), e.len);
		have += e.len;
		memcpy(&h, got, sizeof h);
		queue_offer(&n->rx, (uint16_t)e.id);
	}
	assert_int_equal(have, len + VIRTIO_NET_HDR);
	for (uint32_t i = 14; i < len; i++)
		assert_int_equal(got[VIRTIO_NET_HDR + i], (uint8_t)(seed + i));
	return h;
}

bool nic_idle(const struct node *n)
{
	return queue_used_idx(&n->rx) == n->rx.last_used;
}

uint64_t nic_drops(const struct node *n, enum vnet_drop why)
{
	struct vnet_port_stats s;

	vnet_port_stats(n->port, &s);
	return s.drop[why];
}

void nics_introduce(void)
{
	for (unsigned i = 0; i < GUESTS; i++)
		nic_send(&node[i], MAC_BROADCAST, 60, 0);
	for (unsigned i = 0; i < GUESTS; i++)
		while (!nic_idle(&node[i]))
			nic_receive(&node[i], 60, 0);
}
