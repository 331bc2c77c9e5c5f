/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pathmtu.c: routers that report a path's MTU, truthfully or not. */
#include "tests/unit/rig/link_nodes.h"
#include "lib/bytes.h"
#include "vnet/link/encap.h"
#include "vnet/link/pathmtu.h"
#include "vnet/frame/sum.h"

#define FULL 1450 /* of VXLAN over 1500 */

static const struct vnet_link_config far1 = {VNET_LINK_VXLAN, NODE_IP(1), 7, 0, 0};
static const struct vnet_link_config far2 = {VNET_LINK_VXLAN, NODE_IP(1), 8, 0, 0};
static const struct vnet_link_config plain = {VNET_LINK_UDP, NODE_IP(3), 0, 0, 0};

#define FLOW  50000
#define ICMP  34
#define QUOTE (ICMP + 8)

struct rig {
	struct node *n;
	struct vnet_port *edge, *link[3];
	uint8_t bytes[QUOTE + 64];
};

static int start(void **state)
{
	struct rig *r = calloc(1, sizeof *r);

	r->n = node_make(0, VNET_LEARN);
	r->edge = r->n->dev[0].port;
	r->link[0] = node_link(r->n, "far1", 1, &far1);
	r->link[1] = node_link(r->n, "far2", 2, &far2);
	r->link[2] = node_link(r->n, "plain", 1, &plain);
	node_tick(r->n);
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

static void sum_at(uint8_t *field, const uint8_t *from, unsigned bytes)
{
	struct sum s = {0, false};

	put_be16(field, 0);
	sum_bytes(&s, from, bytes);
	sum_store(&s, field);
}

/* The identification that the link's packets of FLOW have now. */
static uint16_t id_of(const struct rig *r, const struct vnet_link_config *c)
{
	unsigned i = c == &far1 ? 0 : c == &far2 ? 1 : 2;

	return pathmtu_id(r->link[i]->dev, pathmtu_slot(r->n->seconds), FLOW);
}

/* The gateway says that what a link sent, of 1500 bytes, does not fit its MTU. */
static void write_message(struct rig *r, const struct vnet_link_config *c, unsigned mtu)
{
	const struct encap_path path = {c->kind,    NODE_MAC(0),
	                                NODE_IP(0), c->remote,
	                                c->vni,     c->kind == VNET_LINK_UDP ? 9000 : 4789};
	const struct encap_path back = {VNET_LINK_UDP, NODE_MAC(9), GATEWAY, NODE_IP(0), 0, 0};
	uint8_t template[ENCAP_MAX], head[ENCAP_MAX];
	unsigned bytes = encap_bytes(c->kind);

	memset(r->bytes, 0, sizeof r->bytes);
	encap_template(template, &path);
	encap_build(head, template, bytes,
	            &(struct encap_outer){NODE_MAC(9), 1500 + 14 - bytes, FLOW, id_of(r, c), 0});
	memcpy(r->bytes + QUOTE, head + 14, bytes - 14);
	encap_template(template, &back);
	encap_build(head, template, 42,
	            &(struct encap_outer){NODE_MAC(0), sizeof r->bytes - 42, 0, 0, 0});
	memcpy(r->bytes, head, ICMP);
	r->bytes[23] = IP_ICMP;
	sum_at(r->bytes + 24, r->bytes + 14, 20);
	r->bytes[ICMP] = 3;
	r->bytes[ICMP + 1] = 4;
	put_be16(r->bytes + ICMP + 6, mtu);
}

/* The same, and it was sent just now. */
static void message(struct rig *r, const struct vnet_link_config *c, unsigned mtu)
{
	unsigned i = c == &far1 ? 0 : c == &far2 ? 1 : 2;

	pathmtu_sends(r->link[i]->dev, pathmtu_slot(r->n->seconds), FLOW);
	write_message(r, c, mtu);
}

/* It is heard, and counted so. */
static void receive_counted(struct rig *r, enum vnet_drop why)
{
	uint64_t before = port_drops(r->edge, why), all = port_drops_all(r->edge);

	sum_at(r->bytes + ICMP + 2, r->bytes + ICMP, sizeof r->bytes - ICMP);
	node_send(r->n, r->edge, r->bytes, sizeof r->bytes);
	assert_int_equal(port_drops(r->edge, why), before + 1);
	assert_int_equal(port_drops_all(r->edge), all + 1);
}

static void receive_message(struct rig *r)
{
	receive_counted(r, VNET_DROP_path_mtu);
}

static void limits(const struct rig *r, unsigned a, unsigned b, unsigned c)
{
	assert_int_equal(node_link_mtu(r->link[0]), a);
	assert_int_equal(node_link_mtu(r->link[1]), b);
	assert_int_equal(node_link_mtu(r->link[2]), c);
}

static void the_link_that_sent_it_sends_less_for_a_while(void **state)
{
	struct rig *r = *state;

	message(r, &far1, 1400);
	receive_message(r);
	limits(r, 1350, FULL, FULL + 8);
	message(r, &plain, 1340);
	receive_message(r);
	limits(r, 1350, FULL, 1298);
	/* More than is known to fit is no news; less is. */
	message(r, &far1, 1450);
	receive_message(r);
	limits(r, 1350, FULL, 1298);
	r->n->seconds += PATHMTU_SECONDS / 2;
	node_tick(r->n);
	message(r, &far1, 1340);
	receive_message(r);
	r->n->seconds += PATHMTU_SECONDS / 2;
	node_tick(r->n);
	limits(r, 1290, FULL, FULL + 8);
	r->n->seconds += PATHMTU_SECONDS / 2;
	node_tick(r->n);
	limits(r, FULL, FULL, FULL + 8);
}

/* A guest that sends a frame that fitted before gets an ICMP message. */
static void its_senders_get_icmp(void **state)
{
	struct rig *r = *state;
	struct vnet_port *guest = node_port(r->n, 1, 1, 0);
	uint8_t out[14 + 1400];
	struct neighbour *hop;

	message(r, &far1, 1400);
	receive_message(r);
	message(r, &plain, 1400);
	receive_message(r);
	ether_frame(out, B, A, 0x0800, sizeof out, 0);
	memcpy(out + 14, r->bytes + QUOTE, 20); /* any IPv4 header with DF */
	put_be16(out + 16, 1400);
	node_clear(r->n);
	vnet_link_remove(r->link[2]);
	/* Its next hop has answered. */
	hop = ((struct link *)r->link[0]->dev)->hop;
	atomic_store(&hop->word, NODE_MAC(1));
	node_send(r->n, guest, out, sizeof out);
	assert_int_equal(port_drops(r->link[0], VNET_DROP_too_big), 1);
	assert_int_equal(r->n->dev[1].n, 1);
	assert_int_equal(be16(r->n->dev[1].got[0].bytes + ICMP + 6), 1350);
}

static void never_below_what_ipv6_needs(void **state)
{
	struct rig *r = *state;

	message(r, &far1, 1330);
	receive_message(r);
	limits(r, 1280, FULL, FULL + 8);
	message(r, &plain, 68);
	receive_counted(r, VNET_DROP_path_mtu_low);
	limits(r, 1280, FULL, 1280);
	message(r, &far2, 0); /* a router from before RFC 1191 */
	receive_counted(r, VNET_DROP_path_mtu_low);
	limits(r, 1280, FULL, 1280);
}

/* What was sent some seconds ago is believed, what was sent before that is not. */
static void what_is_quoted_was_sent_of_late(void **state)
{
	struct rig *r = *state;

	r->n->seconds = 1000;
	node_tick(r->n);
	message(r, &far1, 1400);
	r->n->seconds += PATHMTU_SLOT;
	node_tick(r->n);
	receive_message(r);
	limits(r, 1350, FULL, FULL + 8);
	message(r, &far2, 1400);
	r->n->seconds += 2 * PATHMTU_SLOT;
	node_tick(r->n);
	receive_counted(r, VNET_DROP_path_mtu_unsent);
	limits(r, 1350, FULL, FULL + 8);
	/* Right for one link is wrong for another, and for another flow. */
	message(r, &far2, 1400);
	put_be32(r->bytes + QUOTE + 32, far1.vni << 8);
	receive_counted(r, VNET_DROP_path_mtu_unsent);
	message(r, &far2, 1400);
	put_be16(r->bytes + QUOTE + 20, FLOW + 1);
	receive_counted(r, VNET_DROP_path_mtu_unsent);
	limits(r, 1350, FULL, FULL + 8);
}

/* All identifications, one after the other: a few are looked at in a second. */
static void guessing_takes_long(void **state)
{
	struct rig *r = *state;
	unsigned right = id_of(r, &far1), guess = right + 1;

	for (unsigned i = 0; i < 1000; i++, guess++) {
		message(r, &far1, 1400);
		put_be16(r->bytes + QUOTE + 4, guess);
		receive_counted(r, i < PATHMTU_GUESSES ? VNET_DROP_path_mtu_unsent
		                                       : VNET_DROP_path_mtu_excess);
	}
	message(r, &far1, 1400);
	receive_counted(r, VNET_DROP_path_mtu_excess);
	limits(r, FULL, FULL, FULL + 8);
	node_tick(r->n);
	message(r, &far1, 1400);
	receive_message(r);
	limits(r, 1350, FULL, FULL + 8);
}

/* The identification of a flow that is not there, as if it had been guessed; and who does not know
 * which flows there are uses up nobody's messages. */
static void a_flow_that_is_not_there_is_not_believed(void **state)
{
	struct rig *r = *state;

	r->n->seconds = 1000;
	node_tick(r->n);
	for (unsigned i = 0; i < 1000; i++) {
		write_message(r, &far1, 1400);
		receive_counted(r, VNET_DROP_path_mtu_unsent);
	}
	message(r, &far1, 1400);
	receive_message(r);
	limits(r, 1350, FULL, FULL + 8);
	r->n->seconds += PATHMTU_SECONDS + 2 * PATHMTU_SLOT;
	node_tick(r->n);
	write_message(r, &far1, 1400); /* it was there, but not of late */
	receive_counted(r, VNET_DROP_path_mtu_unsent);
	limits(r, FULL, FULL, FULL + 8);
}

static void a_link_may_ignore_them(void **state)
{
	struct rig *r = *state;

	message(r, &far1, 1400);
	receive_message(r);
	vnet_link_set_path_mtu(r->link[0], false);
	vnet_link_set_path_mtu(r->edge, false); /* no link */
	limits(r, FULL, FULL, FULL + 8);
	message(r, &far1, 1400);
	receive_counted(r, VNET_DROP_path_mtu_ignored);
	limits(r, FULL, FULL, FULL + 8);
	message(r, &far2, 1400);
	receive_message(r);
	vnet_link_set_path_mtu(r->link[0], true);
	message(r, &far1, 1400);
	receive_message(r);
	limits(r, 1350, 1350, FULL + 8);
}

/* Packets that a link really sends, quoted. */
static void what_a_link_sends_is_known_again(void **state)
{
	struct rig *r = *state;
	struct vnet_port *guest = node_port(r->n, 1, 2, 0);
	uint8_t out[FULL + 14];

	atomic_store(&((struct link *)r->link[1]->dev)->hop->word, NODE_MAC(1));
	for (unsigned i = 0; i < 8; i++) {
		uint32_t len = node_link_mtu(r->link[1]) + 14;

		ether_frame(out, B, A + i * 0x100, 0x88b5, len, i);
		node_clear(r->n);
		node_send(r->n, guest, out, len);
		assert_int_equal(r->n->dev[0].n, 1);
		message(r, &far2, len + 36 - 10);
		memcpy(r->bytes + QUOTE, r->n->dev[0].got[0].bytes + 14, 36);
		receive_message(r);
		limits(r, FULL, len - 14 - 10, FULL + 8);
	}
}

/* Each byte of the quotation that a link would have written otherwise, and too little of it. */
static void what_no_link_sent_changes_nothing(void **state)
{
	static const unsigned wrong[] = {0, 4, 6, 9, 12, 19, 20, 22, 34};
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		message(r, &far1, 1400);
		r->bytes[QUOTE + wrong[i]] ^= 0x80;
		receive_counted(r, VNET_DROP_path_mtu_unsent);
		limits(r, FULL, FULL, FULL + 8);
	}
	node_tick(r->n);
	message(r, &far1, 1400);
	put_be16(r->bytes + QUOTE + 2, 1400); /* it would have fitted */
	receive_counted(r, VNET_DROP_path_mtu_unsent);
	put_be16(r->bytes + QUOTE + 2, 1501); /* we never send that */
	receive_counted(r, VNET_DROP_path_mtu_unsent);
	for (unsigned quoted = 0; quoted < 36; quoted++) {
		node_tick(r->n);
		message(r, &far1, 1400);
		put_be16(r->bytes + 16, 28 + quoted);
		sum_at(r->bytes + 24, r->bytes + 14, 20);
		sum_at(r->bytes + ICMP + 2, r->bytes + ICMP, 8 + quoted);
		node_send(r->n, r->edge, r->bytes, QUOTE + quoted);
		limits(r, FULL, FULL, FULL + 8);
	}
	message(r, &far1, 1400); /* without its sum */
	r->bytes[ICMP + 2] = 1;
	node_send(r->n, r->edge, r->bytes, sizeof r->bytes);
	limits(r, FULL, FULL, FULL + 8);
	assert_int_equal(port_drops(r->edge, VNET_DROP_path_mtu), 0);
	assert_int_equal(port_drops(r->edge, VNET_DROP_path_mtu_unsent), port_drops_all(r->edge));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_link_that_sent_it_sends_less_for_a_while, start,
	                                    tear_down),
	    cmocka_unit_test_setup_teardown(its_senders_get_icmp, start, tear_down),
	    cmocka_unit_test_setup_teardown(never_below_what_ipv6_needs, start, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_quoted_was_sent_of_late, start, tear_down),
	    cmocka_unit_test_setup_teardown(guessing_takes_long, start, tear_down),
	    cmocka_unit_test_setup_teardown(a_flow_that_is_not_there_is_not_believed, start,
	                                    tear_down),
	    cmocka_unit_test_setup_teardown(a_link_may_ignore_them, start, tear_down),
	    cmocka_unit_test_setup_teardown(what_a_link_sends_is_known_again, start, tear_down),
	    cmocka_unit_test_setup_teardown(what_no_link_sent_changes_nothing, start, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
