/* SPDX-License-Identifier: BSD-2-Clause */
/* test_chain.c: frames go through the services of their flow, in order, and end where it says. */
#include "tests/unit/rig/chain_rig.h"
#include "tests/unit/rig/vnet_rig.h"
#include "lib/bytes.h"
#include "vnet/state.h"

#define FIVE                                                                                       \
	"service a 4\n"                                                                            \
	"service b 5\n"                                                                            \
	"service c 6\n"

static struct vnet_flow_count count_of(struct chain_rig *r, unsigned flow)
{
	struct vnet_flow_count count = {0};
	struct vnet_flow f;

	assert_true(vnet_flow_get(r->v, flow, &f, &count));
	return count;
}

static uint64_t hits_of(struct chain_rig *r, unsigned service, unsigned replica)
{
	uint64_t hits[VNET_REPLICAS];
	struct vnet_service s;

	assert_true(vnet_service_get(r->v, service, &s, hits));
	return hits[replica];
}

static void a_chain_is_passed_in_order(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1000, 80), back = chain_udp(1, 0, 80, 1000);

	chain_use(r, FIVE "flow there src 10.0.0.0/32 chain a b c to 1\n"
	                  "flow back src 10.0.0.1/32 chain c a out\n");
	assert_string_equal(chain_way(r, 0, &p), "f4 f5 f6 h1");
	assert_string_equal(chain_way(r, 1, &back), "f6 f4 h0");
	assert_int_equal(count_of(r, 0).frames, 1);
	assert_int_equal(count_of(r, 1).frames, 1);
	assert_int_equal(count_of(r, 0).bytes, 14 + 20 + 16 + 5);
	assert_int_equal(hits_of(r, 0, 0), 2);
	assert_int_equal(hits_of(r, 1, 0), 1);
	assert_int_equal(hits_of(r, 2, 0), 2);
	p = chain_udp(2, 1, 1, 1); /* of no flow */
	assert_string_equal(chain_way(r, 2, &p), "h1");
}

static void the_first_flow_that_matches_has_it(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet web = chain_udp(0, 1, 1000, 80), other = chain_udp(0, 1, 1000, 81);
	struct chain_packet reply = chain_udp(1, 0, 80, 1000), v6 = chain_udp6(0, 1, 7, 80);

	chain_use(r, FIVE "flow web proto 17 ports 80 ports 8000-8080 chain a to 3\n"
	                  "flow six src 2001:db8::/32 chain c to 2\n"
	                  "flow net src 10.0.0.0/31 dst 10.0.0.0/8 chain b to 2\n");
	assert_string_equal(chain_way(r, 0, &web), "f4 h3");
	assert_string_equal(chain_way(r, 1, &reply), "f4 h3");
	assert_string_equal(chain_way(r, 0, &other), "f5 h2");
	assert_string_equal(chain_way(r, 0, &v6), "f4 h3");
	v6.port[1] = 81;
	assert_string_equal(chain_way(r, 0, &v6), "f6 h2");
	web.protocol = 6;
	assert_string_equal(chain_way(r, 0, &web), "f5 h2");
	web.version = 0;
	assert_string_equal(chain_way(r, 0, &web), "h1");
}

static void ends_are_as_said(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 7);

	chain_use(r, FIVE "flow no ports 7 drop\n"
	                  "flow straight ports 8 to 2\n"
	                  "flow pass ports 9 out\n"
	                  "flow gone ports 10 chain a to 3\n"
	                  "flow self ports 11 from 0 chain a to 0\n");
	assert_string_equal(chain_way(r, 0, &p), "");
	assert_int_equal(chain_drops(r, 0, VNET_DROP_flow_drop), 1);
	p.port[1] = 8;
	assert_string_equal(chain_way(r, 0, &p), "h2");
	p.dst = chain_mac(2);
	p.src = chain_mac(2);
	assert_string_equal(chain_way(r, 2, &p), ""); /* back to its port */
	assert_int_equal(chain_drops(r, 2, VNET_DROP_same_port), 1);
	p = chain_udp(0, 1, 1, 9);
	assert_string_equal(chain_way(r, 0, &p), "h1");
	p.port[1] = 11;
	assert_string_equal(chain_way(r, 0, &p), "f4 h0");
	p.port[1] = 10;
	assert_string_equal(chain_way(r, 0, &p), "f4 h3");
	assert_true(vnet_port_remove(r->dev[3].port));
	assert_string_equal(chain_way(r, 0, &p), "f4");
	assert_int_equal(chain_drops(r, 4, VNET_DROP_no_route), 1);
}

static void a_flow_may_come_from_one_port_only(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 2), q = chain_udp(2, 1, 1, 2);

	chain_use(r, FIVE "flow one from 0 chain a to 3\n"
	                  "flow two from 2 chain b c to 3\n");
	assert_string_equal(chain_way(r, 0, &p), "f4 h3");
	assert_string_equal(chain_way(r, 2, &q), "f5 f6 h3");
	q = chain_udp(1, 2, 1, 2);
	assert_string_equal(chain_way(r, 1, &q), "h2");
}

/* What tags, options and pieces hide from a simple parser. */
static void any_frame_is_understood(void **state)
{
	static const unsigned pieces[] = {0, 1, 3, 13, 14, 20, 64};
	struct chain_rig *r = *state;

	chain_use(r, FIVE "flow web proto 17 ports 80 chain a b to 1\n");
	for (unsigned i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		r->pieces = pieces[i];
		for (unsigned tags = 0; tags <= 2; tags++) {
			for (unsigned options = 0; options < 5; options++) {
				struct chain_packet p = chain_udp(0, 1, 9, 80);

				p.tags = tags;
				p.options = options;
				assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1");
				p = chain_udp6(0, 1, 80, 9);
				p.tags = tags;
				p.options = options;
				assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1");
			}
		}
	}
}

/* Ports match no fragment, as only the first has any: all of a packet go one way. */
static void fragments_of_a_packet_meet(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet first = chain_udp(0, 1, 80, 80), last = first, whole = first;
	struct chain_packet six = chain_udp6(0, 1, 80, 80);

	first.fragment = 0x2000; /* more, offset 0 */
	last.fragment = 185;
	last.port[0] = 0x3039;
	chain_use(r, "service a 4 5 6 7 8 9 10 11\nservice b 12\n"
	             "flow web proto 17 ports 80 chain b out\n"
	             "flow udp proto 17 chain a out\n");
	for (unsigned i = 0; i < 50; i++) {
		uint32_t a, b;

		first.from[2] = last.from[2] = six.from[7] = (uint8_t)i;
		a = chain_send(r, 0, &first);
		b = chain_send(r, 0, &last);
		chain_run(r);
		assert_int_equal(r->steps[a], 2);
		assert_memory_equal(r->way[a], r->way[b], 2);
		six.fragment = 1;
		six.port[1] = 80;
		a = chain_send(r, 0, &six);
		six.fragment = 0x0f8;
		six.port[1] = 4711;
		b = chain_send(r, 0, &six);
		chain_run(r);
		assert_memory_equal(r->way[a], r->way[b], 2);
	}
	assert_string_equal(chain_way(r, 0, &whole), "f12 h1");
}

/* --- replicas ----------------------------------------------------------------------------- */

#define MANY "service a 4 5 6 7 8\nflow all chain a out\n"

/* The replica that gets a flow, in one direction. */
static unsigned replica_of(struct chain_rig *r, unsigned sport, bool back)
{
	struct chain_packet p = back ? chain_udp(1, 0, 80, sport) : chain_udp(0, 1, sport, 80);
	uint32_t serial = chain_send(r, back, &p);

	chain_run(r);
	assert_int_equal(r->steps[serial], 2);
	r->steps[serial] = 0;
	r->serial = serial; /* may be used again */
	return r->way[serial][0];
}

static void both_directions_meet_one_replica(void **state)
{
	struct chain_rig *r = *state;
	unsigned got[CHAIN_PORTS] = {0};

	chain_use(r, MANY);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned there = replica_of(r, 1000 + i, false);

		assert_int_equal(replica_of(r, 1000 + i, true), there);
		got[there]++;
	}
	for (unsigned i = 4; i < 9; i++)
		assert_in_range(got[i], 140, 260); /* of 200 */
}

static void a_replica_that_goes_moves_its_own_flows_only(void **state)
{
	struct chain_rig *r = *state;
	unsigned before[500], without[500], moved = 0;

	chain_use(r, MANY);
	for (unsigned i = 0; i < 500; i++)
		before[i] = replica_of(r, 1000 + i, false);
	atomic_store(&r->dev[6].port->up, false);
	for (unsigned i = 0; i < 500; i++) {
		unsigned now = replica_of(r, 1000 + i, false);

		assert_int_not_equal(now, 6);
		assert_true(now == before[i] || before[i] == 6);
		moved += now != before[i];
		without[i] = now;
	}
	assert_in_range(moved, 60, 140);
	/* What the others still have is not to be overtaken: flows with frames stay, in both
	 * directions. */
	atomic_store(&r->dev[6].port->up, true);
	for (unsigned second = 1; second < 10; second++) {
		vnet_clock_set(r->core, second);
		for (unsigned i = 0; i < 500; i++)
			assert_int_equal(replica_of(r, 1000 + i, second & 1), without[i]);
	}
	vnet_clock_set(r->core, 11);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(replica_of(r, 1000 + i, false), before[i]);
	/* A new table with one replica fewer moves no others either. */
	chain_use(r, "service a 4 5 7 8\nflow all chain a out\n");
	for (unsigned i = 0; i < 500; i++)
		if (before[i] != 6)
			assert_int_equal(replica_of(r, 1000 + i, false), before[i]);
	assert_true(vnet_port_remove(r->dev[4].port));
	for (unsigned i = 0; i < 500; i++)
		if (before[i] != 6 && before[i] != 4)
			assert_int_equal(replica_of(r, 1000 + i, false), before[i]);
}

/* A new table leaves flows with frames where they are, also if it has more replicas. */
static void a_new_replica_gets_what_is_quiet(void **state)
{
	struct chain_rig *r = *state;
	unsigned before[500], moved = 0;

	chain_use(r, "service a 4 5 6 7\nflow all chain a out\n");
	for (unsigned i = 0; i < 500; i++)
		before[i] = replica_of(r, 1000 + i, false);
	vnet_clock_set(r->core, 1);
	chain_use(r, "service a 8 7 6 5 4\nflow all chain a out\n");
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(replica_of(r, 1000 + i, false), before[i]);
	vnet_clock_set(r->core, 3);
	for (unsigned i = 0; i < 500; i++) {
		unsigned now = replica_of(r, 1000 + i, false);

		assert_true(now == before[i] || now == 8);
		moved += now == 8;
	}
	assert_in_range(moved, 60, 140);
}

static void without_a_replica_frames_end_or_pass(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 2);

	chain_use(r, "service a 4\nservice b 5 open\nservice c 6\nflow all chain b a c to 1\n");
	atomic_store(&r->dev[5].port->up, false);
	assert_string_equal(chain_way(r, 0, &p), "f4 f6 h1");
	atomic_store(&r->dev[6].port->up, false);
	assert_string_equal(chain_way(r, 0, &p), "f4");
	assert_int_equal(chain_drops(r, 4, VNET_DROP_service_down), 1);
	atomic_store(&r->dev[4].port->up, false);
	assert_string_equal(chain_way(r, 0, &p), "");
	assert_int_equal(chain_drops(r, 0, VNET_DROP_service_down), 1);
	chain_use(r, "service b 5 open\nflow all chain b out\n");
	assert_string_equal(chain_way(r, 0, &p), "h1");
	chain_use(r, "service b 5 open\nflow all chain b to 3\n");
	assert_string_equal(chain_way(r, 0, &p), "h3");
}

/* Frames of one flow keep their order through a chain, whatever the batches are. */
static void order_is_kept(void **state)
{
	struct chain_rig *r = *state;
	uint32_t last[8] = {0};

	chain_use(r,
	          "service a 4 5 6\nservice b 7 8\nservice c 9 10 11\nflow all chain a b c to 1\n");
	for (unsigned i = 0; i < 400; i++) {
		struct chain_packet p = chain_udp(0, 1, 100 + i % 8, 80);

		chain_send(r, 0, &p);
		r->batch = 1 + i % 5;
		if (i % 37 == 36)
			chain_run(r);
	}
	chain_run(r);
	assert_int_equal(r->narrived, 400);
	for (unsigned i = 0; i < 400; i++) {
		assert_true(r->arrived[i] >= last[r->arrived[i] % 8]);
		last[r->arrived[i] % 8] = r->arrived[i];
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, chain_setup, chain_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_chain_is_passed_in_order),
	    T(the_first_flow_that_matches_has_it),
	    T(ends_are_as_said),
	    T(a_flow_may_come_from_one_port_only),
	    T(any_frame_is_understood),
	    T(fragments_of_a_packet_meet),
	    T(both_directions_meet_one_replica),
	    T(a_replica_that_goes_moves_its_own_flows_only),
	    T(a_new_replica_gets_what_is_quiet),
	    T(without_a_replica_frames_end_or_pass),
	    T(order_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
