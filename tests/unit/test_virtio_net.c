/* SPDX-License-Identifier: BSD-2-Clause */
/* test_virtio_net.c: guests with network devices on one switch, from TX ring to RX ring. */
#include "tests/unit/rig/virtio_nodes.h"

static void test_registers(void **state)
{
	struct node *n = &node[1];
	uint16_t d = n->p.device;
	mac_t mac = 0;

	(void)state;
	assert_int_equal(guest_cfg(n->g, 1, 0, 4), 0x10411af4);
	for (unsigned i = 0; i < 6; i++)
		mac |= (mac_t)guest_in(n->g, (uint16_t)(d + i), 1) << (8 * i);
	assert_int_equal(mac, mac_of(1));
	assert_int_equal(guest_in(n->g, (uint16_t)(d + 6), 2), 1);
	assert_int_equal(guest_in(n->g, (uint16_t)(d + 10), 2), 1500);
	assert_false(negotiate(n->g, &n->p, BASIC | VIRTIO_NET_F_GUEST_TSO4));
	assert_false(negotiate(n->g, &n->p, BASIC | VIRTIO_NET_F_HOST_TSO4));
	assert_false(negotiate(n->g, &n->p, FULL & ~VIRTIO_NET_F_GUEST_CSUM));
}

static void test_pass(void **state)
{
	(void)state;
	nics_up(FULL);
	assert_true(node[0].port->up);
	nics_introduce();
	for (uint32_t len = 14; len < 1515; len += 7) {
		nic_send(&node[0], mac_of(1), len, (uint8_t)len);
		assert_int_equal(nic_receive(&node[1], len, (uint8_t)len).num_buffers, 1);
	}
	assert_true(nic_idle(&node[0]) && nic_idle(&node[2]));
	assert_int_equal(node[0].tx.last_used, node[0].tx.avail_idx);
	assert_int_equal(nic_drops(&node[1], VNET_DROP_rx_full), 0);
}

/* The header in a descriptor of its own, split, and a frame whose Ethernet header is in pieces. */
static void test_layouts(void **state)
{
	static const uint32_t cut[][3] = {{12, 0, 0}, {5, 0, 0},   {5, 3, 0}, {12, 3, 9},
	                                  {13, 1, 1}, {12, 14, 0}, {40, 1, 1}};
	struct node *n = &node[0];

	(void)state;
	nics_up(FULL);
	nics_introduce();
	for (unsigned k = 0; k < sizeof cut / sizeof cut[0]; k++) {
		uint64_t gpa = n->txbuf;
		uint32_t left = 100 + VIRTIO_NET_HDR;
		unsigned d = 0;

		nic_compose(n, 0, mac_of(2), 100, (uint8_t)k);
		for (unsigned i = 0; i < 3 && cut[k][i]; i++, d++) {
			n->tx.desc[d] =
			    (struct vring_desc){gpa, cut[k][i], VRING_DESC_NEXT, (uint16_t)(d + 1)};
			gpa += cut[k][i];
			left -= cut[k][i];
		}
		n->tx.desc[d] = (struct vring_desc){gpa, left, 0, 0};
		queue_offer(&n->tx, 0);
		nic_kick(n);
		nic_receive(&node[2], 100, (uint8_t)k);
	}
}

static void test_batch_and_interrupts(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	unsigned rx, tx;
	uint64_t suppressed;
	uint16_t old;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	for (unsigned i = 0; i < 32; i++) {
		nic_compose(a, i, mac_of(1), 60, (uint8_t)i);
		queue_offer(&a->tx, (uint16_t)i);
	}
	queue_interrupt_at(&b->rx, (uint16_t)(b->rx.last_used + 31)); /* at the last of them */
	queue_interrupt_at(&a->tx, (uint16_t)(a->tx.last_used + 32)); /* after them: none */
	rx = b->g->msi_of[1];
	tx = a->g->msi_of[2];
	suppressed = device_counter(&a->nic->v, "suppressed");
	nic_kick(a);
	assert_int_equal(b->g->msi_of[1], rx + 1);
	assert_int_equal(a->g->msi_of[2], tx);
	assert_int_equal(device_counter(&a->nic->v, "suppressed"), suppressed + 1);
	for (unsigned i = 0; i < 32; i++)
		nic_receive(b, 60, (uint8_t)i); /* in order */
	assert_false(queue_kick_wanted(&a->tx, a->tx.avail_idx));
	old = a->tx.avail_idx;
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
	nics_up(FULL);
	nic_up(b, FULL, 256, 4096);
	nics_introduce();
	for (unsigned k = 0; k < 20; k++) {
		nic_send(a, mac_of(1), len, (uint8_t)k);
		assert_int_equal(nic_receive(b, len, (uint8_t)k).num_buffers, 17);
	}
	/* Not enough buffers for another: nothing of it is shown. */
	b->rx.last_used = queue_used_idx(&b->rx);
	for (unsigned k = 0; k < 16; k++)
		nic_send(a, mac_of(1), len, 0);
	assert_int_equal((uint16_t)(queue_used_idx(&b->rx) - b->rx.last_used), 255);
	assert_int_equal(nic_drops(b, VNET_DROP_rx_full), 1);
	nic_send(a, mac_of(1), 60, 9); /* a small one still goes into the last */
	b->rx.last_used = (uint16_t)(b->rx.last_used + 255);
	nic_receive(b, 60, 9);
	/* Larger than any frame may be. */
	nic_send(a, mac_of(1), VNET_FRAME_MAX + 1, 0);
	assert_int_equal(nic_drops(a, VNET_DROP_oversize), 1);
}

static void test_not_mergeable(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	uint8_t *got;

	(void)state;
	nics_up(BASIC);
	nics_introduce();
	nic_send(a, mac_of(1), 1514, 3);
	assert_int_equal(nic_receive(b, 1514, 3).num_buffers, 1);
	nic_send(a, mac_of(1), 2037, 3); /* one byte too much for the buffer */
	assert_true(nic_idle(b));
	assert_int_equal(nic_drops(b, VNET_DROP_oversize), 1);
	/* A chain of pieces, the header in its own. */
	b->rx.desc[100] =
	    (struct vring_desc){b->rxbuf + 100 * 4096, 12, VRING_DESC_WRITE | VRING_DESC_NEXT, 101};
	b->rx.desc[101] =
	    (struct vring_desc){b->rxbuf + 100 * 4096 + 12, 2000, VRING_DESC_WRITE, 0};
	while (b->rx.avail_idx != (uint16_t)(b->rx.last_used + 64))
		queue_offer(&b->rx, 0);
	for (unsigned i = 0; i < 64; i++)
		nic_send(a, mac_of(1), 60, 1);
	while (!nic_idle(b))
		queue_used(&b->rx);
	queue_offer(&b->rx, 100);
	nic_send(a, mac_of(1), 1000, 7);
	assert_int_equal(queue_used(&b->rx).len, 1012);
	got = guest_at(b->g, b->rxbuf + 100 * 4096);
	for (uint32_t i = 14; i < 1000; i++)
		assert_int_equal(got[12 + i], (uint8_t)(7 + i));
}

static void test_full_ring(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	nics_up(FULL);
	nics_introduce();
	for (unsigned i = 0; i < 70; i++)
		nic_send(a, mac_of(1), 60, 1);
	assert_int_equal((uint16_t)(queue_used_idx(&b->rx) - b->rx.last_used), 64);
	assert_int_equal(nic_drops(b, VNET_DROP_rx_full), 6);
	while (!nic_idle(b))
		nic_receive(b, 60, 1);
	nic_send(a, mac_of(1), 60, 1);
	nic_receive(b, 60, 1);
}

/* Frames without an Ethernet header, or with a group address as source, are the switch's to count.
 */
static void test_bad_frames(void **state)
{
	struct node *a = &node[0];

	(void)state;
	nics_up(FULL);
	nic_send(a, mac_of(1), 14, 0);
	a->tx.desc[40] = (struct vring_desc){a->txbuf, 12, 0, 0};
	queue_offer(&a->tx, 40);
	a->tx.desc[41] = (struct vring_desc){a->txbuf, 25, 0, 0};
	queue_offer(&a->tx, 41);
	nic_kick(a);
	assert_int_equal(nic_drops(a, VNET_DROP_runt), 2);
	assert_int_equal(queue_used_idx(&a->tx), 3);
}

static void test_poll(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	uint16_t old;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	vnet_port_set_mode(a->port, VNET_POLL);
	nic_compose(a, 0, mac_of(1), 60, 1);
	queue_offer(&a->tx, 0);
	nic_kick(a);
	assert_true(nic_idle(b));
	assert_int_equal(vnet_poll(vnet_core(net, 1), 32), 1);
	nic_receive(b, 60, 1);
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
	virtio_net_kick(&a->nic->v, VIRTIO_NET_TX);
	nic_receive(b, 60, 1);
	old = a->tx.avail_idx;
	queue_offer(&a->tx, 0);
	assert_true(queue_kick_wanted(&a->tx, old));
}

static void test_poll_budget(void **state)
{
	struct node *a = &node[0];

	(void)state;
	nics_up(FULL);
	vnet_port_set_mode(a->port, VNET_POLL);
	for (unsigned i = 0; i < 40; i++) {
		nic_compose(a, i, mac_of(1), 60, 1);
		queue_offer(&a->tx, (uint16_t)i);
	}
	assert_int_equal(virtio_net_poll(a->nic, vnet_this_core(), 10), 10);
	assert_int_equal(virtio_net_poll(a->nic, vnet_this_core(), 64), 30);
}

/* While frames are traced a device stamps what it copied, and where. */
static void test_traced(void **state)
{
	enum { RECORDS = 64 };
	const struct vnet_trace_filter all = {-1, 0};
	struct trace_ring *ring = calloc(1, trace_bytes(RECORDS)), *rings[VNET_CORES];
	struct trace_record got[RECORDS];
	uint64_t next = 0, lost = 0;
	unsigned n, copied = 0;
	uint16_t first;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	for (unsigned i = 0; i < VNET_CORES; i++)
		rings[i] = ring;
	trace_ring_init(ring, RECORDS, 0);
	first = node[1].nic->v.queue[VIRTIO_NET_RX].ring.next;
	vnet_trace_start(net, rings, &all);
	nic_send(&node[0], mac_of(1), 60, 1);
	vnet_trace_stop(net);
	nic_receive(&node[1], 60, 1);
	n = trace_read(ring, RECORDS, &next, got, RECORDS, &lost);
	for (unsigned i = 0; i < n; i++) {
		if (got[i].step != TRACE_copied)
			continue;
		copied++;
		assert_int_equal(got[i].port, node[1].port->number);
		assert_int_equal(got[i].a, first | 1ull << 32);
		assert_int_equal(got[i].b, 1);
	}
	assert_int_equal(copied, 1);
	/* Of a batch too, whose last frame is large and takes three buffers. */
	first = node[1].nic->v.queue[VIRTIO_NET_RX].ring.next;
	for (unsigned i = 0; i < 3; i++) {
		nic_compose(&node[0], 10 + i, mac_of(1), i == 2 ? 5000 : 60, 1);
		queue_offer(&node[0].tx, (uint16_t)(10 + i));
	}
	vnet_trace_start(net, rings, &all);
	nic_kick(&node[0]);
	vnet_trace_stop(net);
	n = trace_read(ring, RECORDS, &next, got, RECORDS, &lost);
	for (unsigned i = 0; i < n; i++)
		if (got[i].step == TRACE_copied) {
			copied++;
			assert_int_equal(got[i].a, first | 5ull << 32);
			assert_int_equal(got[i].b, 3);
		}
	assert_int_equal(copied, 2);
	free(ring);
}

/* The one copy of a frame. */
static void test_copied(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	uint64_t before, other;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	before = b->nic->copied;
	other = a->nic->copied;
	nic_send(a, mac_of(1), 60, 1);
	nic_receive(b, 60, 1);
	assert_int_equal(b->nic->copied - before, 60);
	nic_send(a, mac_of(1), 1514, 2);
	nic_receive(b, 1514, 2);
	assert_int_equal(b->nic->copied - before, 60 + 1514);
	assert_int_equal(a->nic->copied, other);
}

static void test_many_pieces(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	unsigned frames = 0;
	uint64_t table;
	struct vring_desc *t;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	/* 63 frames of 64 pieces each: more than the 512 pieces that a batch holds. */
	nic_compose(a, 0, mac_of(1), 100, 3);
	table = guest_alloc(a->g, 64 * 16);
	t = guest_at(a->g, table);
	for (uint16_t i = 0; i < 64; i++)
		t[i] = (struct vring_desc){a->txbuf + i, 1, VRING_DESC_NEXT, (uint16_t)(i + 1)};
	t[63] = (struct vring_desc){a->txbuf + 63, 49, 0, 0};
	a->tx.desc[0] = (struct vring_desc){table, 64 * 16, VRING_DESC_INDIRECT, 0};
	for (unsigned i = 0; i < 63; i++)
		queue_offer(&a->tx, 0);
	nic_kick(a);
	assert_int_equal(queue_used_idx(&a->tx) - a->tx.last_used, 8); /* one batch a visit */
	while (vpci_work(&a->g->pci))
		;
	for (; !nic_idle(b); frames++)
		nic_receive(b, 100, 3);
	assert_int_equal(frames, 63);
}

static void test_reset_stops_port(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	nics_up(FULL);
	nics_introduce();
	guest_out(b->g, (uint16_t)(b->p.common + 0x14), 1, 0);
	assert_false(b->port->up);
	nic_send(a, mac_of(1), 60, 1);
	assert_int_equal(nic_drops(b, VNET_DROP_port_down), 1);
	assert_true(nic_idle(b));
}

/* A driver that runs keeps the MTU that it was told; after its reset it is told the new one. */
static void test_mtu(void **state)
{
	struct node *n = &node[1];
	uint16_t mtu = (uint16_t)(n->p.device + 10);

	(void)state;
	nics_up(FULL);
	virtio_net_nic.set_mtu(&n->nic->v.pci, 1450);
	assert_int_equal(guest_in(n->g, mtu, 2), 1500);
	guest_out(n->g, (uint16_t)(n->p.common + 0x14), 1, 0);
	assert_int_equal(guest_in(n->g, mtu, 2), 1450);
}

#define PEER 0xc0000202u

/* Makes guest 0 the way out, with an underlay and a link whose next hop is not known. */
static void make_edge(struct node *n)
{
	const struct vnet_underlay_config under = {PEER - 1, 24, 0, mac_of(7), 1500};
	const struct vnet_link_config far = {VNET_LINK_VXLAN, PEER, 1, 0, 0};
	char err[100];

	n->port->flags = VNET_EDGE;
	assert_true(vnet_net_set(net, 1, VNET_LEARN));
	assert_true(vnet_underlay_set(n->port, &under, err, sizeof err));
	assert_non_null(vnet_link_add(net, "far", 1, n->port, &far, err, sizeof err));
}

/* Takes an ARP request for the peer off the ring. */
static void receive_request(struct node *n)
{
	struct vring_used_elem e = queue_used(&n->rx);
	const uint8_t *f = guest_at(n->g, n->rx.desc[e.id].addr + VIRTIO_NET_HDR);

	assert_int_equal(mac_read(f), MAC_BROADCAST);
	assert_int_equal(f[12] << 8 | f[13], 0x0806);
	assert_int_equal(f[21], 1);
	assert_int_equal(f[41], PEER & 0xff);
	queue_offer(&n->rx, (uint16_t)e.id);
}

/* An edge asks for next hops when its driver has buffers for the question, whenever it offers its
 * first; after that receive buffers need no kick, as with other ports. */
static void test_an_edge_asks_with_its_first_buffers(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	uint16_t old;

	(void)state;
	make_edge(a);
	nic_up(a, BASIC, 0, 2048);
	nic_up(b, BASIC, 0, 2048);
	assert_int_equal(nic_drops(a, VNET_DROP_rx_full), 0);
	for (unsigned i = 0; i < 8; i++)
		a->rx.desc[i] = b->rx.desc[i] =
		    (struct vring_desc){a->rxbuf + 4096 * i, 2048, VRING_DESC_WRITE, 0};
	queue_offer(&b->rx, 0);
	assert_false(queue_kick_wanted(&b->rx, 0));
	guest_out(b->g, b->rx.notify, 2, 0); /* in vain */
	assert_true(nic_idle(b));
	queue_offer(&a->rx, 0);
	queue_offer(&a->rx, 1);
	assert_true(queue_kick_wanted(&a->rx, 0));
	guest_out(a->g, a->rx.notify, 2, 0);
	receive_request(a);
	assert_true(nic_idle(a));
	old = a->rx.avail_idx;
	queue_offer(&a->rx, 2);
	assert_false(queue_kick_wanted(&a->rx, old));
	/* Another driver, which fills its ring before it says that it is ready. */
	vnet_clock_set(vnet_this_core(), 1000);
	nic_up(a, BASIC, 8, 2048);
	receive_request(a);
	assert_true(nic_idle(a));
}

#define T(name) cmocka_unit_test_setup_teardown(name, nics_setup, nics_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_registers),     T(test_pass),
	    T(test_layouts),       T(test_batch_and_interrupts),
	    T(test_mergeable_64k), T(test_not_mergeable),
	    T(test_full_ring),     T(test_bad_frames),
	    T(test_poll),          T(test_poll_budget),
	    T(test_many_pieces),   T(test_reset_stops_port),
	    T(test_mtu),           T(test_traced),
	    T(test_copied),        T(test_an_edge_asks_with_its_first_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
