/* SPDX-License-Identifier: BSD-2-Clause */
/* test_chain_hostile.c: what hosts and functions that misbehave, or change frames, cannot do. */
#include "tests/unit/rig/chain_rig.h"
#include "tests/unit/rig/vnet_rig.h"
#include "lib/bytes.h"
#include "vnet/chain/table.h"

#define ABC "service a 4\nservice b 5\nservice c 6\n"

static void no_flow_hides_a_false_source(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(1, 2, 1, 2);

	chain_use(r, ABC "flow f chain a to 2\n");
	assert_string_equal(chain_way(r, 0, &p), "");
	assert_int_equal(chain_drops(r, 0, VNET_DROP_spoofed), 1);
	assert_true(vnet_net_set(r->v, 0, VNET_EXACT));
	p.src = 0x7777770052;
	assert_string_equal(chain_way(r, 0, &p), "");
	assert_int_equal(chain_drops(r, 0, VNET_DROP_spoofed), 2);
	/* Nor may a function claim one outside of its flows. */
	chain_use(r, ABC "flow f proto 6 chain a to 2\n");
	p = chain_udp(1, 2, 1, 2);
	assert_string_equal(chain_way(r, 4, &p), "");
	assert_int_equal(chain_drops(r, 4, VNET_DROP_spoofed), 1);
}

/* A host's address is learned when it enters a flow, and stays at its port when the frame comes
 * from a function. */
static void addresses_are_learned_where_they_are(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 2), q = chain_udp(1, 0, 2, 1);

	assert_true(vnet_port_set_mac(r->dev[0].port, 0));
	chain_use(r, ABC "flow f src 10.0.0.0/32 chain a b out\n");
	assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1");
	assert_int_equal(vnet_port_learned(r->dev[0].port), 1);
	assert_int_equal(vnet_port_learned(r->dev[5].port), 0);
	assert_string_equal(chain_way(r, 1, &q), "h0");
}

static void floods_spare_functions(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 2);

	chain_use(r, ABC "flow f proto 6 chain a out\n");
	p.dst = MAC_BROADCAST;
	/* What the others give back has another's source. */
	assert_string_equal(chain_way(r, 0, &p), "h1 h2 h3 f7 f8 f9 f10 f11 f12 f13 f14 f15");
}

static void functions_cannot_hand_frames_round(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 9, 1, 2);

	/* All ports but hosts' are functions' here, which give everything back. */
	chain_use(
	    r, "service a 4 5 6 7 8 9\nservice b 10 11 12 13 14 15\nflow f proto 6 chain a out\n");
	p.dst = MAC_BROADCAST;
	assert_string_equal(chain_way(r, 0, &p), "h1 h2 h3");
	p.dst = chain_mac(9); /* its own: it gives it back, and there it ends */
	assert_string_equal(chain_way(r, 0, &p), "f9");
	assert_int_equal(chain_drops(r, 9, VNET_DROP_spoofed), 1);
	p.dst = 0x999999990052; /* unknown, and no host is there */
	for (unsigned i = 0; i < CHAIN_HOSTS; i++)
		assert_true(vnet_port_remove(r->dev[i].port));
	p.src = chain_mac(5);
	assert_string_equal(chain_way(r, 5, &p), "");
	assert_int_equal(chain_drops(r, 5, VNET_DROP_chain_loop), 1);
}

/* To the MAC of a function that the frame has passed, or of another one: it never comes there
 * again. */
static void a_chain_does_not_end_at_functions(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 4, 1, 2);

	chain_use(r, ABC "flow f from 0 chain a b out\n");
	assert_string_equal(chain_way(r, 0, &p), "f4 f5");
	p.dst = chain_mac(6);
	assert_string_equal(chain_way(r, 0, &p), "f4 f5");
	assert_int_equal(chain_drops(r, 5, VNET_DROP_chain_loop), 2);
	/* In no flow it is the function's own. */
	p.src = chain_mac(1);
	assert_string_equal(chain_way(r, 1, &p), "f6");
}

/* --- functions that change frames --------------------------------------------------------- */

/* Functions turn the UDP destination port into another, and so each flow into the other. */
static void swap_ports(struct chain_rig *r, unsigned port, uint8_t *bytes, unsigned len)
{
	(void)r, (void)port, (void)len;
	put_be16(bytes + 36, be16(bytes + 36) == 80 ? 81 : 80);
}

static void each_hop_is_a_functions_own_work(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 80);

	r->change = swap_ports;
	chain_use(r, ABC "flow f ports 80 chain a to 1\nflow g ports 81 chain b to 2\n");
	/* Behind a it is of flow g, which a is not in: by its MAC, which a may not send with. */
	assert_string_equal(chain_way(r, 0, &p), "f4");
	assert_int_equal(chain_drops(r, 4, VNET_DROP_spoofed), 1);
	/* A flow from the function's port takes it up. */
	chain_use(r, ABC "flow h from 4 ports 81 chain b c to 3\n"
	                 "flow f ports 80 chain a to 1\n");
	r->change = swap_ports;
	assert_string_equal(chain_way(r, 0, &p), "f4 f5");
}

/* A function that decides: of two flows from its port, by the MAC or ports that it writes. */
static void decide(struct chain_rig *r, unsigned port, uint8_t *bytes, unsigned len)
{
	(void)r, (void)len;
	if (port == 4)
		put_be16(bytes + 36, be16(bytes + 34) & 1 ? 7001 : 7000);
}

static void a_function_may_choose(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 80);

	r->change = decide;
	chain_use(r, ABC "flow odd from 4 ports 7001 chain b to 2\n"
	                 "flow even from 4 ports 7000 chain c to 3\n"
	                 "flow in ports 80 chain a out\n");
	assert_string_equal(chain_way(r, 0, &p), "f4 f5 h2");
	p.port[0] = 2;
	assert_string_equal(chain_way(r, 0, &p), "f4 f6 h3");
}

/* --- other nodes -------------------------------------------------------------------------- */

/* What came from outside does not go outside again by a chain that ends with `out`. */
static void chains_keep_the_split_horizon(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(2, 9, 1, 2);

	for (unsigned i = 2; i < 4; i++) {
		assert_true(vnet_port_set_mac(r->dev[i].port, 0));
		r->dev[i].port->flags = VNET_EDGE;
	}
	for (unsigned i = 7; i < CHAIN_PORTS; i++)
		assert_true(vnet_port_remove(r->dev[i].port));
	chain_use(r, ABC "flow f chain a b out\n");
	p.dst = MAC_BROADCAST;
	assert_string_equal(chain_way(r, 2, &p), "f4 f5 h0 h1");
	p = chain_udp(0, 9, 1, 2);
	p.dst = MAC_BROADCAST;
	assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1 h2 h3");
	assert_true(vnet_net_set(r->v, 0, VNET_EXACT));
	assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1 h2 h3");
	p.src = 0x777777770052;
	assert_string_equal(chain_way(r, 3, &p), "f4 f5 h0 h1");
	/* A source that nobody has seen may have come from outside. */
	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	p.src = 0x666666660052;
	assert_string_equal(chain_way(r, 4, &p), "f5 h0 h1");
}

/* --- memory that its sender changes ------------------------------------------------------- */

static const uint8_t *shared;
static unsigned arrived;

static unsigned egress_copied(struct vnet_port *port, struct vnet_core *core,
                              struct vnet_frame *const *frames, unsigned n)
{
	(void)core;
	for (unsigned i = 0; i < n; i++) {
		/* What a flow was chosen by is a copy; what is behind it is still the sender's. */
		assert_true(frames[i]->seg[0].base != shared);
		assert_int_equal(frames[i]->seg[0].len, 64);
		assert_int_equal(be16(frames[i]->seg[0].base + 36), 80);
		assert_ptr_equal(frames[i]->seg[1].base, shared + 64);
		assert_int_equal(frames[i]->len, 1500);
		assert_int_equal(frames[i]->hdr.gso_type, VNET_GSO_UDP_L4);
		assert_int_equal(frames[i]->hdr.gso_size, 400);
		arrived += port->number == 4;
	}
	return n;
}

static void the_head_that_was_read_is_delivered(void **state)
{
	static const struct vnet_port_ops ops = {.egress = egress_copied};
	static uint8_t bytes[1500];
	struct chain_rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);

	chain_use(r, ABC "flow f ports 80 chain a to 1\n");
	r->dev[4].port->ops = &ops;
	mac_write(bytes, chain_mac(1));
	mac_write(bytes + 6, chain_mac(0));
	put_be16(bytes + 12, 0x800);
	bytes[14] = 0x45;
	put_be16(bytes + 16, 1486);
	bytes[23] = 17;
	put_be16(bytes + 36, 80);
	put_be16(bytes + 38, 1466);
	shared = bytes;
	b->n = b->nseg = 1;
	b->seg[0] = (struct vnet_seg){bytes, sizeof bytes};
	b->frame[0] = (struct vnet_frame){.seg = b->seg,
	                                  .len = sizeof bytes,
	                                  .nseg = 1,
	                                  .contiguous_head = true,
	                                  .hdr = {.flags = VNET_HDR_F_NEEDS_CSUM,
	                                          .gso_type = VNET_GSO_UDP_L4,
	                                          .hdr_len = 42,
	                                          .gso_size = 400,
	                                          .csum_start = 34,
	                                          .csum_offset = 6}};
	assert_int_equal(vnet_input(r->core, r->dev[0].port, b), 1);
	assert_int_equal(arrived, 1);
}

/* --- frames that wait --------------------------------------------------------------------- */

static struct vnet_held held;

static unsigned egress_holding(struct vnet_port *port, struct vnet_core *core,
                               struct vnet_frame *const *frames, unsigned n)
{
	if (vnet_held_begin(&held)) {
		assert_true(vnet_hold(core, &held, frames[0], port, VNET_DROP_no_neighbour, 99));
		vnet_held_wait(&held);
	}
	return n;
}

static int hold(void *dev, unsigned frame, struct vnet_held *h)
{
	(void)dev, (void)frame, (void)h;
	return 0;
}

static void release(void *dev, unsigned slot)
{
	(void)dev, (void)slot;
}

/* A frame that waits keeps the head that was copied, which the core's next walk overwrites. */
static void a_frame_that_waits_keeps_its_head(void **state)
{
	static const struct vnet_port_ops waits = {.egress = egress_holding};
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1111, 80);
	struct vnet_port_ops sends = *r->dev[0].port->ops;

	sends.hold = hold;
	sends.release = release;
	r->dev[0].port->ops = &sends;
	r->dev[1].port->ops = &waits;
	chain_use(r, "flow f ports 80 to 1\n");
	chain_send(r, 0, &p);
	p.port[0] = 2222;
	chain_send(r, 0, &p);
	assert_int_equal(held.frame.nseg, 1);
	assert_int_equal(be16(held.frame.seg[0].base + 34), 1111);
	vnet_port_recall(r->core, r->dev[0].port);
	assert_int_equal(chain_drops(r, 1, VNET_DROP_no_neighbour), 1);
}

/* --- explain ------------------------------------------------------------------------------ */

static char text[500];

static void record_verdict(void *ctx, const struct vnet_verdict *v)
{
	struct chain_rig *r = ctx;
	size_t at = strlen(text);

	snprintf(text + at, sizeof text - at, "%s%s:%s>%s%s%s", at ? " " : "",
	         v->flow ? v->flow : "-", v->service ? v->service : "-", r->dev[v->port].port->name,
	         v->drop < 0 ? "" : "!", v->drop < 0 ? "" : vnet_drop_name[v->drop]);
}

static const char *explain(struct chain_rig *r, unsigned from, const struct chain_packet *p)
{
	struct vnet_question q = {.from = from, .src = p->src, .dst = p->dst};

	q.packet = (struct vnet_packet){.version = (uint8_t)p->version,
	                                .protocol = (uint8_t)p->protocol,
	                                .port = {(uint16_t)p->port[0], (uint16_t)p->port[1]}};
	memcpy(q.packet.src, p->from, 16);
	memcpy(q.packet.dst, p->to, 16);
	text[0] = '\0';
	assert_true(vnet_explain(r->v, &q, record_verdict, r));
	return text;
}

static void explain_walks_the_chain(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 9, 80), six = chain_udp6(0, 1, 9, 80);
	struct vnet_port_stats before, after;
	struct vnet_flow_count count;
	struct vnet_flow f;

	chain_use(r, ABC "flow f proto 17 ports 80 chain a b c out\nflow no proto 6 drop\n"
	                 "flow g from 2 proto 17 ports 81 to 3\n");
	vnet_port_stats(r->dev[0].port, &before);
	assert_string_equal(explain(r, 0, &p), "f:a>f4 f:b>f5 f:c>f6 f:->h1");
	assert_string_equal(explain(r, 0, &six), "f:a>f4 f:b>f5 f:c>f6 f:->h1");
	r->dev[5].port->up = false;
	assert_string_equal(explain(r, 0, &p), "f:a>f4 f:->f4!service_down");
	p.port[1] = 82;
	assert_string_equal(explain(r, 0, &p), "-:->h1");
	p.protocol = 6;
	assert_string_equal(explain(r, 0, &p), "no:->h0!flow_drop");
	p = chain_udp(2, 1, 9, 81);
	assert_string_equal(explain(r, 2, &p), "g:->h3");
	p.version = 0;
	assert_string_equal(explain(r, 2, &p), "-:->h1");
	p.src = chain_mac(1);
	assert_string_equal(explain(r, 2, &p), "-:->h2!spoofed");
	vnet_port_stats(r->dev[0].port, &after); /* nothing real has moved */
	assert_memory_equal(&before, &after, sizeof after);
	assert_true(vnet_flow_get(r->v, 0, &f, &count));
	assert_int_equal(count.frames, 0);
	r->dev[5].port->up = true;
	p = chain_udp(0, 1, 9, 80);
	assert_string_equal(chain_way(r, 0, &p),
	                    "f4 f5 f6 h1"); /* as explained, also from the cache */
}

/* --- a host that makes up flows ----------------------------------------------------------- */

/* Flows of frames from a port that the core's cache has. */
static unsigned cached_from(const struct chain_rig *r, unsigned from)
{
	const struct chain_core *c = atomic_load(&r->core->chain);
	unsigned n = 0;

	for (unsigned i = 0; i < 2 * CHAIN_SETS; i++) {
		const struct flow_cached *e = &c->set[i / 2][i % 2];

		n += e->generation && e->from == from;
	}
	return n;
}

/* A batch of flows, from number `first` on, as one host sends it to another. */
static void send_flows(struct chain_rig *r, unsigned from, unsigned first, unsigned flows)
{
	for (unsigned i = first; i < first + flows; i++) {
		struct chain_packet p = chain_udp(from, 2, 1, 2);

		put_be32(p.to, 0x0a000000 + i);
		chain_send(r, from, &p);
		r->serial = r->narrived = r->dev[2].n = r->steps[0] = 0;
	}
}

/* Whose frames the same core moves keep nearly all of their places in its cache. */
static void new_flows_do_not_empty_the_cache(void **state)
{
	struct chain_rig *r = *state;
	unsigned had;

	chain_use(r, ABC "flow f proto 6 chain a out\n");
	send_flows(r, 0, 0, 32);
	had = cached_from(r, 0);
	assert_true(had >= 30);
	send_flows(r, 1, 0, 4 * CHAIN_SETS);
	assert_true(cached_from(r, 0) >= had - 6);
	/* What nobody uses any more does not keep its place for ever. */
	send_flows(r, 1, 4 * CHAIN_SETS, 2 * CHAIN_SPARED * CHAIN_SETS);
	assert_int_equal(cached_from(r, 0) / 16, 0);
	assert_true(cached_from(r, 1) >= 2 * CHAIN_SETS - 16);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, chain_setup, chain_teardown)
	const struct CMUnitTest tests[] = {
	    T(no_flow_hides_a_false_source),
	    T(addresses_are_learned_where_they_are),
	    T(floods_spare_functions),
	    T(functions_cannot_hand_frames_round),
	    T(a_chain_does_not_end_at_functions),
	    T(each_hop_is_a_functions_own_work),
	    T(a_function_may_choose),
	    T(chains_keep_the_split_horizon),
	    T(the_head_that_was_read_is_delivered),
	    T(a_frame_that_waits_keeps_its_head),
	    T(explain_walks_the_chain),
	    T(new_flows_do_not_empty_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
