/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_arp.c: ARP frames byte by byte, the states of next hops, and hostile frames from the wire.
 */
#include "tests/unit/rig/link_nodes.h"
#include "vnet/link/arp.h"
#include "vnet/link/neighbour.h"
#include "vnet/frame/sum.h"

/* Who has 192.0.2.2? Tell 192.0.2.1. */
static const uint8_t golden_request[ARP_FRAME] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06,
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
    0xc0, 0x00, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0x00, 0x02, 0x02};

static const struct vnet_link_config far1 = {VNET_LINK_VXLAN, NODE_IP(1), 1, 0, 0};
static const struct vnet_link_config beyond = {VNET_LINK_VXLAN, 0x0a000001, 1, 0, 0};

static void frames_are_written_and_read(void **state)
{
	const struct arp a = {ARP_REQUEST, NODE_MAC(0), 0, NODE_IP(0), NODE_IP(1)};
	uint8_t out[ARP_FRAME];
	struct arp b;

	(void)state;
	arp_write(out, MAC_BROADCAST, &a);
	assert_memory_equal(out, golden_request, ARP_FRAME);
	assert_true(arp_read(&b, out, ARP_BYTES));
	assert_int_equal(b.op, ARP_REQUEST);
	assert_int_equal(b.sender_mac, NODE_MAC(0));
	assert_int_equal(b.sender, NODE_IP(0));
	assert_int_equal(b.target_mac, 0);
	assert_int_equal(b.target, NODE_IP(1));
}

static void malformed_frames_are_not_read(void **state)
{
	uint8_t out[ARP_FRAME];
	struct arp b;

	(void)state;
	for (unsigned len = 0; len < ARP_BYTES; len++)
		assert_false(arp_read(&b, golden_request, len));
	for (unsigned i = 14; i < 22; i++) { /* the kinds, and the operation */
		memcpy(out, golden_request, ARP_FRAME);
		out[i] ^= 0x40;
		assert_false(arp_read(&b, out, ARP_FRAME));
	}
	memcpy(out, golden_request, ARP_FRAME);
	out[22] |= 1; /* a group as sender */
	assert_false(arp_read(&b, out, ARP_FRAME));
	memset(out + 22, 0, 6);
	assert_false(arp_read(&b, out, ARP_FRAME));
}

/* Lets node n hear an ARP frame. */
static void receive_arp(struct node *n, mac_t dst, unsigned op, mac_t sender_mac, uint32_t sender,
                        uint32_t target)
{
	const struct arp a = {op, sender_mac, NODE_MAC(0), sender, target};
	uint8_t out[ARP_FRAME];

	arp_write(out, dst, &a);
	node_send(n, n->dev[0].port, out, sizeof out);
}

static mac_t hop(struct vnet_port *link)
{
	struct vnet_link_info i;

	assert_true(vnet_link_get(link, &i));
	return i.next_mac;
}

/* How often the node asked since the last call. */
static unsigned asked(struct node *n)
{
	unsigned count = n->dev[0].n;

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(n->dev[0].got[i].len, ARP_FRAME);
		assert_int_equal(n->dev[0].got[i].bytes[21], ARP_REQUEST);
	}
	dev_clear(&n->dev[0]);
	return count;
}

static void a_question_for_us_is_answered(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct arp a;

	(void)state;
	node_port(n, 1, 0, 0); /* in the edge's own network */
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	receive_arp(n, NODE_MAC(0), ARP_REQUEST, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(1), 0,
	            NODE_IP(0)); /* a probe, RFC 5227 */
	assert_int_equal(n->dev[0].n, 3);
	assert_int_equal(n->dev[1].n, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(arp_read(&a, n->dev[0].got[i].bytes, n->dev[0].got[i].len));
		assert_int_equal(a.op, ARP_REPLY);
		assert_int_equal(a.sender, NODE_IP(0));
		assert_int_equal(a.sender_mac, NODE_MAC(0));
		assert_int_equal(a.target_mac, NODE_MAC(1));
		assert_int_equal(mac_read(n->dev[0].got[i].bytes), NODE_MAC(1));
	}
	node_free(n);
}

static void what_others_say_to_all_is_switched(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);

	(void)state;
	node_port(n, 1, 0, 0);
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(1), NODE_IP(1), NODE_IP(2));
	receive_arp(n, MAC_BROADCAST, ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(1));
	assert_int_equal(n->dev[0].n, 0);
	assert_int_equal(n->dev[1].n, 2);
	assert_int_equal(port_drops_all(n->dev[0].port), 0);
	node_free(n);
}

static void a_next_hop_is_asked_for_until_it_answers(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = node_link(n, "far", 1, &far1), *guest = node_port(n, 1, 1, 0);
	uint8_t out[64];

	(void)state;
	ether_frame(out, B, A, 0x88b5, 64, 0);
	for (unsigned i = 0; i < 5; i++) {
		node_tick(n);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(node_send(n, guest, out, 64), 0);
		assert_int_equal(asked(n), 1); /* in each second */
	}
	assert_int_equal(port_drops(link, VNET_DROP_no_neighbour), 19); /* the last one waits */
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	assert_int_equal(hop(link), NODE_MAC(1));
	assert_int_equal(node_send(n, guest, out, 64), 1);
	assert_int_equal(n->dev[0].n, 2);
	assert_int_equal(mac_read(n->dev[0].got[1].bytes), NODE_MAC(1));
	node_free(n);
}

static void the_first_frame_asks_too(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *guest = node_port(n, 1, 1, 0);
	uint8_t out[64];

	(void)state;
	node_link(n, "far", 1, &far1);
	ether_frame(out, B, A, 0x88b5, 64, 0);
	node_send(n, guest, out, 64);
	assert_int_equal(asked(n), 1);
	node_free(n);
}

/* Sends a frame to the link in the next second; returns whether it left. */
static bool used_later(struct node *n, uint64_t seconds)
{
	uint8_t out[64];
	bool left;

	n->seconds += seconds;
	vnet_clock_set(n->core, n->seconds);
	ether_frame(out, B, A, 0x88b5, 64, 0);
	left = node_send(n, n->dev[1].port, out, 64);
	if (left) {
		assert_true(n->dev[0].n > 0);
		n->dev[0].n--;
		assert_true(n->dev[0].got[n->dev[0].n].len > 64);
		free(n->dev[0].got[n->dev[0].n].bytes);
	}
	return left;
}

/* The clock asks for nothing.  Who sends does: at once, and again when the MAC is old. */
static void only_who_sends_asks(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = node_link(n, "far", 1, &far1);

	(void)state;
	node_port(n, 1, 1, 0);
	for (unsigned i = 0; i < 100; i++)
		vnet_clock_set(n->core, ++n->seconds);
	assert_int_equal(asked(n), 0);
	assert_false(used_later(n, 0));
	assert_int_equal(asked(n), 1);
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	node_clear(n); /* the frame that waited for it */
	for (unsigned i = 1; i < NEIGHBOUR_FRESH; i++)
		assert_true(used_later(n, 1));
	assert_int_equal(asked(n), 0);
	for (unsigned i = 0; i < NEIGHBOUR_TRIES; i++) {
		assert_true(used_later(n, 1)); /* to the old one, while it is asked */
		assert_int_equal(asked(n), 1);
	}
	assert_int_equal(hop(link), NODE_MAC(1));
	assert_false(used_later(n, 1));
	assert_int_equal(hop(link), 0);
	assert_int_equal(asked(n), 1);
	node_free(n);
}

/* Of two nodes the one that came first had no answer; the other's question tells it to ask again.
 */
static void a_next_hop_that_asks_is_asked_back(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = node_link(n, "far", 1, &far1);
	struct arp a;

	(void)state;
	node_tick(n);
	assert_int_equal(asked(n), 1);
	vnet_clock_set(n->core, n->seconds += 1000);
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(2), NODE_IP(2),
	            NODE_IP(0)); /* no next hop */
	assert_int_equal(n->dev[0].n, 1);
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	assert_int_equal(n->dev[0].n, 3);
	assert_true(arp_read(&a, n->dev[0].got[1].bytes, ARP_FRAME));
	assert_int_equal(a.op, ARP_REPLY);
	assert_true(arp_read(&a, n->dev[0].got[2].bytes, ARP_FRAME));
	assert_int_equal(a.op, ARP_REQUEST);
	assert_int_equal(a.target, NODE_IP(1));
	assert_int_equal(hop(link), 0); /* it is not believed */
	node_clear(n);
	vnet_clock_set(n->core, n->seconds += 1000);
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(1), NODE_IP(1),
	            NODE_IP(1)); /* announces */
	assert_int_equal(asked(n), 1);
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	assert_int_equal(hop(link), NODE_MAC(1));
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	assert_int_equal(n->dev[0].n, 1); /* it is known: answered, and not asked */
	node_free(n);
}

static void it_is_kept_fresh_and_forgotten_when_silent(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = node_link(n, "far", 1, &far1);

	(void)state;
	node_tick(n);
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	assert_int_equal(asked(n), 1);
	for (unsigned i = 1; i < NEIGHBOUR_FRESH; i++) {
		node_tick(n);
		assert_int_equal(asked(n), 0);
	}
	node_tick(n);
	assert_int_equal(asked(n), 1);
	/* It has moved to another machine. */
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(2), NODE_IP(1), NODE_IP(0));
	assert_int_equal(hop(link), NODE_MAC(2));
	for (unsigned i = 1; i < NEIGHBOUR_FRESH + NEIGHBOUR_TRIES; i++)
		node_tick(n);
	assert_int_equal(hop(link), NODE_MAC(2));
	assert_int_equal(asked(n), NEIGHBOUR_TRIES);
	/* Once more in the same second: the last question still has time. */
	vnet_port_ready(n->core, n->dev[0].port);
	assert_int_equal(hop(link), NODE_MAC(2));
	node_tick(n);
	assert_int_equal(hop(link), 0);
	assert_int_equal(asked(n), 1);
	node_free(n);
}

/* The clock stands still while the node is idle, and nobody was asked: time alone takes nothing
 * away.
 */
static void after_a_long_quiet_it_is_asked_first(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = node_link(n, "far", 1, &far1);

	(void)state;
	node_tick(n);
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	node_clear(n);
	for (unsigned i = 1; i < NEIGHBOUR_TRIES; i++) {
		n->seconds += 5000;
		node_tick(n);
		assert_int_equal(hop(link), NODE_MAC(1));
		assert_int_equal(asked(n), 1);
	}
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	for (unsigned i = 0; i < NEIGHBOUR_TRIES; i++) {
		n->seconds += 5000;
		node_tick(n);
		assert_int_equal(hop(link), NODE_MAC(1));
	}
	node_tick(n);
	assert_int_equal(hop(link), 0);
	node_free(n);
}

static void beyond_the_prefix_the_gateway_is_asked(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = node_link(n, "far", 1, &beyond);
	struct arp a;

	(void)state;
	node_tick(n);
	assert_true(arp_read(&a, n->dev[0].got[0].bytes, ARP_FRAME));
	assert_int_equal(a.target, GATEWAY);
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(9), GATEWAY, NODE_IP(0));
	assert_int_equal(hop(link), NODE_MAC(9));
	node_free(n);
}

static void lies_are_counted_and_not_believed(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = node_link(n, "far", 1, &far1), *edge = n->dev[0].port;
	uint8_t out[ARP_FRAME];

	(void)state;
	/* Before anything was asked. */
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(5), NODE_IP(1), NODE_IP(0));
	assert_int_equal(port_drops(edge, VNET_DROP_arp_unsolicited), 1);
	node_tick(n);
	/* For another than was asked, and for nobody. */
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(5), NODE_IP(2), NODE_IP(0));
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(5), 0, NODE_IP(0));
	assert_int_equal(port_drops(edge, VNET_DROP_arp_unsolicited), 3);
	assert_int_equal(hop(link), 0);
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(1), NODE_IP(1), NODE_IP(0));
	/* A second answer. */
	receive_arp(n, NODE_MAC(0), ARP_REPLY, NODE_MAC(5), NODE_IP(1), NODE_IP(0));
	assert_int_equal(port_drops(edge, VNET_DROP_arp_unsolicited), 4);
	/* A question tells nothing about the one who asks. */
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(5), NODE_IP(1), NODE_IP(0));
	assert_int_equal(hop(link), NODE_MAC(1));
	/* Our own address. */
	receive_arp(n, MAC_BROADCAST, ARP_REPLY, NODE_MAC(5), NODE_IP(0), NODE_IP(0));
	receive_arp(n, NODE_MAC(0), ARP_REQUEST, NODE_MAC(5), NODE_IP(0), NODE_IP(1));
	assert_int_equal(port_drops(edge, VNET_DROP_arp_conflict), 2);
	receive_arp(n, MAC_BROADCAST, ARP_REQUEST, NODE_MAC(0), NODE_IP(0), NODE_IP(1));
	assert_int_equal(port_drops(edge, VNET_DROP_looped), 1);
	/* From a group: an answer would go to all of it. */
	memcpy(out, golden_request, ARP_FRAME);
	mac_write(out + 6, MAC_BROADCAST);
	node_send(n, edge, out, ARP_FRAME);
	assert_int_equal(port_drops(edge, VNET_DROP_bad_source), 1);
	/* Malformed, and not for us. */
	memcpy(out, golden_request, ARP_FRAME);
	mac_write(out, NODE_MAC(0));
	mac_write(out + 6, NODE_MAC(5));
	out[18] = 7;
	node_send(n, edge, out, ARP_FRAME);
	assert_int_equal(port_drops(edge, VNET_DROP_arp_malformed), 1);
	receive_arp(n, NODE_MAC(0), ARP_REQUEST, NODE_MAC(5), NODE_IP(1), NODE_IP(2));
	assert_int_equal(port_drops(edge, VNET_DROP_outer_other), 1);
	node_free(n);
}

static void a_late_answer_is_not_believed(void **state)
{
	struct neighbour e = {0};

	(void)state;
	assert_true(neighbour_ask(&e, 10));
	assert_false(neighbour_ask(&e, 10));
	assert_false(neighbour_reply(&e, NODE_MAC(1), 14));
	assert_false(neighbour_reply(&e, NODE_MAC(1), 9)); /* a clock that went back */
	assert_true(neighbour_reply(&e, NODE_MAC(1), 13));
	assert_int_equal(neighbour_mac(&e), NODE_MAC(1));
	assert_false(neighbour_age(&e, 14));
	assert_true(neighbour_age(&e, 5));
	assert_int_equal(neighbour_mac(&e), NODE_MAC(1)); /* nobody was asked in vain */
}

static void an_echo_request_is_answered(void **state)
{
	/* ICMP echo, id 1, sequence 2, five bytes, and padding to 60. */
	uint8_t ping[60] = {0x02, 0, 0,    0, 0, 1,  0x02, 0,    0,    0,   0,  2,
	                    0x08, 0, 0x45, 0, 0, 33, 0x12, 0x34, 0x40, 0,   7,  1,
	                    0,    0, 0xc0, 0, 2, 2,  0xc0, 0,    2,    1,   8,  0,
	                    0,    0, 0,    1, 0, 2,  'h',  'e',  'l',  'l', 'o'};
	struct node *n = node_make(0, VNET_LEARN);
	struct got *g = &n->dev[0].got[0];
	struct sum s = {0, false};
	uint8_t result[2];

	(void)state;
	sum_bytes(&s, ping + 14, 20);
	sum_store(&s, ping + 24);
	s = (struct sum){0, false};
	sum_bytes(&s, ping + 34, 13);
	sum_store(&s, ping + 36);
	batch_start(n);
	batch_add(n, ping, sizeof ping, NULL, 13);
	batch_send(n, n->dev[0].port);
	assert_int_equal(n->dev[0].n, 1);
	assert_int_equal(g->len, 47);
	assert_memory_equal(g->bytes, ping + 6, 6);
	assert_memory_equal(g->bytes + 6, ping, 6);
	assert_memory_equal(g->bytes + 26, ping + 30, 4);
	assert_memory_equal(g->bytes + 30, ping + 26, 4);
	assert_int_equal(g->bytes[34], 0);
	assert_memory_equal(g->bytes + 38, ping + 38, 9);
	s = (struct sum){0, false};
	sum_bytes(&s, g->bytes + 14, 20);
	sum_store(&s, result);
	assert_int_equal(result[0] | result[1], 0);
	s = (struct sum){0, false};
	sum_bytes(&s, g->bytes + 34, 13);
	sum_store(&s, result);
	assert_int_equal(result[0] | result[1], 0);
	ping[34] = 13; /* a query of another kind */
	node_send(n, n->dev[0].port, ping, sizeof ping);
	assert_int_equal(port_drops(n->dev[0].port, VNET_DROP_outer_other), 1);
	node_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_are_written_and_read),
	    cmocka_unit_test(malformed_frames_are_not_read),
	    cmocka_unit_test(a_question_for_us_is_answered),
	    cmocka_unit_test(what_others_say_to_all_is_switched),
	    cmocka_unit_test(a_next_hop_is_asked_for_until_it_answers),
	    cmocka_unit_test(the_first_frame_asks_too),
	    cmocka_unit_test(only_who_sends_asks),
	    cmocka_unit_test(a_next_hop_that_asks_is_asked_back),
	    cmocka_unit_test(it_is_kept_fresh_and_forgotten_when_silent),
	    cmocka_unit_test(after_a_long_quiet_it_is_asked_first),
	    cmocka_unit_test(beyond_the_prefix_the_gateway_is_asked),
	    cmocka_unit_test(lies_are_counted_and_not_believed),
	    cmocka_unit_test(a_late_answer_is_not_believed),
	    cmocka_unit_test(an_echo_request_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
