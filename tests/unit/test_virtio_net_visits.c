/* SPDX-License-Identifier: BSD-2-Clause */
/* test_virtio_net_visits.c: how much one kick or one visit of a poller does, by a receiver that
 * counts. */
#include "tests/unit/rig/virtio_nodes.h"

#define LARGE 60000

static struct vnet_port *sink;
static unsigned frames, segments, resumed;
static uint64_t bytes;
static bool refill; /* a second vCPU offers a chain for each that was taken */

static unsigned swallow(struct vnet_port *port, struct vnet_core *core,
                        struct vnet_frame *const *list, unsigned n)
{
	(void)port;
	(void)core;
	for (unsigned i = 0; i < n; i++) {
		frames++;
		bytes += list[i]->len;
		if (list[i]->hdr.gso_size)
			segments += list[i]->len / list[i]->hdr.gso_size;
		if (refill)
			queue_offer(&node[0].tx, 0);
	}
	return n;
}

static const struct vnet_port_ops sink_ops = {.egress = swallow};

static void resume(void *ctx)
{
	(void)ctx;
	resumed++;
}

static int setup_sink(void **state)
{
	nics_setup(state);
	sink = vnet_port_add(net, "sink", 0, &sink_ops, NULL, 0);
	sink->up = true;
	nic_up(&node[0], FULL, 64, 2048);
	node[0].g->pci.resume = resume;
	frames = segments = resumed = 0;
	bytes = 0;
	refill = false;
	return 0;
}

static void offer(unsigned n, uint32_t len)
{
	nic_compose(&node[0], 0, mac_of(1), len, 0);
	for (unsigned i = 0; i < n; i++)
		queue_offer(&node[0].tx, 0);
}

static void finish(void)
{
	for (unsigned i = 0; vpci_work(&node[0].g->pci); i++)
		assert_true(i < 1000);
}

/* The ring is refilled as fast as it is emptied: the kick ends all the same, and so does each
 * visit; nothing is lost when the refilling ends. */
static void test_kick_ends(void **state)
{
	uint64_t total;
	uint16_t old;

	(void)state;
	refill = true;
	offer(1, 60);
	nic_kick(&node[0]);
	assert_in_range(frames, 1, VNET_BATCH);
	assert_int_equal(resumed, 1);
	for (unsigned i = 0; i < 100; i++) {
		unsigned before = frames;

		assert_true(vpci_work(&node[0].g->pci));
		assert_in_range(frames - before, 1, VNET_BATCH);
	}
	refill = false;
	total = node[0].tx.avail_idx;
	finish();
	assert_int_equal(frames, total);
	assert_int_equal(queue_used_idx(&node[0].tx), total);
	old = node[0].tx.avail_idx;
	queue_offer(&node[0].tx, 0);
	assert_true(queue_kick_wanted(&node[0].tx, old));
}

/* 64 frames of 60 000 bytes are 3.8 MB: a visit moves a few of them. */
static void test_visit_is_bounded_by_bytes(void **state)
{
	(void)state;
	offer(64, LARGE);
	nic_kick(&node[0]);
	assert_int_equal(frames, 3);
	vpci_work(&node[0].g->pci);
	assert_int_equal(frames, 6);
	finish();
	assert_int_equal(frames, 64);
	assert_int_equal(bytes, 64ull * LARGE);
}

/* An ordinary ring full goes in one. */
static void test_small_frames_go_in_one_visit(void **state)
{
	(void)state;
	offer(63, 1514);
	nic_kick(&node[0]);
	assert_int_equal(frames, 63);
	assert_int_equal(resumed, 0);
}

/* The same for a poller: its budget is of frames, the batch's of bytes. */
static void test_poll_is_bounded_by_bytes(void **state)
{
	(void)state;
	vnet_port_set_mode(node[0].port, VNET_POLL);
	offer(64, LARGE);
	assert_int_equal(vnet_poll(vnet_this_core(), 64), 3);
	assert_int_equal(vnet_poll(vnet_this_core(), 2), 2);
	refill = true;
	assert_int_equal(vnet_poll(vnet_this_core(), 64), 3);
	assert_int_equal(frames, 8);
	assert_int_equal(resumed, 0);
}

/* A TCP frame of `payload` bytes to be cut at `size`. */
static void offer_gso(unsigned n, uint32_t payload, uint16_t size)
{
	static const uint8_t ip[20] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 6,
	                               0,    0, 10, 0, 0, 1, 10,   0, 0,  2};
	struct vnet_hdr h = {VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4, 54, size, 34, 16, 0};
	uint8_t *f = nic_compose(&node[0], 0, mac_of(1), 54 + payload, 0);

	memcpy(f - VIRTIO_NET_HDR, &h, sizeof h);
	f[12] = 8;
	f[13] = 0;
	memcpy(f + 14, ip, 20);
	f[46] = 0x50;
	for (unsigned i = 0; i < n; i++)
		queue_offer(&node[0].tx, 0);
}

/* Small frames of many segments: a visit moves few of them. */
static void test_visit_is_bounded_by_segments(void **state)
{
	(void)state;
	offer_gso(64, 8 * 128, 8);
	nic_kick(&node[0]);
	assert_in_range(segments, 128, 512);
	finish();
	assert_int_equal(frames, 64);
}

/* No real stack sends a frame of 8118 segments. */
static void test_too_many_segments(void **state)
{
	(void)state;
	offer_gso(1, 65000, 8);
	nic_kick(&node[0]);
	assert_int_equal(frames, 0);
	assert_int_equal(nic_drops(&node[0], VNET_DROP_many_segments), 1);
	offer_gso(1, 65000, 472); /* the smallest that Linux makes of the largest frame */
	nic_kick(&node[0]);
	assert_int_equal(frames, 1);
}

/* A frame of 14 segments for a driver that takes them one by one and offers 13 buffers: it is
 * refused before any of them is cut, so no used entry was written. */
static void test_no_cut_for_a_full_ring(void **state)
{
	struct node *b = &node[1];

	(void)state;
	nic_up(b, BASIC, 13, 2048);
	offer_gso(1, 20000, 1448);
	nic_kick(&node[0]);
	assert_int_equal(nic_drops(b, VNET_DROP_rx_full), 1);
	assert_int_equal(queue_used_idx(&b->rx), 0);
	for (unsigned i = 0; i < 4 * 13; i++)
		assert_int_equal(b->rx.used[2 + i], 0);
	queue_offer(&b->rx, 0);
	offer_gso(1, 20000, 1448);
	nic_kick(&node[0]);
	assert_int_equal(queue_used_idx(&b->rx), 14);
}

/* While a frame of 45 segments is cut, other senders to the same guest get in twice. */
static void test_others_get_in_during_a_cut(void **state)
{
	struct node *b = &node[1];
	unsigned before, turns;

	(void)state;
	nic_up(b, BASIC, 64, 2048);
	offer_gso(1, 65000, 1448);
	before = atomic_load(&b->nic->rx_lock.next);
	nic_kick(&node[0]);
	turns = atomic_load(&b->nic->rx_lock.next) - before;
	assert_int_equal(queue_used_idx(&b->rx), 45);
	assert_int_equal(turns,
	                 1 + 2 + 1); /* the delivery's, the cut's, and behind a heavy frame */
}

/* Buffers of one byte would make a sender decode 72 chains for 60 bytes. */
static void test_buffers_of_one_byte(void **state)
{
	struct node *b = &node[1];

	(void)state;
	nic_up(b, FULL, 256, 1);
	offer(1, 60);
	nic_kick(&node[0]);
	assert_int_equal(nic_drops(b, VNET_DROP_rx_scattered), 1);
	assert_int_equal(queue_used_idx(&b->rx), 0);
	assert_true(b->nic->v.running);
	nic_up(b, FULL, 256, 256); /* small, but not absurd */
	offer(1, 1514);
	nic_kick(&node[0]);
	assert_int_equal(queue_used_idx(&b->rx), 6);
	assert_int_equal(nic_drops(b, VNET_DROP_rx_scattered), 1);
}

/* A chain as long as Linux's without mergeable buffers is taken, one piece more is not. */
static void test_chain_of_many_pieces(void **state)
{
	struct node *b = &node[1];

	(void)state;
	for (uint16_t pieces = 20; pieces <= 21; pieces++) {
		nic_up(b, BASIC, 0, 2048);
		for (uint16_t i = 0; i < pieces; i++)
			b->rx.desc[i] = (struct vring_desc){
			    b->rxbuf + 4096u * i, 1 << 8,
			    (uint16_t)(VRING_DESC_WRITE | (i < pieces - 1 ? VRING_DESC_NEXT : 0)),
			    (uint16_t)(i + 1)};
		queue_offer(&b->rx, 0);
		offer(1, 60);
		nic_kick(&node[0]);
		assert_int_equal(queue_used_idx(&b->rx), pieces == 20);
	}
	assert_int_equal(nic_drops(b, VNET_DROP_rx_scattered), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_sink, nics_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_kick_ends),
	    T(test_visit_is_bounded_by_bytes),
	    T(test_small_frames_go_in_one_visit),
	    T(test_poll_is_bounded_by_bytes),
	    T(test_visit_is_bounded_by_segments),
	    T(test_too_many_segments),
	    T(test_no_cut_for_a_full_ring),
	    T(test_others_get_in_during_a_cut),
	    T(test_buffers_of_one_byte),
	    T(test_chain_of_many_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
