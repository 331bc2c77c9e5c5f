/* SPDX-License-Identifier: BSD-2-Clause */
/* test_link.c: two nodes connected by links: control of the links, and their frames. */
#include "tests/unit/rig/link_nodes.h"

#define VXLAN(i, number) (&(struct vnet_link_config){VNET_LINK_VXLAN, NODE_IP(i), (number), 0, 0})
#define UDP(i)           (&(struct vnet_link_config){VNET_LINK_UDP, NODE_IP(i), 0, 0, 0})

struct pair {
	struct node *n[2];
	struct vnet_port *link[2], *guest[2];
};

/* Two nodes, a guest on each in network 1, joined by a link of the kind of *state, resolved. */
static void join(struct pair *p, const struct vnet_link_config *to1,
                 const struct vnet_link_config *to0)
{
	for (unsigned i = 0; i < 2; i++) {
		p->n[i] = node_make(i, VNET_LEARN);
		p->guest[i] = node_port(p->n[i], 1, 1, 0);
		p->link[i] = node_link(p->n[i], "far", 1, i ? to0 : to1);
	}
	node_tick(p->n[0]);
	node_tick(p->n[1]);
	assert_int_equal(nodes_settle(p->n[0], p->n[1]), 4); /* two questions, two answers */
	node_clear(p->n[0]);
	node_clear(p->n[1]);
}

static void part(struct pair *p)
{
	node_free(p->n[0]);
	node_free(p->n[1]);
}

static void pass(struct pair *p, uint32_t len)
{
	uint8_t out[2048], back[2048];
	struct dev *to = &p->n[1]->dev[1];

	ether_frame(out, B, A, 0x88b5, len, len);
	node_send(p->n[0], p->guest[0], out, len);
	nodes_settle(p->n[0], p->n[1]);
	assert_int_equal(to->n, 1);
	assert_int_equal(to->got[0].len, len);
	assert_memory_equal(to->got[0].bytes, out, len);
	ether_frame(back, A, B, 0x88b5, len, 7 * len);
	node_send(p->n[1], p->guest[1], back, len);
	nodes_settle(p->n[0], p->n[1]);
	assert_int_equal(p->n[0]->dev[1].n, 1);
	assert_memory_equal(p->n[0]->dev[1].got[0].bytes, back, len);
	node_clear(p->n[0]);
	node_clear(p->n[1]);
}

static void every_size_passes(const struct vnet_link_config *to1,
                              const struct vnet_link_config *to0, unsigned mtu)
{
	struct pair p;
	struct vnet_port_stats s;
	unsigned frames = 0;

	join(&p, to1, to0);
	assert_int_equal(node_link_mtu(p.link[0]), mtu);
	for (uint32_t len = 14; len <= mtu + 14; len += len < 70 ? 1 : 61, frames++)
		pass(&p, len);
	pass(&p, mtu + 14);
	vnet_port_stats(p.link[0], &s);
	assert_int_equal(s.in_frames, frames + 1);
	assert_int_equal(s.out_frames, frames + 1);
	assert_int_equal(s.in_bytes, s.out_bytes);
	assert_true(s.copied >= s.out_frames * (14 + 20 + 8)); /* the outer headers */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(port_drops_all(p.link[i]), 0);
		assert_int_equal(port_drops_all(p.guest[i]), 0);
		assert_int_equal(port_drops_all(p.n[i]->dev[0].port), 0);
	}
	part(&p);
}

static void vxlan_passes_every_size(void **state)
{
	(void)state;
	every_size_passes(VXLAN(1, 42), VXLAN(0, 42), 1450);
}

static void udp_passes_every_size(void **state)
{
	(void)state;
	every_size_passes(UDP(1), UDP(0), 1458);
}

static void a_batch_stays_a_batch(void **state)
{
	static uint8_t bytes[VNET_BATCH][64];
	struct pair p;

	(void)state;
	join(&p, VXLAN(1, 1), VXLAN(0, 1));
	batch_start(p.n[0]);
	for (unsigned i = 0; i < VNET_BATCH; i++) {
		ether_frame(bytes[i], B, A, 0x88b5, 64, i);
		batch_add(p.n[0], bytes[i], 64, NULL, 0);
	}
	assert_int_equal(batch_send(p.n[0], p.guest[0]), VNET_BATCH);
	assert_int_equal(p.n[0]->dev[0].calls, 1);
	assert_int_equal(node_wire(p.n[0], p.n[1]), VNET_BATCH);
	assert_int_equal(p.n[1]->dev[1].calls, 1);
	assert_int_equal(p.n[1]->dev[1].n, VNET_BATCH);
	part(&p);
}

/* Frames of links, of the edge's own network and of nothing, mixed in one batch. */
static void runs_of_a_batch_keep_their_order(void **state)
{
	static uint8_t local[4][64], out[64];
	struct pair p;
	struct vnet_port *side;
	struct got *g;

	(void)state;
	join(&p, VXLAN(1, 1), VXLAN(0, 1));
	side = node_port(p.n[1], 2, 0, 0); /* in the edge's own network */
	for (unsigned i = 0; i < 3; i++) {
		ether_frame(out, B, A, 0x88b5, 64, i);
		node_send(p.n[0], p.guest[0], out, 64);
	}
	g = p.n[0]->dev[0].got;
	for (unsigned i = 0; i < 4; i++)
		ether_frame(local[i], i == 3 ? NODE_MAC(1) : MAC_BROADCAST, C, 0x88b5, 64, 100 + i);
	batch_start(p.n[1]);
	batch_add(p.n[1], g[0].bytes, g[0].len, NULL, 20);
	batch_add(p.n[1], g[1].bytes, g[1].len, NULL, 0);
	batch_add(p.n[1], local[0], 64, NULL, 0);
	batch_add(p.n[1], local[3], 64, NULL, 0); /* ends at the underlay */
	batch_add(p.n[1], local[1], 64, NULL, 9);
	batch_add(p.n[1], g[2].bytes, g[2].len, NULL, 1);
	batch_add(p.n[1], local[2], 64, NULL, 0);
	batch_send(p.n[1], p.n[1]->dev[0].port);
	assert_int_equal(p.n[1]->dev[1].n, 3);
	assert_int_equal(p.n[1]->dev[1].calls, 2); /* the first two together */
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(p.n[1]->dev[1].got[i].bytes[14], 14 + i);
		assert_int_equal(p.n[1]->dev[2].got[i].bytes[14], 114 + i);
	}
	assert_int_equal(p.n[1]->dev[2].n, 3);
	assert_int_equal(port_drops(p.n[1]->dev[0].port, VNET_DROP_outer_other), 1);
	assert_int_equal(port_drops_all(side), 0);
	part(&p);
}

static void nothing_of_one_network_reaches_another(void **state)
{
	struct pair p;
	struct vnet_port *other[2];
	uint8_t out[64];

	(void)state;
	join(&p, VXLAN(1, 1), VXLAN(0, 1));
	for (unsigned i = 0; i < 2; i++) {
		other[i] = node_port(p.n[i], 2, 2, 0);
		node_link(p.n[i], "other", 2, i ? VXLAN(0, 2) : VXLAN(1, 2));
	}
	ether_frame(out, MAC_BROADCAST, A, 0x88b5, 64, 0);
	node_send(p.n[0], p.guest[0], out, 64);
	nodes_settle(p.n[0], p.n[1]);
	assert_int_equal(p.n[1]->dev[1].n, 1);
	assert_int_equal(p.n[1]->dev[2].n, 0);
	node_send(p.n[0], other[0], out, 64);
	nodes_settle(p.n[0], p.n[1]);
	assert_int_equal(p.n[1]->dev[1].n, 1);
	assert_int_equal(p.n[1]->dev[2].n, 1);
	part(&p);
}

static void routes_lead_to_links_and_from_them(void **state)
{
	struct vnet_route route;
	uint64_t hits;
	struct pair p;
	uint8_t out[64];
	char err[100];

	(void)state;
	join(&p, UDP(1), UDP(0));
	for (unsigned i = 0; i < 2; i++) {
		const struct vnet_qual any = {VNET_MAC_ANY, 0};
		const struct vnet_route r[2] = {
		    {1, any, {VNET_MAC_IS, i ? A : B}, -1, p.link[i]->number, false},
		    {1, any, any, p.link[i]->number, p.guest[i]->number, false}};

		assert_true(vnet_net_set(p.n[i]->v, 1, VNET_ROUTE));
		assert_true(vnet_routes_set(p.n[i]->v, r, 2, err, sizeof err));
	}
	pass(&p, 64);
	ether_frame(out, C, A, 0x88b5, 64, 0);
	node_send(p.n[0], p.guest[0], out, 64);
	assert_int_equal(p.n[0]->dev[0].n, 0);
	assert_int_equal(port_drops(p.guest[0], VNET_DROP_no_route), 1);
	assert_true(vnet_link_remove(p.link[0]));
	assert_false(vnet_route_get(p.n[0]->v, 0, &route, &hits));
	part(&p);
}

static void refused(struct node *n, unsigned net, const struct vnet_link_config *c, const char *why)
{
	char err[100] = "";

	assert_null(vnet_link_add(n->v, "new", net, n->dev[0].port, c, err, sizeof err));
	if (!strstr(err, why))
		fail_msg("'%s' instead of '%s'", err, why);
}

static void links_that_cannot_be_are_refused(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	char err[100];

	(void)state;
	node_link(n, "far", 1, VXLAN(1, 1));
	refused(n, 1, VXLAN(1, 1), "there is such a link already");
	refused(n, 1, &(struct vnet_link_config){VNET_LINK_VXLAN, NODE_IP(1), 1, 4790, 0},
	        "already");
	refused(n, 1, VXLAN(1, 0x1000000), "VNI");
	refused(n, 1, &(struct vnet_link_config){VNET_LINK_UDP, NODE_IP(1), 5, 0, 0}, "VNI");
	refused(n, 1, &(struct vnet_link_config){VNET_LINK_UDP, NODE_IP(1), 0, 4789, 0},
	        "other kind");
	refused(n, 1, VXLAN(0, 1), "own");
	refused(n, 1, &(struct vnet_link_config){VNET_LINK_VXLAN, 0xc00002ff, 1, 0, 0}, "host");
	refused(n, 1, &(struct vnet_link_config){VNET_LINK_VXLAN, 0xe0000001, 1, 0, 0}, "host");
	refused(n, 1, &(struct vnet_link_config){VNET_LINK_VXLAN, 0, 1, 0, 0}, "host");
	refused(n, 9, VXLAN(2, 1), "no such network");
	assert_null(vnet_link_add(n->v, "far", 1, n->dev[0].port, VXLAN(2, 1), err, sizeof err));
	assert_string_equal(err, "link far: the name is taken");
	node_port(n, 1, 1, 0);
	assert_null(vnet_link_add(n->v, "new", 1, n->dev[1].port, VXLAN(2, 1), err, sizeof err));
	assert_string_equal(err, "link new: the edge port has no underlay");
	assert_false(vnet_link_remove(n->dev[1].port));
	assert_int_equal(node_link_mtu(n->dev[1].port), 0);
	node_free(n);
}

static void underlays_that_cannot_be_are_refused(void **state)
{
	static const struct vnet_underlay_config bad[] = {
	    {NODE_IP(0), 0, 0, NODE_MAC(0), 1500},
	    {NODE_IP(0), 31, 0, NODE_MAC(0), 1500},
	    {0xc0000200, 24, 0, NODE_MAC(0), 1500},
	    {0xc00002ff, 24, 0, NODE_MAC(0), 1500},
	    {0x7f000001, 8, 0, NODE_MAC(0), 1500},
	    {NODE_IP(0), 24, NODE_IP(0), NODE_MAC(0), 1500},
	    {NODE_IP(0), 24, 0xc0000301, NODE_MAC(0), 1500},
	    {NODE_IP(0), 24, 0, 0, 1500},
	    {NODE_IP(0), 24, 0, 1, 1500},
	    {NODE_IP(0), 24, 0, NODE_MAC(0), 575},
	    {NODE_IP(0), 24, 0, NODE_MAC(0), 16129},
	};
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_underlay_config c;
	struct vnet_port *link;
	char err[100];

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(vnet_underlay_set(n->dev[0].port, &bad[i], err, sizeof err));
	assert_true(vnet_underlay_get(n->dev[0].port, &c));
	assert_int_equal(c.address, NODE_IP(0));
	node_port(n, 1, 1, 0);
	assert_false(vnet_underlay_set(n->dev[1].port, &c, err, sizeof err));
	assert_string_equal(err, "underlay of p1: the port is no edge");
	assert_false(vnet_underlay_remove(n->dev[1].port, err, sizeof err));
	link = node_link(n, "far", 1, VXLAN(1, 1));
	assert_true(vnet_underlay_set(n->dev[0].port, &c, err, sizeof err)); /* the same */
	c.mtu = 9000;
	assert_false(vnet_underlay_set(n->dev[0].port, &c, err, sizeof err));
	assert_string_equal(err, "underlay of p0: links are over it");
	assert_false(vnet_underlay_remove(n->dev[0].port, err, sizeof err));
	assert_true(vnet_link_remove(link));
	assert_true(vnet_underlay_set(n->dev[0].port, &c, err, sizeof err));
	assert_int_equal(node_link_mtu(node_link(n, "far", 1, VXLAN(1, 1))), 8950);
	node_free(n);
}

static void a_link_tells_what_it_is(void **state)
{
	struct pair p;
	struct vnet_link_info i;

	(void)state;
	join(&p, VXLAN(1, 42), VXLAN(0, 42));
	assert_true(vnet_link_get(p.link[0], &i));
	assert_int_equal(i.config.kind, VNET_LINK_VXLAN);
	assert_int_equal(i.config.vni, 42);
	assert_int_equal(i.config.udp_port, 4789);
	assert_int_equal(i.config.remote, NODE_IP(1));
	assert_ptr_equal(i.edge, p.n[0]->dev[0].port);
	assert_int_equal(i.next_hop, NODE_IP(1));
	assert_int_equal(i.next_mac, NODE_MAC(1));
	assert_int_equal(i.mtu, 1450);
	assert_false(vnet_link_get(p.guest[0], &i));
	/* Beyond the prefix the gateway is the next hop. */
	assert_true(
	    vnet_link_get(node_link(p.n[0], "further", 1,
	                            &(struct vnet_link_config){VNET_LINK_UDP, 0x0a000001, 0, 0, 0}),
	                  &i));
	assert_int_equal(i.next_hop, GATEWAY);
	assert_int_equal(i.next_mac, 0);
	assert_int_equal(i.config.udp_port, 9000);
	part(&p);
}

static void links_go_with_their_edge(void **state)
{
	struct pair p;
	uint8_t out[64];

	(void)state;
	join(&p, VXLAN(1, 1), VXLAN(0, 1));
	pass(&p, 64); /* addresses are learned at the links */
	assert_true(vnet_port_remove(p.n[0]->dev[0].port));
	assert_null(vnet_port_find(p.n[0]->v, "far"));
	ether_frame(out, B, A, 0x88b5, 64, 0);
	assert_int_equal(node_send(p.n[0], p.guest[0], out, 64), 0);
	assert_int_equal(port_drops(p.guest[0], VNET_DROP_no_route), 1);
	node_port(p.n[0], 0, 0, VNET_EDGE);
	node_underlay(p.n[0], 0, 1500);
	p.link[0] = node_link(p.n[0], "far", 1, VXLAN(1, 1));
	node_tick(p.n[0]);
	nodes_settle(p.n[0], p.n[1]);
	pass(&p, 64);
	part(&p);
}

static void an_edge_that_is_down_is_counted(void **state)
{
	struct pair p;
	uint8_t out[64];

	(void)state;
	join(&p, VXLAN(1, 1), VXLAN(0, 1));
	p.n[0]->dev[0].port->up = false;
	ether_frame(out, B, A, 0x88b5, 64, 0);
	assert_int_equal(node_send(p.n[0], p.guest[0], out, 64), 0);
	node_tick(p.n[0]);
	assert_int_equal(p.n[0]->dev[0].n, 0);
	assert_int_equal(port_drops(p.link[0], VNET_DROP_bridge_down), 1);
	part(&p);
}

static void want_of_memory_changes_nothing(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_port *link = NULL;
	char err[100];

	(void)state;
	for (unsigned i = 1; !link; i++) {
		node_alloc_fails = i;
		link = vnet_link_add(n->v, "far", 1, n->dev[0].port, VXLAN(1, 1), err, sizeof err);
		node_alloc_fails = 0;
		assert_true(i < 10);
		if (!link)
			assert_null(vnet_port_find(n->v, "far"));
	}
	for (unsigned i = 1; i < 5; i++) {
		node_alloc_fails = i;
		assert_false(vnet_link_remove(link));
		node_alloc_fails = 0;
		assert_non_null(vnet_port_find(n->v, "far"));
	}
	assert_true(vnet_link_remove(link));
	assert_true(vnet_underlay_remove(n->dev[0].port, err, sizeof err));
	node_free(n);
}

static void next_hops_are_bounded(void **state)
{
	struct node *n = node_make(0, VNET_LEARN);
	struct vnet_link_config c = {VNET_LINK_VXLAN, 0, 1, 0, 0};
	struct vnet_underlay_config wide = {0x0a000001, 8, 0, NODE_MAC(0), 1500};
	char name[16], err[100];

	(void)state;
	assert_true(vnet_underlay_set(n->dev[0].port, &wide, err, sizeof err));
	for (unsigned i = 0; i < VNET_NEIGHBOURS; i++) {
		snprintf(name, sizeof name, "l%u", i);
		c.remote = 0x0a000100 + i;
		node_link(n, name, 1, &c);
	}
	c.remote = 0x0a010000;
	refused(n, 1, &c, "next hop");
	c.remote = 0x0a000100;
	c.vni = 2;
	node_link(n, "same", 1, &c);
	assert_true(vnet_link_remove(vnet_port_find(n->v, "l7")));
	c.remote = 0x0a010000;
	node_link(n, "new", 1, &c);
	node_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vxlan_passes_every_size),
	    cmocka_unit_test(udp_passes_every_size),
	    cmocka_unit_test(a_batch_stays_a_batch),
	    cmocka_unit_test(runs_of_a_batch_keep_their_order),
	    cmocka_unit_test(nothing_of_one_network_reaches_another),
	    cmocka_unit_test(routes_lead_to_links_and_from_them),
	    cmocka_unit_test(links_that_cannot_be_are_refused),
	    cmocka_unit_test(underlays_that_cannot_be_are_refused),
	    cmocka_unit_test(a_link_tells_what_it_is),
	    cmocka_unit_test(links_go_with_their_edge),
	    cmocka_unit_test(an_edge_that_is_down_is_counted),
	    cmocka_unit_test(want_of_memory_changes_nothing),
	    cmocka_unit_test(next_hops_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
