/* SPDX-License-Identifier: BSD-2-Clause */
/* test_link_loops.c: split horizon, frames that loop back, and mode exact. */
#include "tests/unit/rig/link_nodes.h"

static uint8_t frame[64];

/* Which devices of the node a frame reaches, as bits. */
static unsigned reach(struct node *n, struct vnet_port *from, mac_t dst, mac_t src)
{
	unsigned mask = 0;

	node_clear(n);
	ether_frame(frame, dst, src, 0x88b5, sizeof frame, 0);
	node_send(n, from, frame, sizeof frame);
	for (unsigned i = 0; i < DEVS; i++)
		mask |= !!n->dev[i].n << i;
	return mask;
}

/* Devices 0 and 1 are edges, 2 to 4 guests, all in network 1. */
static struct node *local(enum vnet_policy policy)
{
	struct node *n = calloc(1, sizeof *n);

	n->v = vnet_create(&node_mem, 2);
	n->core = vnet_core(n->v, 0);
	assert_true(vnet_net_set(n->v, 1, policy));
	for (unsigned i = 0; i < 5; i++)
		node_port(n, i, 1, i < 2 ? VNET_EDGE : 0);
	assert_true(vnet_port_set_mac(n->dev[2].port, A));
	assert_true(vnet_port_set_mac(n->dev[3].port, B));
	return n;
}

static void outside_never_reaches_outside(void **state)
{
	struct node *n = local(VNET_LEARN);
	struct vnet_port *edge = n->dev[0].port;

	(void)state;
	assert_int_equal(reach(n, edge, MAC_BROADCAST, C), 0x1c);
	assert_int_equal(reach(n, n->dev[2].port, MAC_BROADCAST, A), 0x1b);
	assert_int_equal(reach(n, n->dev[1].port, C, C + 0x100), 0);
	assert_int_equal(port_drops(n->dev[1].port, VNET_DROP_split_horizon), 1);
	assert_int_equal(reach(n, n->dev[2].port, C, A), 1);
	/* Where only outside is left, that is the reason. */
	for (unsigned i = 2; i < 5; i++)
		assert_true(vnet_port_remove(n->dev[i].port));
	assert_int_equal(reach(n, edge, MAC_BROADCAST, C), 0);
	assert_int_equal(port_drops(edge, VNET_DROP_split_horizon), 1);
	node_free(n);
}

static void our_own_that_comes_back_is_looped(void **state)
{
	struct node *n = local(VNET_LEARN);

	(void)state;
	assert_int_equal(reach(n, n->dev[2].port, B, A), 8);
	assert_int_equal(reach(n, n->dev[0].port, B, A), 0);
	assert_int_equal(reach(n, n->dev[1].port, MAC_BROADCAST, A), 0);
	assert_int_equal(port_drops(n->dev[0].port, VNET_DROP_looped), 1);
	assert_int_equal(port_drops(n->dev[1].port, VNET_DROP_looped), 1);
	/* Nothing was learned of it. */
	assert_int_equal(reach(n, n->dev[3].port, A, B), 4);
	node_free(n);
}

/* Two nodes joined twice, and by a third: a frame to all comes once over each link, and ends. */
static void nodes_joined_twice_do_not_loop(void **state)
{
	static const struct vnet_link_config to[2][2] = {
	    {{VNET_LINK_VXLAN, NODE_IP(1), 1, 0, 0}, {VNET_LINK_UDP, NODE_IP(1), 0, 0, 0}},
	    {{VNET_LINK_VXLAN, NODE_IP(0), 1, 0, 0}, {VNET_LINK_UDP, NODE_IP(0), 0, 0, 0}}};
	struct node *n[2] = {node_make(0, VNET_LEARN), node_make(1, VNET_LEARN)};
	struct vnet_port *guest[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		guest[i] = node_port(n[i], 1, 1, 0);
		node_link(n[i], "one", 1, &to[i][0]);
		node_link(n[i], "two", 1, &to[i][1]);
		node_tick(n[i]);
	}
	nodes_settle(n[0], n[1]);
	ether_frame(frame, MAC_BROADCAST, A, 0x88b5, sizeof frame, 0);
	for (unsigned k = 0; k < 10; k++) {
		node_send(n[0], guest[0], frame, sizeof frame);
		assert_int_equal(nodes_settle(n[0], n[1]), 2);
	}
	assert_int_equal(n[1]->dev[1].n, 20);
	assert_int_equal(n[0]->dev[1].n, 0);
	node_free(n[0]);
	node_free(n[1]);
}

static void exact_finds_declared_addresses(void **state)
{
	struct node *n = local(VNET_EXACT);

	(void)state;
	assert_int_equal(reach(n, n->dev[2].port, B, A), 8);
	assert_int_equal(reach(n, n->dev[3].port, A, B), 4);
	assert_int_equal(reach(n, n->dev[2].port, C, A), 3); /* unknown: outside, and only there */
	assert_int_equal(reach(n, n->dev[2].port, MAC_BROADCAST, A), 0x1b);
	assert_int_equal(reach(n, n->dev[2].port, 0x5e0001, A), 0x1b);
	assert_int_equal(reach(n, n->dev[0].port, A, C), 4);
	assert_int_equal(reach(n, n->dev[0].port, MAC_BROADCAST, C), 0x1c);
	assert_int_equal(reach(n, n->dev[0].port, C + 0x100, C), 0);
	assert_int_equal(port_drops(n->dev[0].port, VNET_DROP_split_horizon), 1);
	assert_int_equal(reach(n, n->dev[2].port, A, A), 0);
	assert_int_equal(port_drops(n->dev[2].port, VNET_DROP_same_port), 1);
	assert_int_equal(port_drops(n->dev[2].port, VNET_DROP_spoofed), 0);
	node_free(n);
}

static void exact_drops_what_is_spoofed(void **state)
{
	struct node *n = local(VNET_EXACT);

	(void)state;
	assert_int_equal(reach(n, n->dev[2].port, B, C), 0);
	assert_int_equal(reach(n, n->dev[2].port, MAC_BROADCAST, B), 0);
	assert_int_equal(reach(n, n->dev[2].port, B, 0), 0);
	assert_int_equal(port_drops(n->dev[2].port, VNET_DROP_spoofed), 3);
	/* A port that declared none may send nothing. */
	assert_int_equal(reach(n, n->dev[4].port, B, C), 0);
	assert_int_equal(reach(n, n->dev[4].port, B, 0), 0);
	assert_int_equal(port_drops(n->dev[4].port, VNET_DROP_spoofed), 2);
	assert_int_equal(reach(n, n->dev[0].port, B, A), 0);
	assert_int_equal(port_drops(n->dev[0].port, VNET_DROP_looped), 1);
	node_free(n);
}

/* Its guest may be on another node now, with the same address declared there. */
static void what_is_down_has_no_address(void **state)
{
	for (unsigned policy = VNET_LEARN; policy <= VNET_EXACT; policy++) {
		struct node *n = local(policy);
		struct vnet_port *edge = n->dev[0].port, *gone = n->dev[2].port;

		(void)state;
		assert_int_equal(reach(n, gone, MAC_BROADCAST, A), 0x1b);
		assert_int_equal(reach(n, n->dev[3].port, A, B), 4);
		gone->up = false;
		/* Sought everywhere, or outside; then heard there, and found. */
		assert_int_equal(reach(n, n->dev[3].port, A, B), policy == VNET_LEARN ? 0x13 : 3);
		assert_int_equal(port_drops(gone, VNET_DROP_port_down), policy == VNET_LEARN);
		assert_int_equal(reach(n, edge, B, A), 8);
		assert_int_equal(port_drops(edge, VNET_DROP_looped), 0);
		assert_int_equal(reach(n, n->dev[3].port, A, B), policy == VNET_LEARN ? 1 : 3);
		/* Back at home. */
		gone->up = true;
		assert_int_equal(reach(n, edge, B, A), 0);
		assert_int_equal(port_drops(edge, VNET_DROP_looped), 1);
		reach(n, gone, MAC_BROADCAST, A);
		assert_int_equal(reach(n, n->dev[3].port, A, B), 4);
		node_free(n);
	}
}

static void without_a_way_out_unknown_is_no_route(void **state)
{
	struct node *n = local(VNET_EXACT);

	(void)state;
	assert_true(vnet_port_remove(n->dev[0].port));
	assert_int_equal(reach(n, n->dev[1].port, C, C + 0x100), 0);
	assert_int_equal(port_drops(n->dev[1].port, VNET_DROP_no_route), 1);
	assert_true(vnet_port_remove(n->dev[1].port));
	assert_int_equal(reach(n, n->dev[2].port, C, A), 0);
	assert_int_equal(port_drops(n->dev[2].port, VNET_DROP_no_route), 1);
	node_free(n);
}

static void addresses_are_declared_once_in_a_network(void **state)
{
	struct node *n = local(VNET_EXACT);

	(void)state;
	assert_false(vnet_port_set_mac(n->dev[4].port, A));
	assert_false(vnet_port_set_mac(n->dev[4].port, C | MAC_MULTICAST));
	assert_false(vnet_port_set_mac(n->dev[4].port, MAC_MASK + 1));
	assert_true(vnet_port_set_mac(n->dev[2].port, A)); /* its own */
	assert_true(vnet_port_set_mac(n->dev[2].port, C));
	assert_int_equal(reach(n, n->dev[3].port, C, B), 4);
	assert_int_equal(reach(n, n->dev[3].port, A, B), 3);
	assert_true(vnet_port_set_mac(n->dev[4].port, A));
	assert_true(vnet_port_set_mac(n->dev[4].port, 0));
	assert_true(vnet_port_remove(n->dev[2].port));
	assert_int_equal(reach(n, n->dev[3].port, C, B), 3);
	/* The same address in another network is another one. */
	assert_true(vnet_net_set(n->v, 2, VNET_EXACT));
	assert_true(vnet_port_set_mac(node_port(n, 5, 2, 0), B));
	assert_int_equal(reach(n, n->dev[0].port, B, A), 8);
	node_free(n);
}

static void many_addresses_are_found(void **state)
{
	struct vnet *v = vnet_create(&node_mem, 1);
	static struct dev dev;
	struct vnet_port *port[500];
	uint8_t out[64];

	(void)state;
	assert_true(vnet_net_set(v, 0, VNET_EXACT));
	for (unsigned i = 0; i < 500; i++) {
		char name[16];

		snprintf(name, sizeof name, "g%u", i);
		port[i] = vnet_port_add(v, name, 0, &dev_ops, &dev, 0);
		port[i]->up = true;
		assert_true(vnet_port_set_mac(port[i], A + ((mac_t)i << 24)));
	}
	for (unsigned i = 1; i < 500; i++) {
		struct vnet_port_stats s;
		struct vnet_seg seg = {out, 64};
		static struct vnet_batch b;

		ether_frame(out, A + ((mac_t)i << 24), A, 0x88b5, 64, 0);
		b.n = b.nseg = 1;
		b.frame[0] =
		    (struct vnet_frame){.seg = &seg, .len = 64, .nseg = 1, .contiguous_head = true};
		assert_int_equal(vnet_input(vnet_core(v, 0), port[0], &b), 1);
		vnet_port_stats(port[i], &s);
		assert_int_equal(s.out_frames, 1);
		dev_clear(&dev);
	}
	vnet_destroy(v);
}

struct explained {
	unsigned n;
	struct vnet_verdict last;
	unsigned ports; /* bits */
};

static void record_verdict(void *ctx, const struct vnet_verdict *verdict)
{
	struct explained *t = ctx;

	t->n++;
	t->last = *verdict;
	t->ports |= verdict->drop < 0 ? 1u << verdict->port : 0;
}

/* explain agrees with what a real frame does. */
static void agrees(struct node *n, struct vnet_port *from, mac_t dst, mac_t src)
{
	struct explained t = {0};
	uint64_t before[DEVS][VNET_DROP_CAUSES];
	struct vnet_port_stats s;

	assert_true(vnet_explain(n->v, ASK(1, src, dst, from->number), record_verdict, &t));
	for (unsigned i = 0; i < 5; i++) {
		vnet_port_stats(n->dev[i].port, &s);
		memcpy(before[i], s.drop, sizeof s.drop);
	}
	assert_int_equal(reach(n, from, dst, src), t.ports);
	if (t.ports)
		return;
	vnet_port_stats(n->dev[t.last.port].port, &s);
	assert_int_equal(s.drop[t.last.drop], before[t.last.port][t.last.drop] + 1);
}

static void explain_tells_the_same(void **state)
{
	static const mac_t some[] = {A, B, C, MAC_BROADCAST, 0};

	(void)state;
	for (unsigned policy = VNET_LEARN; policy <= VNET_EXACT; policy++) {
		struct node *n = local(policy);

		for (unsigned down = 0; down < 2; down++) {
			n->dev[2].port->up = !down;
			for (unsigned from = 2 * down; from < 5; from++)
				for (unsigned i = 0; i < 25; i++)
					agrees(n, n->dev[from].port, some[i / 5], some[i % 5]);
		}
		node_free(n);
	}
}

static void explain_knows_links(void **state)
{
	static const struct vnet_link_config far = {VNET_LINK_UDP, NODE_IP(1), 0, 0, 0};
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *guest = node_port(n, 1, 1, 0), *link = node_link(n, "far", 1, &far);
	struct explained t = {0};

	(void)state;
	assert_true(vnet_explain(n->v, ASK(1, A, B, guest->number), record_verdict, &t));
	assert_int_equal(t.last.port, link->number);
	assert_int_equal(t.last.drop, VNET_DROP_no_neighbour);
	n->dev[0].port->up = false;
	assert_true(vnet_explain(n->v, ASK(1, A, B, guest->number), record_verdict, &t));
	assert_int_equal(t.last.drop, VNET_DROP_bridge_down);
	assert_true(vnet_explain(n->v, ASK(0, A, NODE_MAC(0), 0), record_verdict, &t));
	assert_int_equal(t.last.drop, VNET_DROP_outer_other);
	assert_true(vnet_explain(n->v, ASK(0, NODE_MAC(0), A, 0), record_verdict, &t));
	assert_int_equal(t.last.drop, VNET_DROP_looped);
	node_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outside_never_reaches_outside),
	    cmocka_unit_test(our_own_that_comes_back_is_looped),
	    cmocka_unit_test(nodes_joined_twice_do_not_loop),
	    cmocka_unit_test(exact_finds_declared_addresses),
	    cmocka_unit_test(exact_drops_what_is_spoofed),
	    cmocka_unit_test(what_is_down_has_no_address),
	    cmocka_unit_test(without_a_way_out_unknown_is_no_route),
	    cmocka_unit_test(addresses_are_declared_once_in_a_network),
	    cmocka_unit_test(many_addresses_are_found),
	    cmocka_unit_test(explain_tells_the_same),
	    cmocka_unit_test(explain_knows_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
