/* SPDX-License-Identifier: BSD-2-Clause */
/* test_link_hostile.c: packets that a wire may send to an underlay, each counted by its name. */
#include "tests/unit/rig/link_nodes.h"
#include "lib/bytes.h"
#include "vnet/link/encap.h"
#include "vnet/frame/sum.h"

static const struct vnet_link_config far1 = {VNET_LINK_VXLAN, NODE_IP(1), 7, 0, 0};
static const struct vnet_link_config far2 = {VNET_LINK_VXLAN, NODE_IP(2), 8, 0, 0};
static const struct vnet_link_config plain = {VNET_LINK_UDP, NODE_IP(3), 0, 0, 0};

struct rig {
	struct node *n;
	struct vnet_port *edge;
	uint8_t bytes[400];
	uint32_t len;
};

/* A node with guests in the edge's own network and in two others, which have links. */
static void start(struct rig *r)
{
	r->n = node_make(0, VNET_LEARN);
	r->edge = r->n->dev[0].port;
	for (unsigned net = 0; net < 3; net++)
		node_port(r->n, 1 + net, net, 0);
	node_link(r->n, "far1", 1, &far1);
	node_link(r->n, "far2", 2, &far2);
	node_link(r->n, "plain", 1, &plain);
}

/* The packet that a peer sends us, with an inner frame to everybody. */
static void packet(struct rig *r, const struct vnet_link_config *c, uint16_t udp_port)
{
	const struct encap_path path = {c->kind,    NODE_MAC(1), c->remote,
	                                NODE_IP(0), c->vni,      udp_port};
	uint8_t template[ENCAP_MAX];
	unsigned bytes = encap_bytes(c->kind);

	encap_template(template, &path);
	encap_build(r->bytes, template, bytes,
	            &(struct encap_outer){NODE_MAC(0), 100, 50000, 0, 0});
	ether_frame(r->bytes + bytes, MAC_BROADCAST, A, 0x88b5, 100, 0);
	r->len = bytes + 100;
}

static void ip_sum(uint8_t *frame)
{
	struct sum s = {0, false};

	put_be16(frame + 24, 0);
	sum_bytes(&s, frame + 14, 20);
	sum_store(&s, frame + 24);
}

/* Sends it; it reaches the guest of network `net` alone, or none (-1) and is counted as `why`. */
static void goes(struct rig *r, int net, enum vnet_drop why)
{
	uint64_t before = why < VNET_DROP_CAUSES ? port_drops(r->edge, why) : 0;

	node_send(r->n, r->edge, r->bytes, r->len);
	for (int i = 0; i < 3; i++)
		assert_int_equal(r->n->dev[1 + i].n, i == net);
	if (net < 0)
		assert_int_equal(port_drops(r->edge, why), before + 1);
	else
		assert_int_equal(port_drops_all(r->edge), 0);
	node_clear(r->n);
}

static void each_link_has_its_network(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	packet(&r, &far1, 4789);
	goes(&r, 1, ENCAP_OK);
	packet(&r, &far2, 4789);
	goes(&r, 2, ENCAP_OK);
	packet(&r, &plain, 9000);
	goes(&r, 1, ENCAP_OK);
	node_free(r.n);
}

static void strangers_are_told_apart(void **state)
{
	struct vnet_link_config c = far1;
	struct rig r;

	(void)state;
	start(&r);
	c.vni = 9;
	packet(&r, &c, 4789);
	goes(&r, -1, VNET_DROP_unknown_vni);
	c.vni = 8; /* network 2's, but not from its peer */
	packet(&r, &c, 4789);
	goes(&r, -1, VNET_DROP_unknown_peer);
	c = far1;
	c.remote = NODE_IP(7);
	packet(&r, &c, 4789);
	goes(&r, -1, VNET_DROP_unknown_peer);
	c.remote = 0;
	packet(&r, &c, 4789);
	goes(&r, -1, VNET_DROP_unknown_peer);
	c = plain;
	c.remote = NODE_IP(1);
	packet(&r, &c, 9000);
	goes(&r, -1, VNET_DROP_unknown_peer);
	packet(&r, &far1, 4790);
	goes(&r, -1, VNET_DROP_outer_other);
	node_free(r.n);
}

static void without_links_nothing_listens(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	assert_true(vnet_link_remove(vnet_port_find(r.n->v, "far1")));
	packet(&r, &far1, 4789);
	goes(&r, -1, VNET_DROP_unknown_vni);
	assert_true(vnet_link_remove(vnet_port_find(r.n->v, "far2")));
	goes(&r, -1, VNET_DROP_outer_other);
	assert_true(vnet_link_remove(vnet_port_find(r.n->v, "plain")));
	packet(&r, &plain, 9000);
	goes(&r, -1, VNET_DROP_outer_other);
	node_free(r.n);
}

static void damaged_headers_are_counted(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	packet(&r, &far1, 4789);
	r.len -= 1;
	goes(&r, -1, VNET_DROP_outer_length);
	r.len = 33;
	goes(&r, -1, VNET_DROP_outer_length);
	packet(&r, &far1, 4789);
	r.bytes[24] ^= 1;
	goes(&r, -1, VNET_DROP_outer_checksum);
	packet(&r, &far1, 4789);
	r.bytes[41] = 1;
	goes(&r, -1, VNET_DROP_outer_checksum);
	packet(&r, &far1, 4789);
	r.bytes[20] = 0x20;
	ip_sum(r.bytes);
	goes(&r, -1, VNET_DROP_outer_fragment);
	packet(&r, &far1, 4789);
	r.bytes[14] = 0x55;
	goes(&r, -1, VNET_DROP_outer_header);
	packet(&r, &far1, 4789);
	r.bytes[42] = 0;
	goes(&r, -1, VNET_DROP_outer_header);
	node_free(r.n);
}

static void what_is_not_served_ends_here(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	packet(&r, &far1, 4789);
	put_be32(r.bytes + 30, NODE_IP(1)); /* another address */
	ip_sum(r.bytes);
	goes(&r, -1, VNET_DROP_outer_other);
	packet(&r, &far1, 4789);
	r.bytes[23] = 6;
	ip_sum(r.bytes);
	goes(&r, -1, VNET_DROP_outer_other);
	packet(&r, &far1, 4789);
	put_be16(r.bytes + 12, 0x86dd);
	goes(&r, -1, VNET_DROP_outer_other);
	node_free(r.n);
}

static void nothing_is_decapsulated_twice(void **state)
{
	struct rig r;
	uint8_t inner[150];

	(void)state;
	start(&r);
	packet(&r, &far1, 4789);
	memcpy(inner, r.bytes, r.len);
	memmove(r.bytes + 50, inner, 150); /* the same as its own payload */
	put_be16(r.bytes + 16, 36 + 150);
	put_be16(r.bytes + 38, 16 + 150);
	ip_sum(r.bytes);
	r.len = 200;
	goes(&r, -1, VNET_DROP_nested);
	/* To another MAC it is an ordinary frame of network 1. */
	mac_write(r.bytes + 50, MAC_BROADCAST);
	node_send(r.n, r.edge, r.bytes, r.len);
	assert_int_equal(r.n->dev[2].n, 1);
	assert_int_equal(port_drops_all(r.edge), 1);
	node_free(r.n);
}

static void our_own_packets_that_come_back_are_looped(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	packet(&r, &far1, 4789);
	mac_write(r.bytes + 6, NODE_MAC(0));
	goes(&r, -1, VNET_DROP_looped);
	mac_write(r.bytes, MAC_BROADCAST);
	goes(&r, -1, VNET_DROP_looped);
	node_free(r.n);
}

static void the_rest_is_switched_as_ever(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	packet(&r, &far1, 4789);
	mac_write(r.bytes, NODE_MAC(5)); /* somebody else's tunnel */
	goes(&r, 0, ENCAP_OK);
	mac_write(r.bytes, MAC_BROADCAST);
	goes(&r, 0, ENCAP_OK);
	r.len = 13;
	goes(&r, -1, VNET_DROP_runt);
	node_free(r.n);
}

/* The inner frame is judged by the walk, as that of any port: its drops are the link's. */
static void a_lie_inside_is_the_links(void **state)
{
	struct rig r;
	struct vnet_port *link;

	(void)state;
	start(&r);
	link = vnet_port_find(r.n->v, "far1");
	packet(&r, &far1, 4789);
	mac_write(r.bytes + 56, MAC_BROADCAST);
	node_send(r.n, r.edge, r.bytes, r.len);
	assert_int_equal(port_drops(link, VNET_DROP_bad_source), 1);
	assert_int_equal(r.n->dev[2].n, 0);
	assert_int_equal(port_drops_all(r.edge), 0);
	node_free(r.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_link_has_its_network),
	    cmocka_unit_test(strangers_are_told_apart),
	    cmocka_unit_test(without_links_nothing_listens),
	    cmocka_unit_test(damaged_headers_are_counted),
	    cmocka_unit_test(what_is_not_served_ends_here),
	    cmocka_unit_test(nothing_is_decapsulated_twice),
	    cmocka_unit_test(our_own_packets_that_come_back_are_looped),
	    cmocka_unit_test(the_rest_is_switched_as_ever),
	    cmocka_unit_test(a_lie_inside_is_the_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
