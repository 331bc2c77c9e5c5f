/* test_virtio_net.c: guests with network devices on one switch, from TX ring to RX ring. */
#include <pthread.h>
#include <stdio.h>
#include "tests/unit/virtio_guest.h"
#include "drivers/virtio/virtio_net.h"

#define GUESTS 3
#define TXBUF  70000 /* bytes of a transmit buffer */

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

static void *alloc(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	memset(p, 0, size);
	return p;
}

static void release(void *p, size_t size)
{
	(void)size;
	free(p);
}

static struct vnet_core *this_core(void)
{
	return vnet_core(net, this_core_id);
}

static mac_t mac_of(unsigned i)
{
	return 0x100000005452ull | (mac_t)i << 40; /* 52:54:00:00:00:1i */
}

static void node_make(struct node *n, unsigned i)
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

static int setup(void **state)
{
	static const struct vnet_mem mem = {alloc, release};

	(void)state;
	net = vnet_create(&mem, 2);
	assert_non_null(net);
	assert_true(vnet_net_set(net, 0, VNET_LEARN));
	for (unsigned i = 0; i < GUESTS; i++)
		node_make(&node[i], i);
	return 0;
}

static int teardown(void **state)
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
static void up(struct node *n, uint64_t features, unsigned nbuf, uint32_t size)
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

static void all_up(uint64_t features)
{
	for (unsigned i = 0; i < GUESTS; i++)
		up(&node[i], features, 64, 2048);
}

/* Writes header and frame into TX buffer `slot`; the payload counts up from `seed`. */
static uint8_t *compose(struct node *n, unsigned slot, mac_t dst, uint32_t len, uint8_t seed)
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

static void kick(struct node *n)
{
	out(n->g, n->tx.notify, 2, 1);
}

static void send(struct node *n, mac_t dst, uint32_t len, uint8_t seed)
{
	unsigned slot = n->tx.avail_idx % 64;

	compose(n, slot, dst, len, seed);
	queue_offer(&n->tx, (uint16_t)slot);
	kick(n);
	n->tx.last_used = queue_used_idx(&n->tx);
}

/* Takes one frame of `len` bytes off the RX ring, checks it, and gives the buffers back. */
static struct vnet_hdr receive(struct node *n, uint32_t len, uint8_t seed)
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

static bool nothing(const struct node *n)
{
	return queue_used_idx(&n->rx) == n->rx.last_used;
}

static uint64_t drops(const struct node *n, enum vnet_drop why)
{
	struct vnet_port_stats s;

	vnet_port_stats(n->port, &s);
	return s.drop[why];
}

/* Lets the switch learn everybody, and takes the frames of that away. */
static void introduce(void)
{
	for (unsigned i = 0; i < GUESTS; i++)
		send(&node[i], MAC_BROADCAST, 60, 0);
	for (unsigned i = 0; i < GUESTS; i++)
		while (!nothing(&node[i]))
			receive(&node[i], 60, 0);
}

static void test_registers(void **state)
{
	struct node *n = &node[1];
	uint16_t d = n->p.device;
	mac_t mac = 0;

	(void)state;
	assert_int_equal(cfg_get(n->g, 1, 0, 4), 0x10411af4);
	for (unsigned i = 0; i < 6; i++)
		mac |= (mac_t)in(n->g, (uint16_t)(d + i), 1) << (8 * i);
	assert_int_equal(mac, mac_of(1));
	assert_int_equal(in(n->g, (uint16_t)(d + 6), 2), 1);
	assert_int_equal(in(n->g, (uint16_t)(d + 10), 2), 1500);
	virtio_net_set_link(n->nic, false);
	assert_int_equal(in(n->g, (uint16_t)(d + 6), 2), 0);
	assert_false(negotiate(n->g, &n->p, BASIC | VIRTIO_NET_F_GUEST_TSO4));
	assert_false(negotiate(n->g, &n->p, BASIC | VIRTIO_NET_F_HOST_TSO4));
	assert_false(negotiate(n->g, &n->p, FULL & ~VIRTIO_NET_F_GUEST_CSUM));
}

static void test_pass(void **state)
{
	(void)state;
	all_up(FULL);
	assert_true(node[0].port->up);
	introduce();
	for (uint32_t len = 14; len < 1515; len += 7) {
		send(&node[0], mac_of(1), len, (uint8_t)len);
		assert_int_equal(receive(&node[1], len, (uint8_t)len).num_buffers, 1);
	}
	assert_true(nothing(&node[0]) && nothing(&node[2]));
	assert_int_equal(node[0].tx.last_used, node[0].tx.avail_idx);
	assert_int_equal(drops(&node[1], VNET_DROP_rx_full), 0);
}

/* The header in a descriptor of its own, split, and a frame whose Ethernet header is in pieces. */
static void test_layouts(void **state)
{
	static const uint32_t cut[][3] = {{12, 0, 0}, {5, 0, 0},   {5, 3, 0}, {12, 3, 9},
	                                  {13, 1, 1}, {12, 14, 0}, {40, 1, 1}};
	struct node *n = &node[0];

	(void)state;
	all_up(FULL);
	introduce();
	for (unsigned k = 0; k < sizeof cut / sizeof cut[0]; k++) {
		uint64_t gpa = n->txbuf;
		uint32_t left = 100 + VIRTIO_NET_HDR;
		unsigned d = 0;

		compose(n, 0, mac_of(2), 100, (uint8_t)k);
		for (unsigned i = 0; i < 3 && cut[k][i]; i++, d++) {
			n->tx.desc[d] =
			    (struct vring_desc){gpa, cut[k][i], VRING_DESC_NEXT, (uint16_t)(d + 1)};
			gpa += cut[k][i];
			left -= cut[k][i];
		}
		n->tx.desc[d] = (struct vring_desc){gpa, left, 0, 0};
		queue_offer(&n->tx, 0);
		kick(n);
		receive(&node[2], 100, (uint8_t)k);
	}
}

static void test_batch_and_interrupts(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	all_up(FULL);
	introduce();
	for (unsigned i = 0; i < 32; i++) {
		compose(a, i, mac_of(1), 60, (uint8_t)i);
		queue_offer(&a->tx, (uint16_t)i);
	}
	queue_interrupt_at(&b->rx, (uint16_t)(b->rx.last_used + 31)); /* at the last of them */
	queue_interrupt_at(&a->tx, (uint16_t)(a->tx.last_used + 32)); /* after them: none */
	unsigned rx = b->g->msi_of[1], tx = a->g->msi_of[2];
	uint64_t suppressed = counter(&a->nic->v, "suppressed");
	kick(a);
	assert_int_equal(b->g->msi_of[1], rx + 1);
	assert_int_equal(a->g->msi_of[2], tx);
	assert_int_equal(counter(&a->nic->v, "suppressed"), suppressed + 1);
	for (unsigned i = 0; i < 32; i++)
		receive(b, 60, (uint8_t)i); /* in order */
	assert_false(queue_kick_wanted(&a->tx, a->tx.avail_idx));
	uint16_t old = a->tx.avail_idx;
	queue_offer(&a->tx, 0);
	assert_true(queue_kick_wanted(&a->tx, old)); /* armed again */
	old = b->rx.avail_idx;
	queue_offer(&b->rx, 0);
	assert_false(queue_kick_wanted(&b->rx, old)); /* receive buffers need no kick */
}

static void test_mergeable_64k(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	const uint32_t len = 65549; /* 65535 of IP and 14 of Ethernet */

	(void)state;
	all_up(FULL);
	up(b, FULL, 256, 4096);
	introduce();
	for (unsigned k = 0; k < 20; k++) {
		send(a, mac_of(1), len, (uint8_t)k);
		assert_int_equal(receive(b, len, (uint8_t)k).num_buffers, 17);
	}
	/* Not enough buffers for another: nothing of it is shown. */
	b->rx.last_used = queue_used_idx(&b->rx);
	for (unsigned k = 0; k < 16; k++)
		send(a, mac_of(1), len, 0);
	assert_int_equal((uint16_t)(queue_used_idx(&b->rx) - b->rx.last_used), 255);
	assert_int_equal(drops(b, VNET_DROP_rx_full), 1);
	send(a, mac_of(1), 60, 9); /* a small one still goes into the last */
	b->rx.last_used = (uint16_t)(b->rx.last_used + 255);
	receive(b, 60, 9);
	/* Larger than any frame may be. */
	send(a, mac_of(1), VNET_FRAME_MAX + 1, 0);
	assert_int_equal(drops(a, VNET_DROP_oversize), 1);
}

static void test_not_mergeable(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	all_up(BASIC);
	introduce();
	send(a, mac_of(1), 1514, 3);
	assert_int_equal(receive(b, 1514, 3).num_buffers, 1);
	send(a, mac_of(1), 2037, 3); /* one byte too much for the buffer */
	assert_true(nothing(b));
	assert_int_equal(drops(b, VNET_DROP_oversize), 1);
	/* A chain of pieces, the header in its own. */
	b->rx.desc[100] =
	    (struct vring_desc){b->rxbuf + 100 * 4096, 12, VRING_DESC_WRITE | VRING_DESC_NEXT, 101};
	b->rx.desc[101] =
	    (struct vring_desc){b->rxbuf + 100 * 4096 + 12, 2000, VRING_DESC_WRITE, 0};
	while (b->rx.avail_idx != (uint16_t)(b->rx.last_used + 64))
		queue_offer(&b->rx, 0);
	for (unsigned i = 0; i < 64; i++)
		send(a, mac_of(1), 60, 1);
	while (!nothing(b))
		queue_used(&b->rx);
	queue_offer(&b->rx, 100);
	send(a, mac_of(1), 1000, 7);
	assert_int_equal(queue_used(&b->rx).len, 1012);
	uint8_t *got = at(b->g, b->rxbuf + 100 * 4096);
	for (uint32_t i = 14; i < 1000; i++)
		assert_int_equal(got[12 + i], (uint8_t)(7 + i));
}

static void test_full_ring(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	all_up(FULL);
	introduce();
	for (unsigned i = 0; i < 70; i++)
		send(a, mac_of(1), 60, 1);
	assert_int_equal((uint16_t)(queue_used_idx(&b->rx) - b->rx.last_used), 64);
	assert_int_equal(drops(b, VNET_DROP_rx_full), 6);
	while (!nothing(b))
		receive(b, 60, 1);
	send(a, mac_of(1), 60, 1);
	receive(b, 60, 1);
}

static void violate(struct node *n, struct vring_desc d, const char *why)
{
	char name[64] = "violation.";

	all_up(FULL);
	strcat(name, why);
	uint64_t before = counter(&n->nic->v, name);
	n->tx.desc[0] = d;
	queue_offer(&n->tx, 0);
	kick(n);
	assert_int_equal(counter(&n->nic->v, name), before + 1);
	assert_int_equal(status_get(n->g, &n->p) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	assert_false(n->port->up);
	assert_int_equal(queue_used_idx(&n->tx), 0);
	/* The others go on; the broken one is sent nothing. */
	send(&node[1], MAC_BROADCAST, 60, 5);
	receive(&node[2], 60, 5);
	assert_true(nothing(n));
}

static void test_broken_tx(void **state)
{
	struct node *n = &node[0];

	(void)state;
	violate(n, (struct vring_desc){1ull << 50, 100, 0, 0}, "bad_address");
	violate(n, (struct vring_desc){n->txbuf, 100, VRING_DESC_WRITE, 0}, "not_readable");
	violate(n, (struct vring_desc){n->txbuf, 100, VRING_DESC_NEXT, 64}, "next_range");
	violate(n, (struct vring_desc){n->txbuf, 100, VRING_DESC_NEXT, 0}, "chain_loop");
	violate(n, (struct vring_desc){n->txbuf, 0, 0, 0}, "zero_length");
	violate(n, (struct vring_desc){n->txbuf, 11, 0, 0}, "no_header");
	all_up(FULL);
	n->tx.avail_idx = 65;
	queue_offer(&n->tx, 0);
	kick(n);
	assert_int_equal(counter(&n->nic->v, "violation.avail_overrun"), 1);
	all_up(FULL);
	queue_offer(&n->tx, 64);
	kick(n);
	assert_int_equal(counter(&n->nic->v, "violation.head_range"), 1);
}

static void test_broken_rx(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	all_up(FULL);
	introduce();
	b->rx.desc[3].flags = 0;
	for (unsigned i = 0; i < 64; i++)
		send(a, mac_of(1), 60, (uint8_t)i);
	assert_int_equal(counter(&b->nic->v, "violation.not_writable"), 1);
	assert_int_equal(drops(b, VNET_DROP_rx_broken), 1);
	assert_true(drops(b, VNET_DROP_port_down) > 0);
	assert_int_equal(status_get(a->g, &a->p) & VIRTIO_NEEDS_RESET, 0);
	up(b, FULL, 64, 2048);
	b->rx.avail_idx = (uint16_t)(b->rx.avail_idx + 300);
	queue_offer(&b->rx, 0);
	for (unsigned i = 0; i < 65; i++)
		send(a, mac_of(1), 60, 0);
	assert_int_equal(counter(&b->nic->v, "violation.avail_overrun"), 1);
}

/* Frames without an Ethernet header, or with a group address as source, are the switch's to count.
 */
static void test_bad_frames(void **state)
{
	struct node *a = &node[0];

	(void)state;
	all_up(FULL);
	send(a, mac_of(1), 14, 0);
	a->tx.desc[40] = (struct vring_desc){a->txbuf, 12, 0, 0};
	queue_offer(&a->tx, 40);
	a->tx.desc[41] = (struct vring_desc){a->txbuf, 25, 0, 0};
	queue_offer(&a->tx, 41);
	kick(a);
	assert_int_equal(drops(a, VNET_DROP_runt), 2);
	assert_int_equal(queue_used_idx(&a->tx), 3);
}

static uint8_t *tcp_frame(struct node *n, uint32_t payload, uint8_t flags, uint8_t gso)
{
	static const uint8_t ip[20] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 6,
	                               0,    0, 10, 0, 0, 1, 10,   0, 0,  2};
	uint8_t *f = compose(n, 0, mac_of(1), 54 + payload, 0);
	struct vnet_hdr h = {flags, gso, 54, gso ? 1448 : 0, 34, 16, 0};
	uint32_t sum = 0;

	memcpy(f - VIRTIO_NET_HDR, &h, sizeof h);
	f[12] = 8;
	f[13] = 0;
	memcpy(f + 14, ip, 20);
	f[16] = (uint8_t)((40 + payload) >> 8);
	f[17] = (uint8_t)(40 + payload);
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)f[14 + i] << 8 | f[15 + i];
	sum = (sum & 0xffff) + (sum >> 16);
	f[24] = (uint8_t)(~sum >> 8);
	f[25] = (uint8_t)~sum;
	memset(f + 34, 0, 20);
	f[46] = 0x50;
	/* The pseudo-header's sum, as a driver leaves it. */
	sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + 20 + payload;
	sum = (sum & 0xffff) + (sum >> 16);
	f[50] = (uint8_t)(sum >> 8);
	f[51] = (uint8_t)sum;
	return f;
}

/* The sum over a TCP segment and its pseudo-header: 0xffff when it is right (RFC 1071). */
static uint32_t tcp_sum(const uint8_t *f, uint32_t len)
{
	uint32_t tcp = len - 34, sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + tcp;

	for (uint32_t i = 0; i < tcp; i++)
		sum += i & 1 ? f[34 + i] : (uint32_t)f[34 + i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static const uint8_t *next_frame(struct node *n, uint32_t *len, struct vnet_hdr *h)
{
	struct vring_used_elem e = queue_used(&n->rx);
	const uint8_t *b = at(n->g, n->rx.desc[e.id].addr);

	memcpy(h, b, sizeof *h);
	*len = e.len - VIRTIO_NET_HDR;
	return b + VIRTIO_NET_HDR;
}

static void test_offload_passes(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	struct vnet_hdr h;
	uint32_t len;

	(void)state;
	all_up(FULL);
	introduce();
	tcp_frame(a, 1900, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4);
	queue_offer(&a->tx, 0);
	kick(a);
	const uint8_t *f = next_frame(b, &len, &h);
	assert_int_equal(len, 1954);
	assert_int_equal(h.flags, VNET_HDR_F_NEEDS_CSUM);
	assert_int_equal(h.gso_type, VNET_GSO_TCPV4);
	assert_int_equal(h.gso_size, 1448);
	assert_int_equal(h.csum_start, 34);
	assert_int_equal(h.num_buffers, 1);
	assert_int_not_equal(tcp_sum(f, len), 0xffff); /* left to nobody */
}

static void test_offload_completed(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	struct vnet_hdr h;
	uint32_t len, total = 0, segments = 0;

	(void)state;
	all_up(FULL);
	up(b, BASIC, 64, 2048);
	introduce();
	tcp_frame(a, 1001, VNET_HDR_F_NEEDS_CSUM, 0);
	queue_offer(&a->tx, 0);
	kick(a);
	const uint8_t *f = next_frame(b, &len, &h);
	assert_int_equal(len, 1055);
	assert_int_equal(h.flags, 0);
	assert_int_equal(tcp_sum(f, len), 0xffff);
	/* And a large one is cut. */
	tcp_frame(a, 20000, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4);
	queue_offer(&a->tx, 0);
	kick(a);
	for (; !nothing(b); segments++) {
		f = next_frame(b, &len, &h);
		assert_int_equal(h.flags | h.gso_type, 0);
		assert_int_equal(h.num_buffers, 1);
		assert_int_equal(tcp_sum(f, len), 0xffff);
		total += len - 54;
	}
	assert_int_equal(total, 20000);
	assert_int_equal(segments, 14);
	/* All or nothing: 49 buffers are left, 60000 bytes need 42, twice is too many. */
	for (unsigned i = 0; i < 2; i++) {
		tcp_frame(a, 60000, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4);
		queue_offer(&a->tx, 0);
		kick(a);
	}
	assert_int_equal((uint16_t)(queue_used_idx(&b->rx) - b->rx.last_used), 42);
	assert_int_equal(drops(b, VNET_DROP_rx_full), 1);
}

static void test_offload_refused(void **state)
{
	struct node *a = &node[0];

	(void)state;
	all_up(FULL);
	up(a, BASIC, 64, 2048);
	tcp_frame(a, 100, VNET_HDR_F_NEEDS_CSUM, 0); /* not negotiated */
	queue_offer(&a->tx, 0);
	kick(a);
	assert_int_equal(drops(a, VNET_DROP_bad_offload), 1);
	up(a, FULL, 64, 2048);
	tcp_frame(a, 100, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_UDP);
	queue_offer(&a->tx, 0);
	kick(a);
	tcp_frame(a, 100, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV6); /* offered, but not taken */
	queue_offer(&a->tx, 0);
	kick(a);
	assert_int_equal(drops(a, VNET_DROP_bad_offload), 3);
	assert_int_equal(queue_used_idx(&a->tx), 2);
}

static void test_poll(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	all_up(FULL);
	introduce();
	vnet_port_set_mode(a->port, VNET_POLL);
	compose(a, 0, mac_of(1), 60, 1);
	queue_offer(&a->tx, 0);
	kick(a);
	assert_true(nothing(b));
	assert_int_equal(vnet_poll(vnet_core(net, 1), 32), 1);
	receive(b, 60, 1);
	for (unsigned i = 0; i < 70000; i++) { /* past the wrap: never a kick, never lost */
		uint16_t old = a->tx.avail_idx;

		queue_offer(&a->tx, 0);
		assert_false(queue_kick_wanted(&a->tx, old));
		assert_int_equal(vnet_poll(vnet_core(net, 1), 32), 1);
		queue_offer(&b->rx, (uint16_t)queue_used(&b->rx).id);
	}
	assert_int_equal(vnet_poll(vnet_core(net, 1), 32), 0);
	/* Back: one frame was left, kicks are wanted again. */
	queue_offer(&a->tx, 0);
	vnet_port_set_mode(a->port, VNET_KICK);
	virtio_net_kick(a->nic);
	receive(b, 60, 1);
	uint16_t old = a->tx.avail_idx;
	queue_offer(&a->tx, 0);
	assert_true(queue_kick_wanted(&a->tx, old));
}

static void test_poll_budget(void **state)
{
	struct node *a = &node[0];

	(void)state;
	all_up(FULL);
	vnet_port_set_mode(a->port, VNET_POLL);
	for (unsigned i = 0; i < 40; i++) {
		compose(a, i, mac_of(1), 60, 1);
		queue_offer(&a->tx, (uint16_t)i);
	}
	assert_int_equal(virtio_net_poll(a->nic, this_core(), 10), 10);
	assert_int_equal(virtio_net_poll(a->nic, this_core(), 64), 30);
}

static void test_many_pieces(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	unsigned frames = 0;

	(void)state;
	all_up(FULL);
	introduce();
	/* 63 frames of 64 pieces each: more than the 512 pieces that a batch holds. */
	compose(a, 0, mac_of(1), 100, 3);
	uint64_t table = guest_alloc(a->g, 64 * 16);
	struct vring_desc *t = at(a->g, table);
	for (uint16_t i = 0; i < 64; i++)
		t[i] = (struct vring_desc){a->txbuf + i, 1, VRING_DESC_NEXT, (uint16_t)(i + 1)};
	t[63] = (struct vring_desc){a->txbuf + 63, 49, 0, 0};
	a->tx.desc[0] = (struct vring_desc){table, 64 * 16, VRING_DESC_INDIRECT, 0};
	for (unsigned i = 0; i < 63; i++)
		queue_offer(&a->tx, 0);
	kick(a);
	for (; !nothing(b); frames++)
		receive(b, 100, 3);
	assert_int_equal(frames, 63);
}

/* Two vCPUs of one guest: both fill the ring and kick whenever the device asks for it. */
struct vcpu {
	struct node *n;
	unsigned core, frames;
	pthread_mutex_t *ring;
};

static void *vcpu_run(void *arg)
{
	struct vcpu *c = arg;

	this_core_id = c->core;
	for (unsigned sent = 0; sent < c->frames;) {
		bool wanted = false;

		pthread_mutex_lock(c->ring);
		if ((uint16_t)(c->n->tx.avail_idx - queue_used_idx(&c->n->tx)) < 64) {
			uint16_t old = c->n->tx.avail_idx;

			queue_offer(&c->n->tx, old % 64);
			wanted = queue_kick_wanted(&c->n->tx, old);
			sent++;
		}
		pthread_mutex_unlock(c->ring);
		if (wanted)
			kick(c->n);
	}
	return NULL;
}

static void two_kick(unsigned frames)
{
	pthread_mutex_t ring = PTHREAD_MUTEX_INITIALIZER;
	struct vcpu c[2] = {{&node[0], 0, frames, &ring}, {&node[0], 1, frames, &ring}};
	pthread_t t;

	pthread_create(&t, NULL, vcpu_run, &c[1]);
	vcpu_run(&c[0]);
	pthread_join(t, NULL);
	this_core_id = 0;
}

static void test_two_vcpus(void **state)
{
	struct node *a = &node[0];
	struct vnet_port_stats s;

	(void)state;
	all_up(FULL);
	for (unsigned i = 0; i < 64; i++)
		compose(a, i, mac_of(1), 60, 1);
	two_kick(40000);
	/* Nobody kicks any more: all must have gone. */
	assert_int_equal(queue_used_idx(&a->tx), a->tx.avail_idx);
	vnet_port_stats(a->port, &s);
	assert_int_equal(s.in_frames, 80000);
}

/* One vCPU resets the device again and again while the other sends to it and it sends. */
static atomic_bool stop_sending;

static uint16_t victim; /* the notify port of the guest that resets */

static void *sender(void *arg)
{
	struct node *b = arg;

	this_core_id = 1;
	while (!atomic_load(&stop_sending)) {
		queue_offer(&b->tx, 0);
		kick(b);
		out(node[0].g, victim, 2, 1);
	}
	return NULL;
}

static void test_reset_in_flight(void **state)
{
	pthread_t t;

	(void)state;
	all_up(FULL);
	introduce();
	compose(&node[1], 0, mac_of(0), 60, 1);
	atomic_store(&stop_sending, false);
	victim = node[0].tx.notify;
	pthread_create(&t, NULL, sender, &node[1]);
	for (unsigned i = 0; i < 500; i++)
		up(&node[0], FULL, 64, 2048);
	atomic_store(&stop_sending, true);
	pthread_join(t, NULL);
	assert_int_equal(status_get(node[0].g, &node[0].p) & VIRTIO_NEEDS_RESET, 0);
	up(&node[0], FULL, 64, 2048);
	send(&node[1], mac_of(0), 60, 1);
	receive(&node[0], 60, 1);
}

static void test_reset_stops_port(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	all_up(FULL);
	introduce();
	out(b->g, (uint16_t)(b->p.common + 0x14), 1, 0);
	assert_false(b->port->up);
	send(a, mac_of(1), 60, 1);
	assert_int_equal(drops(b, VNET_DROP_port_down), 1);
	assert_true(nothing(b));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_registers),        T(test_pass),
	    T(test_layouts),          T(test_batch_and_interrupts),
	    T(test_mergeable_64k),    T(test_not_mergeable),
	    T(test_full_ring),        T(test_broken_tx),
	    T(test_broken_rx),        T(test_bad_frames),
	    T(test_offload_passes),   T(test_offload_completed),
	    T(test_offload_refused),  T(test_poll),
	    T(test_poll_budget),      T(test_many_pieces),
	    T(test_two_vcpus),        T(test_reset_in_flight),
	    T(test_reset_stops_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
