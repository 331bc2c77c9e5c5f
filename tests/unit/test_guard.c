/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_guard.c: guests that send frames like the node's own outer packets, and that such frames are
 * copied before they are checked.
 */
#include "tests/unit/rig/link_nodes.h"
#include "vnet/link/arp.h"
#include "lib/bytes.h"
#include "vnet/state.h"

#define BYTES 100

struct rig {
	struct node *n;
	struct vnet_port *edge, *stranger, *apart; /* the stranger is in the edge's network */
	uint8_t bytes[BYTES];
};

static int start(void **state)
{
	struct rig *r = calloc(1, sizeof *r);

	r->n = node_make(0, VNET_LEARN);
	r->edge = r->n->dev[0].port;
	r->stranger = node_port(r->n, 1, 0, 0);
	r->apart = node_port(r->n, 2, 1, 0);
	node_port(r->n, 3, 1, 0);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	node_free(r->n);
	free(r);
	return 0;
}

/* A frame with the addresses, the payload behind `tags` tags. */
static uint8_t *frame(struct rig *r, mac_t src, unsigned type, unsigned tags)
{
	ether_frame(r->bytes, B, src, tags ? 0x8100 : type, BYTES, 0);
	for (unsigned i = 0; i < tags; i++) {
		put_be16(r->bytes + 14 + 4 * i, 0);
		put_be16(r->bytes + 16 + 4 * i, i + 1 < tags ? 0x88a8 : type);
	}
	return r->bytes + 14 + 4 * tags;
}

static void ipv4(struct rig *r, mac_t src, uint32_t from, unsigned tags)
{
	uint8_t *ip = frame(r, src, 0x0800, tags);

	ip[0] = 0x45;
	put_be32(ip + 12, from);
}

static void arp(struct rig *r, mac_t sender_mac, uint32_t sender)
{
	struct arp a = {ARP_REPLY, sender_mac, B, sender, GATEWAY};

	arp_write(r->bytes, B, &a);
	mac_write(r->bytes + 6, A);
}

/* Whether the frame reaches the edge's device, whole and in pieces of any size. */
static bool leaves(struct rig *r, struct vnet_port *from)
{
	struct dev *d = &r->n->dev[0];
	uint64_t before = port_drops(from, VNET_DROP_outer_forged);
	unsigned left = 0, count = 0;

	for (unsigned piece = 0; piece < BYTES; piece++, count++) {
		node_clear(r->n);
		batch_start(r->n);
		batch_add(r->n, r->bytes, BYTES, NULL, piece);
		batch_send(r->n, from);
		left += d->n;
		if (d->n)
			assert_memory_equal(d->got[0].bytes, r->bytes, BYTES);
	}
	assert_true(left == 0 || left == count);
	assert_int_equal(port_drops(from, VNET_DROP_outer_forged) - before, left ? 0 : count);
	return left;
}

static void nobody_else_sends_as_the_node(void **state)
{
	struct rig *r = *state;

	for (unsigned tags = 0; tags <= 2; tags++) {
		ipv4(r, NODE_MAC(0), 0x0a000001, tags);
		assert_false(leaves(r, r->stranger));
		ipv4(r, A, NODE_IP(0), tags);
		assert_false(leaves(r, r->stranger));
		ipv4(r, A, NODE_IP(1), tags); /* any other */
		assert_true(leaves(r, r->stranger));
	}
	frame(r, NODE_MAC(0), 0x88b5, 0);
	assert_false(leaves(r, r->stranger));
	arp(r, A, NODE_IP(0));
	assert_false(leaves(r, r->stranger));
	arp(r, NODE_MAC(0), NODE_IP(1));
	assert_false(leaves(r, r->stranger));
	arp(r, A, NODE_IP(1));
	assert_true(leaves(r, r->stranger));
}

/* What a NIC pads with zeroes on the wire is a whole packet there: a neighbour's cache takes from
 * it where the node is said to be. */
static void a_short_frame_is_padded_on_the_wire(void **state)
{
	struct rig *r = *state;

	for (unsigned len = VNET_FRAME_MIN; len < 60; len++) {
		arp(r, A, NODE_IP(0));
		node_clear(r->n);
		node_send(r->n, r->stranger, r->bytes, len);
		/* RFC 826: the sender's IPv4 address ends at 18. */
		assert_int_equal(r->n->dev[0].n, len < VNET_FRAME_MIN + 18);
		ipv4(r, A, NODE_IP(0), 1);
		node_clear(r->n);
		node_send(r->n, r->stranger, r->bytes, len);
		assert_int_equal(r->n->dev[0].n, len < VNET_FRAME_MIN + 4 + 16);
	}
}

/* Other nodes believe them as they believe this one: a guest here must not be the peer of a link
 * between two of them. */
static void nobody_sends_as_a_peer_or_the_gateway(void **state)
{
	static const struct vnet_link_config far = {VNET_LINK_VXLAN, NODE_IP(1), 42, 0, 0};
	struct rig *r = *state;
	struct vnet_port *link = node_link(r->n, "far", 1, &far);

	ipv4(r, A, NODE_IP(1), 0);
	assert_false(leaves(r, r->stranger));
	arp(r, A, NODE_IP(1));
	assert_false(leaves(r, r->stranger));
	arp(r, A, GATEWAY);
	assert_false(leaves(r, r->stranger));
	ipv4(r, A, NODE_IP(2), 0);
	assert_true(leaves(r, r->stranger));
	arp(r, A, 0); /* asks whether an address is free (RFC 5227) */
	assert_true(leaves(r, r->stranger));
	assert_true(vnet_port_remove(link));
	ipv4(r, A, NODE_IP(1), 0);
	assert_true(leaves(r, r->stranger));
}

/* Where no edge is, frames leave in outer packets only: there the addresses are anybody's. */
static void a_network_without_an_edge_may_use_them(void **state)
{
	struct rig *r = *state;

	ipv4(r, NODE_MAC(0), NODE_IP(0), 0);
	node_send(r->n, r->apart, r->bytes, BYTES);
	assert_int_equal(r->n->dev[3].n, 1);
	assert_int_equal(port_drops_all(r->apart), 0);
	/* An edge of its own, without an underlay: Dom0 may join both to one wire. */
	node_port(r->n, 4, 1, VNET_EDGE);
	node_send(r->n, r->apart, r->bytes, BYTES);
	assert_int_equal(r->n->dev[3].n, 1);
	assert_int_equal(port_drops(r->apart, VNET_DROP_outer_forged), 1);
	assert_true(vnet_port_remove(r->n->dev[4].port));
	node_send(r->n, r->apart, r->bytes, BYTES);
	assert_int_equal(r->n->dev[3].n, 2);
}

static void it_follows_the_underlay(void **state)
{
	struct rig *r = *state;
	char err[100];

	ipv4(r, A, NODE_IP(0), 0);
	assert_false(leaves(r, r->stranger));
	node_underlay(r->n, 5, 1500);
	assert_true(leaves(r, r->stranger));
	ipv4(r, A, NODE_IP(5), 0);
	assert_false(leaves(r, r->stranger));
	assert_true(vnet_underlay_remove(r->edge, err, sizeof err));
	assert_true(leaves(r, r->stranger));
	node_underlay(r->n, 5, 1500);
	assert_false(leaves(r, r->stranger));
	assert_true(vnet_port_remove(r->edge));
	assert_null(atomic_load(&r->n->v->underlays));
	assert_null(atomic_load(&r->stranger->stage));
}

/* Another guest's core may write to the frame between the check and the copy. */
static void what_was_looked_at_is_what_leaves(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->n->core);
	struct vnet_frame *f = &b->frame[0];
	struct vnet_port_stats s;

	ipv4(r, A, NODE_IP(1), 0);
	batch_start(r->n);
	batch_add(r->n, r->bytes, BYTES, NULL, 0);
	batch_send(r->n, r->stranger);
	assert_int_equal(r->n->dev[0].n, 1);
	assert_true(f->seg[0].base < r->bytes || f->seg[0].base >= r->bytes + BYTES);
	assert_true(f->seg[0].len >= 14 + 20);
	assert_ptr_equal(f->seg[1].base, r->bytes + f->seg[0].len);
	vnet_port_stats(r->stranger, &s);
	assert_int_equal(s.copied, f->seg[0].len);
}

/* In a batch only the forged ones go, and the rest keeps its order. */
static void the_rest_of_a_batch_goes_on(void **state)
{
	static uint8_t bytes[VNET_BATCH][BYTES];
	struct rig *r = *state;
	struct dev *d = &r->n->dev[0];
	unsigned n = 0;

	batch_start(r->n);
	for (unsigned i = 0; i < VNET_BATCH; i++) {
		ipv4(r, A, i % 3 ? NODE_IP(1) : NODE_IP(0), 0);
		memcpy(bytes[i], r->bytes, BYTES);
		bytes[i][BYTES - 1] = (uint8_t)i;
		batch_add(r->n, bytes[i], BYTES, NULL, 20);
	}
	batch_send(r->n, r->stranger);
	for (unsigned i = 0; i < VNET_BATCH; i++)
		if (i % 3)
			assert_int_equal(d->got[n++].bytes[BYTES - 1], i);
	assert_int_equal(d->n, n);
	assert_int_equal(port_drops(r->stranger, VNET_DROP_outer_forged), VNET_BATCH - n);
}

/* What a link's peer sends into a network with an edge is looked at, too. */
static void a_peer_does_not_send_as_the_node(void **state)
{
	static const struct vnet_link_config far = {VNET_LINK_UDP, NODE_IP(1), 0, 0, 0};
	static const struct vnet_link_config back = {VNET_LINK_UDP, NODE_IP(0), 0, 0, 0};
	struct node *other = node_make(1, VNET_LEARN);
	struct vnet_port *guest = node_port(other, 1, 1, 0), *link;
	struct rig *r = *state;

	node_link(other, "back", 1, &back);
	link = node_link(r->n, "far", 0, &far);
	node_tick(other);
	node_tick(r->n);
	nodes_settle(other, r->n);
	node_clear(r->n);
	ipv4(r, NODE_MAC(0), NODE_IP(0), 0);
	node_send(other, guest, r->bytes, BYTES);
	nodes_settle(other, r->n);
	assert_int_equal(port_drops(link, VNET_DROP_outer_forged), 1);
	assert_int_equal(r->n->dev[1].n, 0);
	node_free(other);
}

static void record_verdict(void *ctx, const struct vnet_verdict *verdict)
{
	*(int *)ctx = verdict->drop;
}

static void explain_knows(void **state)
{
	struct rig *r = *state;
	int drop = -2;

	assert_true(vnet_explain(r->n->v, ASK(0, NODE_MAC(0), B, r->stranger->number),
	                         record_verdict, &drop));
	assert_int_equal(drop, VNET_DROP_outer_forged);
	assert_true(
	    vnet_explain(r->n->v, ASK(0, A, B, r->stranger->number), record_verdict, &drop));
	assert_int_equal(drop, -1);
	assert_true(
	    vnet_explain(r->n->v, ASK(1, NODE_MAC(0), B, r->apart->number), record_verdict, &drop));
	assert_int_equal(drop, -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, tear_down)
	const struct CMUnitTest tests[] = {
	    T(nobody_else_sends_as_the_node),
	    T(nobody_sends_as_a_peer_or_the_gateway),
	    T(a_short_frame_is_padded_on_the_wire),
	    T(a_network_without_an_edge_may_use_them),
	    T(it_follows_the_underlay),
	    T(what_was_looked_at_is_what_leaves),
	    T(the_rest_of_a_batch_goes_on),
	    T(a_peer_does_not_send_as_the_node),
	    T(explain_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
