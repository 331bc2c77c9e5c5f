/* SPDX-License-Identifier: BSD-2-Clause */
/* test_waiting.c: the last frame to a next hop waits for its ARP reply. */
#include "tests/unit/rig/link_nodes.h"
#include "lib/bytes.h"
#include "vnet/link/arp.h"
#include "vnet/link/wire.h"
#include "vnet/walk.h"

#define LEN   200
#define OUTER (14 + 20 + 8 + 8) /* of VXLAN */

static const struct vnet_link_config far1 = {VNET_LINK_VXLAN, NODE_IP(1), 1, 0, 0};
static const struct vnet_link_config far2 = {VNET_LINK_VXLAN, NODE_IP(1), 2, 0, 0};
static const struct vnet_link_config far3 = {VNET_LINK_VXLAN, NODE_IP(2), 1, 0, 0};

static struct node *n;
static struct vnet_port *link, *guest;

static int setup(void **state)
{
	(void)state;
	n = node_make(0, VNET_LEARN);
	link = node_link(n, "far", 1, &far1);
	guest = node_port(n, 1, 1, 0);
	vnet_clock_set(n->core, n->seconds = 1000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	node_free(n);
	return 0;
}

/* Sends a frame to all, whose content is counted up from `seed`. */
static void send(struct vnet_port *from, unsigned seed)
{
	uint8_t out[LEN];

	ether_frame(out, MAC_BROADCAST, A, 0x88b5, LEN, seed);
	node_send(n, from, out, LEN);
}

static void later(unsigned seconds)
{
	vnet_clock_set(n->core, n->seconds += seconds);
}

/* The questions are forgotten, and node i replies. */
static void reply(unsigned i)
{
	const struct arp a = {ARP_REPLY, NODE_MAC(i), NODE_MAC(0), NODE_IP(i), NODE_IP(0)};
	uint8_t out[ARP_FRAME];

	dev_clear(&n->dev[0]);
	arp_write(out, NODE_MAC(0), &a);
	node_send(n, n->dev[0].port, out, sizeof out);
}

/* The edge got, as number `at`, the frame with that seed. */
static void check_sent(unsigned at, unsigned seed)
{
	const struct got *g = &n->dev[0].got[at];

	assert_true(at < n->dev[0].n);
	assert_int_equal(g->len, OUTER + LEN);
	assert_int_equal(mac_read(g->bytes), NODE_MAC(1));
	for (unsigned i = 14; i < LEN; i++)
		assert_int_equal(g->bytes[OUTER + i], (uint8_t)(seed + i));
}

static struct vnet_port_stats stats(void)
{
	struct vnet_port_stats s;

	vnet_port_stats(link, &s);
	return s;
}

static void the_last_one_is_sent_when_the_reply_comes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		send(guest, i);
	assert_int_equal(n->dev[0].n, 1); /* one question */
	assert_int_equal(stats().out_frames + stats().out_bytes, 0);
	assert_int_equal(port_drops_all(link), 4);
	reply(1);
	assert_int_equal(n->dev[0].n, 1);
	check_sent(0, 4);
	assert_int_equal(stats().out_frames, 1);
	assert_int_equal(stats().out_bytes, LEN);
	assert_int_equal(stats().drop[VNET_DROP_no_neighbour], 4);
	assert_int_equal(port_drops_all(link), 4);
	send(guest, 9); /* from now on they go at once, and nothing waits */
	check_sent(1, 9);
	assert_int_equal(n->dev[0].n, 2);
}

static void of_a_batch_the_last_one_waits(void **state)
{
	uint8_t out[3][LEN];

	(void)state;
	batch_start(n);
	for (unsigned i = 0; i < 3; i++) {
		ether_frame(out[i], B, A, 0x88b5, LEN, i);
		batch_add(n, out[i], LEN, NULL, i ? 17 : 0); /* also in pieces */
	}
	assert_int_equal(batch_send(n, guest), 0);
	reply(1);
	check_sent(0, 2);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 2);
}

/* A reply to a later question: what waits is stale by then. */
static void what_is_too_old_is_not_sent(void **state)
{
	(void)state;
	send(guest, 0);
	later(NEIGHBOUR_WAIT + 1);
	vnet_port_ready(n->core, n->dev[0].port);
	reply(1);
	assert_int_equal(n->dev[0].n, 0);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 1);
	assert_int_equal(stats().out_frames + stats().out_bytes, 0);
	send(guest, 1);
	check_sent(0, 1);
}

static const struct vnet_hdr large = {.gso_type = VNET_GSO_TCPV4,
                                      .gso_size = 1000,
                                      .flags = VNET_HDR_F_NEEDS_CSUM,
                                      .hdr_len = 54,
                                      .csum_start = 34,
                                      .csum_offset = 16};

/* A frame of TCP to be sent in segments. */
static void large_frame(uint8_t *out, unsigned len, mac_t dst)
{
	ether_frame(out, dst, A, 0x0800, len, 0);
	memset(out + 14, 0, 40);
	out[14] = 0x45;
	put_be16(out + 16, len - 14);
	out[23] = 6; /* TCP */
	out[46] = 0x50;
}

static void a_large_frame_waits_too(void **state)
{
	static uint8_t out[4000];

	(void)state;
	send(guest, 3);
	large_frame(out, sizeof out, B);
	batch_start(n);
	batch_add(n, out, sizeof out, &large, 0);
	batch_send(n, guest);
	batch_start(n);
	batch_add(n, out, sizeof out, NULL, 0); /* one that is too large for the link does not */
	batch_send(n, guest);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 2);
	reply(1);
	assert_int_equal(n->dev[0].n, 4);
	assert_int_equal(n->dev[0].got[0].len, OUTER + 1054);
	assert_int_equal(n->dev[1].slots, 0);
}

/* One reply sends no more than a batch of a sender's may cost; the rest goes before the next frame
 * of its link. */
static void one_reply_sends_a_bounded_part(void **state)
{
	enum { LINKS = 30, LARGE = 8000 };
	static uint8_t out[LARGE];
	struct vnet_port *port[LINKS], *another = node_port(n, 2, 2, 0);
	unsigned waiting = 0, sent;

	(void)state;
	for (unsigned i = 0; i < LINKS; i++) {
		struct vnet_link_config c = {VNET_LINK_VXLAN, NODE_IP(1), 10 + i, 0, 0};
		char name[8];

		snprintf(name, sizeof name, "m%u", i);
		port[i] = node_link(n, name, i % 2 ? 1 : 2, &c);
	}
	assert_true(vnet_link_remove(link));
	large_frame(out, sizeof out, MAC_BROADCAST);
	for (unsigned i = 0; i < 2; i++) {
		batch_start(n);
		batch_add(n, out, sizeof out, &large, 0);
		batch_send(n, i ? another : guest);
	}
	reply(1);
	for (unsigned i = 0; i < LINKS; i++)
		waiting += waiting_there(&link_of(port[i])->waiting);
	sent = LINKS - waiting; /* a weight of 8000 + 8 * 512 each */
	assert_int_equal(sent, (128u << 10) / (LARGE + 8 * 512) + 1);
	node_clear(n);
	send(guest, 1);
	send(another, 1);
	for (unsigned i = 0; i < LINKS; i++)
		assert_false(waiting_there(&link_of(port[i])->waiting));
	assert_int_equal(n->dev[1].slots | n->dev[2].slots, 0);
	for (unsigned i = 0; i < LINKS; i++)
		assert_true(vnet_link_remove(port[i]));
	link = node_link(n, "far", 1, &far1);
}

/* More pieces than are remembered of a frame, or more frames of one sender. */
static void what_cannot_be_held_is_dropped(void **state)
{
	struct vnet_port *more[VNET_HOLDS];
	char name[8];
	uint8_t out[LEN];

	(void)state;
	ether_frame(out, MAC_BROADCAST, A, 0x88b5, LEN, 0);
	batch_start(n);
	batch_add(n, out, LEN, NULL, 7);
	batch_send(n, guest);
	assert_int_equal(n->dev[1].slots, 0);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 1);
	for (unsigned i = 0; i < VNET_HOLDS; i++) {
		struct vnet_link_config c = {VNET_LINK_VXLAN, NODE_IP(1), 10 + i, 0, 0};

		snprintf(name, sizeof name, "m%u", i);
		more[i] = node_link(n, name, 1, &c);
	}
	send(guest, 5); /* flooded over 17 links */
	assert_int_equal(n->dev[1].slots, (1u << VNET_HOLDS) - 1);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour) +
	                     port_drops(more[VNET_HOLDS - 1], VNET_DROP_no_neighbour),
	                 2);
	reply(1);
	assert_int_equal(n->dev[0].n, VNET_HOLDS);
	assert_int_equal(n->dev[1].slots, 0);
	for (unsigned i = 0; i < VNET_HOLDS; i++)
		assert_true(vnet_link_remove(more[i]));
}

/* The next frame of its sender finds it stale; other senders' frames stay. */
static void a_stale_frame_is_given_back(void **state)
{
	struct vnet_port *another = node_link(n, "another", 1, &far3);

	(void)state;
	send(guest, 0);
	vnet_port_drop_late(n->core, guest);
	assert_int_equal(n->dev[1].slots, 3);
	later(NEIGHBOUR_WAIT + 1);
	vnet_port_drop_late(n->core, n->dev[0].port);
	assert_int_equal(n->dev[1].slots, 3);
	vnet_port_drop_late(n->core, guest);
	assert_int_equal(n->dev[1].slots, 0);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 1);
	assert_int_equal(port_drops(another, VNET_DROP_no_neighbour), 1);
	assert_true(vnet_link_remove(another));
}

/* A head that the switch had checked in a copy is sent as it was checked. */
static void a_checked_head_is_kept(void **state)
{
	struct vnet_port *here = node_port(n, 2, 0, 0), *far = node_link(n, "here", 0, &far2);
	uint8_t out[LEN];

	(void)state;
	ether_frame(out, MAC_BROADCAST, C, 0x88b5, LEN, 9);
	node_send(n, here, out, LEN);
	assert_int_equal(n->dev[2].slots, 1);
	assert_ptr_equal(link_of(far)->waiting.seg[0].base, link_of(far)->waiting.head);
	memset(n->core->guard.head, 0xee, sizeof n->core->guard.head); /* other frames pass */
	reply(1);
	check_sent(0, 9);
	assert_int_equal(n->dev[2].slots, 0);
	assert_true(vnet_link_remove(far));
}

/* The sender, which has all the time, writes other addresses into a frame that waits: it is sent
 * with those that were checked. */
static void checked_addresses_are_kept(void **state)
{
	uint8_t out[LEN];

	(void)state;
	for (unsigned piece = 0; piece < LEN; piece += 11) {
		ether_frame(out, B, A, 0x88b5, LEN, piece);
		batch_start(n);
		batch_add(n, out, LEN, NULL, piece);
		batch_send(n, guest);
		memset(n->dev[1].held[0], 0x5a, 12);
		reply(1);
		check_sent(0, piece);
		assert_memory_equal(n->dev[0].got[0].bytes + OUTER, out, LEN);
		assert_int_equal(n->dev[1].slots, 0);
		atomic_store(&link_of(link)->hop->word, 0);
		atomic_store(&link_of(link)->hop->asked, n->seconds + 1);
	}
}

static void each_link_has_one_for_its_own_next_hop(void **state)
{
	struct vnet_port *same = node_link(n, "same", 1, &far2);
	struct vnet_port *another = node_link(n, "another", 1, &far3);

	(void)state;
	send(guest, 5); /* flooded over all three */
	assert_int_equal(n->dev[0].n, 2);
	reply(1);
	assert_int_equal(n->dev[0].n, 2);
	check_sent(0, 5);
	check_sent(1, 5);
	assert_int_equal(port_drops_all(link) + port_drops_all(same) + port_drops_all(another), 0);
	reply(2);
	assert_int_equal(n->dev[0].n, 1);
	assert_int_equal(mac_read(n->dev[0].got[0].bytes), NODE_MAC(2));
	assert_true(vnet_link_remove(same));
	assert_true(vnet_link_remove(another));
}

/* The path has become narrower than the frame: its sender is told. */
static void its_sender_is_answered(void **state)
{
	struct vnet_port *sender = node_port(n, 2, 1, 0);
	uint8_t out[LEN];

	(void)state;
	ether_frame(out, B, C, 0x0800, LEN, 0);
	out[14] = 0x45;
	put_be16(out + 20, 0x4000); /* DF */
	put_be16(out + 16, LEN - 14);
	node_send(n, sender, out, LEN);
	link_of(link)->limit = LEN - 1;
	link_of(link)->lowered = n->seconds;
	dev_clear(&n->dev[1]);
	reply(1);
	assert_int_equal(n->dev[0].n, 0);
	assert_int_equal(port_drops(link, VNET_DROP_too_big), 1);
	assert_int_equal(n->dev[1].n, 0);
	assert_int_equal(n->dev[2].n, 1);
	assert_int_equal(stats().out_frames + stats().out_bytes, 0);
	assert_int_equal(n->dev[2].slots, 0);
}

/* Nothing waits of a sender that is gone, or whose device has stopped. */
static void it_goes_with_its_sender(void **state)
{
	struct vnet_port *gone = node_port(n, 2, 1, 0);

	(void)state;
	send(gone, 1);
	assert_int_equal(n->dev[2].slots, 1);
	assert_true(vnet_port_remove(gone));
	assert_int_equal(n->dev[2].slots, 0);
	send(guest, 2);
	vnet_port_recall(n->core, guest);
	assert_int_equal(n->dev[1].slots, 0);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 1);
	reply(1);
	assert_int_equal(n->dev[0].n, 0);
	assert_int_equal(stats().out_frames + stats().out_bytes, 0);
}

/* Its sender's device broke, and was not reset yet. */
static void it_is_not_sent_for_a_port_that_is_down(void **state)
{
	(void)state;
	send(guest, 1);
	vnet_port_set_up(guest, n->core, false);
	reply(1);
	assert_int_equal(n->dev[0].n, 0);
	assert_int_equal(n->dev[1].slots, 0);
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 1);
	assert_int_equal(stats().out_frames + stats().out_bytes, 0);
}

/* The reply came after a sender found the MAC unknown, and before its frame waits. */
static void a_reply_in_between_is_not_missed(void **state)
{
	struct vnet_batch *b = vnet_core_batch(n->core);
	uint8_t out[LEN];

	(void)state;
	vnet_port_ready(n->core, n->dev[0].port);
	reply(1);
	ether_frame(out, MAC_BROADCAST, A, 0x88b5, LEN, 7);
	batch_start(n);
	batch_add(n, out, LEN, NULL, 0);
	walk_enter(n->core);
	n->core->from = guest;
	assert_true(waiting_hold(n->core, link_of(link), &b->frame[0]));
	walk_leave(n->core);
	check_sent(0, 7);
	assert_int_equal(n->dev[1].slots, 0);
	b->n = 0;
	batch_send(n, guest);
}

/* It goes with its link, and with its edge. */
static void a_link_goes_with_what_waits(void **state)
{
	(void)state;
	send(guest, 0);
	assert_true(vnet_link_remove(link));
	link = node_link(n, "far", 1, &far1);
	reply(1);
	assert_int_equal(n->dev[0].n, 0);
	assert_int_equal(port_drops_all(link), 0);
	assert_true(vnet_link_remove(link));
	link = node_link(n, "far", 1, &far1);
	send(guest, 0);
	assert_true(vnet_port_remove(n->dev[0].port));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(the_last_one_is_sent_when_the_reply_comes),
	    T(of_a_batch_the_last_one_waits),
	    T(what_is_too_old_is_not_sent),
	    T(a_large_frame_waits_too),
	    T(one_reply_sends_a_bounded_part),
	    T(what_cannot_be_held_is_dropped),
	    T(a_stale_frame_is_given_back),
	    T(a_checked_head_is_kept),
	    T(checked_addresses_are_kept),
	    T(each_link_has_one_for_its_own_next_hop),
	    T(its_sender_is_answered),
	    T(it_goes_with_its_sender),
	    T(it_is_not_sent_for_a_port_that_is_down),
	    T(a_reply_in_between_is_not_missed),
	    T(a_link_goes_with_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
