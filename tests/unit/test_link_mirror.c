/* SPDX-License-Identifier: BSD-2-Clause */
/* test_link_mirror.c: what mirrors copy of frames that go through a link: the inner frame at the
 * link, the outer one at the edge, and what the node itself sends. */
#include "tests/unit/rig/link_nodes.h"
#include "lib/bytes.h"
#include "vnet/link/wire.h"

#define SIZE 65536u
#define SEEN 32

static struct capture_ring *ring[2];
static struct capture_cursor cursor;

static struct seen {
	struct capture_record r;
	uint8_t bytes[2048];
} seen[SEEN];

static unsigned records(void)
{
	unsigned n = 0;

	while (n < SEEN && capture_read(ring[0], SIZE, &cursor, &seen[n].r, seen[n].bytes,
	                                sizeof seen[n].bytes) == 1)
		n++;
	return n;
}

static struct node *a, *b;
static struct vnet_port *link_a, *link_b, *guest_a, *guest_b;
static uint8_t frame[100];

static int setup(void **state)
{
	const struct vnet_link_config to_b = {VNET_LINK_VXLAN, NODE_IP(1), 7, 0, 0};
	const struct vnet_link_config to_a = {VNET_LINK_VXLAN, NODE_IP(0), 7, 0, 0};

	(void)state;

	a = node_make(0, VNET_LEARN);
	b = node_make(1, VNET_LEARN);
	link_a = node_link(a, "l", 1, &to_b);
	link_b = node_link(b, "l", 1, &to_a);
	guest_a = node_port(a, 1, 1, 0);
	guest_b = node_port(b, 1, 1, 0);
	for (unsigned i = 0; i < 2; i++) {
		ring[i] = calloc(1, sizeof *ring[i] + SIZE);
		capture_ring_init(ring[i], SIZE);
	}
	memset(&cursor, 0, sizeof cursor);
	ether_frame(frame, B, A, 0x1234, sizeof frame, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	node_free(a);
	node_free(b);
	free(ring[0]);
	free(ring[1]);
	return 0;
}

/* Mirrors the node's edge and its link. */
static void mirror(struct node *n, struct vnet_port *link)
{
	vnet_capture_start(n->v, n->core, ring, CAPTURE_WHOLE);
	vnet_port_set_mirrors(n->dev[0].port, n->core, 1);
	vnet_port_set_mirrors(link, n->core, 2);
	records();
}

static unsigned expect(unsigned i, enum capture_kind kind, const struct vnet_port *port, mac_t dst)
{
	assert_int_equal(seen[i].r.kind, kind);
	assert_int_equal(seen[i].r.port, port->number);
	if (dst)
		assert_true(mac_read(seen[i].bytes) == dst);
	return i + 1;
}

static void the_sender_s_edge_has_the_outer_frame(void **state)
{
	unsigned i = 0;

	(void)state;

	mirror(a, link_a);
	/* The next hop is not known yet: it is asked for, and the frame waits. */
	node_send(a, guest_a, frame, sizeof frame);
	assert_int_equal(records(), 3);
	i = expect(i, CAPTURE_walk, guest_a, 0);
	i = expect(i, CAPTURE_frame, guest_a, B);
	expect(i, CAPTURE_made, a->dev[0].port, MAC_BROADCAST);
	assert_int_equal(seen[2].r.mirrors, 1);
	nodes_settle(a, b);
	/* It is sent in the walk of the reply, which has b's own question, too. */
	assert_int_equal(records(), 6);
	i = expect(0, CAPTURE_walk, a->dev[0].port, 0);
	i = expect(i, CAPTURE_frame, a->dev[0].port, NODE_MAC(0));
	i = expect(i, CAPTURE_frame, a->dev[0].port, MAC_BROADCAST);
	i = expect(i, CAPTURE_made, a->dev[0].port, NODE_MAC(1));
	assert_int_equal(seen[3].r.captured, sizeof frame + 50);
	i = expect(i, CAPTURE_made, link_a, B);
	assert_memory_equal(seen[4].bytes, frame, sizeof frame);
	expect(i, CAPTURE_made, a->dev[0].port, NODE_MAC(1));
	node_send(a, guest_a, frame, sizeof frame);
	assert_int_equal(records(), 4);
	expect(2, CAPTURE_made, a->dev[0].port, NODE_MAC(1));
	assert_int_equal(seen[2].r.captured, sizeof frame + 50);
	assert_memory_equal(seen[2].bytes + 50, frame, sizeof frame);
	expect(3, CAPTURE_out, link_a, 0);
	assert_int_equal(seen[3].r.mirrors, 2);
}

static void the_receiver_s_link_has_the_inner_frame(void **state)
{
	(void)state;
	node_send(a, guest_a, frame, sizeof frame);
	nodes_settle(a, b);
	mirror(b, link_b);
	vnet_port_set_mirrors(guest_b, b->core, 4);
	records();
	node_send(a, guest_a, frame, sizeof frame);
	nodes_settle(a, b);
	assert_int_equal(records(), 4);
	expect(1, CAPTURE_frame, b->dev[0].port, NODE_MAC(1));
	expect(2, CAPTURE_frame, link_b, B);
	assert_int_equal(seen[2].r.mirrors, 2);
	assert_int_equal(seen[2].r.frame, seen[1].r.frame);
	assert_int_equal(seen[2].r.captured, sizeof frame);
	assert_memory_equal(seen[2].bytes, frame, sizeof frame);
	expect(3, CAPTURE_out, guest_b, 0);
	/* Without a mirror on the link, the receiver has the inner frame all the same. */
	vnet_port_set_mirrors(link_b, b->core, 0);
	node_send(a, guest_a, frame, sizeof frame);
	nodes_settle(a, b);
	assert_int_equal(records(), 4);
	expect(2, CAPTURE_frame, link_b, B);
	assert_int_equal(seen[2].r.mirrors, 0);
}

/* What an edge's first buffers let the switch send is in the group of that event. */
static void what_waited_for_the_edge_is_seen(void **state)
{
	unsigned n, made = 0, ready = 0;

	(void)state;

	mirror(a, link_a);
	node_send(a, guest_a, frame, sizeof frame);
	records();
	for (unsigned s = 0; s < 5; s++)
		node_tick(a); /* asks for the next hop again */
	n = records();
	for (unsigned i = 0; i < n; i++) {
		assert_true(seen[i].r.kind == CAPTURE_tick || seen[i].r.kind == CAPTURE_ready ||
		            seen[i].r.kind == CAPTURE_made);
		assert_int_equal(seen[i].r.begins, seen[i].r.kind != CAPTURE_made);
		made += seen[i].r.kind == CAPTURE_made;
		ready +=
		    seen[i].r.kind == CAPTURE_ready && seen[i].r.port == a->dev[0].port->number;
		if (seen[i].r.kind == CAPTURE_made)
			assert_int_equal(seen[i - 1].r.kind, CAPTURE_ready);
	}
	assert_int_equal(made, 5);
	assert_int_equal(ready, 5);
	/* One that nothing copies begins no group. */
	vnet_port_set_mirrors(a->dev[0].port, a->core, 0);
	vnet_port_ready(a->core, a->dev[0].port);
	assert_int_equal(records(), 0);
	assert_int_equal(ring[0]->busy, 0);
}

/* A frame that waited is too large after all: the record of it says so, although its sender got an
 * answer meanwhile. */
static void why_what_waited_was_refused_is_seen(void **state)
{
	unsigned n, refused = 0;

	(void)state;
	ether_frame(frame, B, A, 0x0800, sizeof frame, 1);
	frame[14] = 0x45;
	put_be16(frame + 20, 0x4000); /* DF */
	put_be16(frame + 16, sizeof frame - 14);
	vnet_clock_set(a->core, a->seconds = 1000);
	mirror(a, link_a);
	node_send(a, guest_a, frame, sizeof frame);
	link_of(link_a)->limit = sizeof frame - 1;
	link_of(link_a)->lowered = a->seconds;
	records();
	nodes_settle(a, b);
	assert_int_equal(port_drops(link_a, VNET_DROP_too_big), 1);
	assert_int_equal(a->dev[1].n, 1); /* the answer */
	n = records();
	for (unsigned i = 0; i < n; i++)
		if (seen[i].r.kind == CAPTURE_made && seen[i].r.port == link_a->number) {
			assert_int_equal(seen[i].r.cause, VNET_DROP_too_big + 1);
			refused++;
		}
	assert_int_equal(refused, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_sender_s_edge_has_the_outer_frame, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_receiver_s_link_has_the_inner_frame, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(what_waited_for_the_edge_is_seen, setup, teardown),
	    cmocka_unit_test_setup_teardown(why_what_waited_was_refused_is_seen, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
