/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_learn.c: a network that learns: flooding, learning, moving, ageing, forgetting. */
#include "tests/unit/rig/vnet_rig.h"
#include "vnet/lookup/learn.h"
#include "vnet/state.h"

#define OTHERS 0x3e /* ports 1 to 5: the network of port 0 without it */

static int setup(void **state)
{
	struct rig *r;

	rig_setup(state);
	r = *state;
	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_true(vnet_net_set(r->v, 1, VNET_LEARN));
	return 0;
}

static void unknown_is_flooded_then_learned(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_reach_from(r, 0, B, A), OTHERS);
	assert_int_equal(rig_reach_from(r, 3, A, B), 1 << 0);
	assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 3);
	assert_int_equal(rig_reach_from(r, 0, MAC_BROADCAST, A), OTHERS);
	assert_int_equal(rig_reach_from(r, 0, 0x5e0001, A), OTHERS);
	/* The address moves to another port. */
	assert_int_equal(rig_reach_from(r, 4, A, B), 1 << 0);
	assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 4);
	assert_int_equal(rig_reach_from(r, 4, B, C), 0);
	assert_int_equal(rig_drops(r, 4, VNET_DROP_same_port), 1);
}

/* Each address once, at the port where it is now, until it is old. */
static void learned_addresses_are_counted(void **state)
{
	struct rig *r = *state;

	vnet_clock_set(r->core, 1000);
	rig_reach_from(r, 0, B, A);
	rig_reach_from(r, 3, A, B);
	rig_reach_from(r, 3, A, C);
	rig_reach_from(r, 3, A, C);
	assert_int_equal(vnet_port_learned(r->dev[0].port), 1);
	assert_int_equal(vnet_port_learned(r->dev[3].port), 2);
	rig_reach_from(r, 4, A, C);
	assert_int_equal(vnet_port_learned(r->dev[3].port), 1);
	assert_int_equal(vnet_port_learned(r->dev[4].port), 1);
	assert_int_equal(vnet_port_learned(r->dev[6].port), 0); /* of another network */
	vnet_clock_set(r->core, 1010 + VNET_AGE);
	assert_int_equal(vnet_port_learned(r->dev[0].port), 0);
	assert_int_equal(vnet_port_learned(r->dev[3].port), 0);
	rig_reach_from(r, 0, B, A);
	assert_true(vnet_net_set(r->v, 0, VNET_EXACT));
	assert_int_equal(vnet_port_learned(r->dev[0].port), 0);
}

static void networks_learn_apart(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_reach_from(r, 6, B, A), 1 << 7);
	assert_int_equal(rig_reach_from(r, 0, A, B), OTHERS);
	assert_int_equal(rig_reach_from(r, 7, A, B), 1 << 6);
	assert_int_equal(rig_reach_from(r, 6, MAC_BROADCAST, A), 1 << 7);
}

static void a_group_source_is_dropped(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_reach(r, B, A | MAC_MULTICAST), 0);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_bad_source), 1);
	assert_int_equal(rig_reach_from(r, 1, A, 0), 0x3d);
	assert_int_equal(rig_reach_from(r, 0, 0, A), OTHERS); /* address 0 is not learned */
}

/* A frame from the edge, port 5, with port 1's declared address. */
static unsigned from_outside(struct rig *r)
{
	return rig_reach_from(r, 5, A, B);
}

static void as_outside(struct rig *r)
{
	r->dev[5].port->flags = VNET_EDGE;
	assert_true(vnet_port_set_mac(r->dev[0].port, A));
	assert_true(vnet_port_set_mac(r->dev[1].port, B));
	vnet_clock_set(r->core, 1000);
}

/* Whose guest took another address leaves the declared one to a host outside, and gets it back. */
static void an_address_not_used_may_be_outside(void **state)
{
	struct rig *r = *state;

	as_outside(r);
	rig_reach_from(r, 1, A, B);
	rig_reach_from(r, 1, A, C);
	vnet_clock_set(r->core, 1000 + VNET_AGE);
	rig_reach_from(r, 1, A, C);
	assert_int_equal(from_outside(r), 0); /* its own was used five minutes ago */
	assert_int_equal(rig_drops(r, 5, VNET_DROP_looped), 1);
	vnet_clock_set(r->core, 1001 + VNET_AGE);
	assert_int_equal(from_outside(r), 1 << 0);
	assert_int_equal(rig_reach(r, B, A), 1 << 5);
	assert_int_equal(rig_reach_from(r, 2, A, B), 0); /* no other guest has it all the same */
	assert_int_equal(rig_drops(r, 2, VNET_DROP_spoofed), 1);
	assert_int_equal(rig_reach_from(r, 1, A, B), 1 << 0);
	assert_int_equal(from_outside(r), 0);
	assert_int_equal(rig_reach(r, B, A), 1 << 1);
	assert_int_equal(rig_drops(r, 5, VNET_DROP_looped), 2);
}

/* Neither silence nor other addresses beside its own, as a guest that is a bridge has. */
static void an_address_in_use_is_nobody_elses(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);

	as_outside(r);
	for (unsigned t = 0; t < 10; t++) {
		vnet_clock_set(r->core, 2000 + 250 * t);
		assert_int_equal(from_outside(r), 0);
	}
	for (unsigned t = 0; t < 10; t++) {
		vnet_clock_set(r->core, 5000 + 250 * t);
		b->n = b->nseg = 0; /* its own in front, or behind */
		rig_add(r, b, A, t & 1 ? B : C, 0);
		rig_add(r, b, A, t & 1 ? C : B, 0);
		vnet_input(r->core, r->dev[1].port, b);
		assert_int_equal(from_outside(r), 0);
	}
	/* Long after it was the other one that it sent with, it says nothing: it is its own. */
	rig_reach_from(r, 1, A, C);
	vnet_clock_set(r->core, 20000);
	assert_int_equal(from_outside(r), 0);
	assert_int_equal(rig_drops(r, 5, VNET_DROP_looped), 21);
}

static void silent_addresses_age(void **state)
{
	struct rig *r = *state;

	vnet_clock_set(r->core, 1000);
	rig_reach_from(r, 3, A, B);
	rig_reach_from(r, 4, A, C);
	for (unsigned s = 1000; s <= 1200; s += 10)
		vnet_clock_set(r->core, s);
	assert_int_equal(rig_reach_from(r, 4, B, C), 1 << 3); /* C speaks: it stays */
	vnet_clock_set(r->core, 1300);
	assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 3);
	vnet_clock_set(r->core, 1320);
	assert_int_equal(rig_reach_from(r, 0, B, A), OTHERS);
	assert_int_equal(rig_reach_from(r, 0, C, A), 1 << 4);
	vnet_clock_set(r->core, 9000); /* a long time in which nobody set the clock */
	assert_int_equal(rig_reach_from(r, 0, C, A), OTHERS);
	rig_reach_from(r, 4, A, C);
	vnet_clock_set(r->core, 9000 - VNET_CLOCK_LATE); /* of a core that was overtaken */
	assert_int_equal(rig_reach_from(r, 0, C, A), 1 << 4);
	vnet_clock_set(r->core, 10); /* a clock that went back */
	assert_int_equal(rig_reach_from(r, 0, C, A), OTHERS);
}

/* The clock needs no lock: a guest's core sets it while control changes the switch. */
static void the_clock_waits_for_nobody(void **state)
{
	struct rig *r = *state;

	control_lock(r->v);
	vnet_clock_set(r->core, 1000);
	control_unlock(r->v);
	assert_int_equal(r->v->seconds, 1000);
	assert_int_equal(r->v->quanta, 1000 / LEARN_QUANTUM);
}

static void a_full_bucket_is_counted_and_flooded(void **state)
{
	struct rig *r = *state;
	unsigned n = 0;
	uint64_t refused;

	vnet_port_set_quota(r->dev[1].port, VNET_LEARN_MAX);
	for (unsigned i = 0; i < 4 * LEARN_ENTRIES; i++)
		rig_send(r, 1, A, 0x52 | (mac_t)(i + 1) << 16, 0);
	/* When the last place is taken, so is the quota. */
	refused = rig_drops(r, 1, VNET_DROP_learn_full) + rig_drops(r, 1, VNET_DROP_learn_quota);
	assert_true(rig_drops(r, 1, VNET_DROP_learn_full) > LEARN_ENTRIES);
	assert_true(refused >= 3 * LEARN_ENTRIES);
	for (unsigned i = 0; i < 4 * LEARN_ENTRIES; i++)
		n += rig_send(r, 0, 0x52 | (mac_t)(i + 1) << 16, 0x56, 0) == 1;
	assert_int_equal(n, 4 * LEARN_ENTRIES - refused);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_no_route), 0);
}

static void a_port_goes_with_its_addresses(void **state)
{
	struct rig *r = *state;

	rig_reach_from(r, 3, A, B);
	rig_reach_from(r, 4, A, C);
	assert_true(vnet_port_remove(r->dev[3].port));
	assert_int_equal(rig_reach_from(r, 0, B, A), OTHERS & ~(1 << 3));
	assert_int_equal(rig_reach_from(r, 0, C, A), 1 << 4);
	rig_port(r, 3, 1, 0); /* the number comes back elsewhere */
	assert_int_equal(rig_reach_from(r, 0, B, A), OTHERS & ~(1 << 3));
	assert_int_equal(rig_reach_from(r, 6, B, A), 1 << 3 | 1 << 7);
}

static void alone_there_is_nobody_to_flood(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_port_remove(r->dev[7].port));
	assert_int_equal(rig_reach_from(r, 6, B, A), 0);
	assert_int_equal(rig_drops(r, 6, VNET_DROP_no_route), 1);
}

static void the_policy_changes(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 2)};

	rig_routes(r, t, 1);
	rig_reach_from(r, 3, A, B);
	assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 3);
	assert_true(vnet_net_set(r->v, 0, VNET_ROUTE));
	assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 2);
	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_int_equal(rig_reach_from(r, 0, B, A), OTHERS);
	assert_true(vnet_net_set(r->v, 0, VNET_ROUTE));
	rig_alloc_fails = 1;
	assert_false(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 2);
}

/* --- a batch, beside its frames one by one -------------------------------------------------- */

#define BATCHES 3000

static uint64_t seed = 1;

static unsigned random_below(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

/* Often the address of the frame before. */
static mac_t random_mac(mac_t before, bool source)
{
	static const mac_t mac[] = {
	    A, B, C, D, A | MAC_MULTICAST, 0, MAC_BROADCAST, 0x020000c28001};

	return random_below(3) ? before : mac[random_below(source ? 6 : 8)];
}

static void a_port_declares_and_one_is_outside(struct rig *r)
{
	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_true(vnet_port_set_mac(r->dev[1].port, B));
	r->dev[5].port->flags = VNET_EDGE;
	r->dev[4].port->flags = VNET_EDGE;
}

static void expect_the_same(const struct rig *r, const struct rig *other)
{
	for (unsigned i = 0; i < 6; i++) {
		struct vnet_port_stats s, t;

		assert_int_equal(r->dev[i].n, other->dev[i].n);
		assert_memory_equal(r->dev[i].serial, other->dev[i].serial,
		                    sizeof r->dev[i].serial);
		vnet_port_stats(r->dev[i].port, &s);
		vnet_port_stats(other->dev[i].port, &t);
		assert_memory_equal(&s, &t, sizeof s);
		assert_int_equal(vnet_port_learned(r->dev[i].port),
		                 vnet_port_learned(other->dev[i].port));
	}
}

/* Frames of one source to one destination share a look-up; who gets them is the same. */
static void a_batch_is_its_frames_one_by_one(void **state)
{
	struct rig *r = *state, *single;
	void *made;

	rig_setup(&made);
	single = made;
	a_port_declares_and_one_is_outside(r);
	a_port_declares_and_one_is_outside(single);
	for (unsigned serial = 0, i = 0; i < BATCHES; i++) {
		unsigned from = random_below(6), n = 1 + random_below(12);
		struct vnet_batch *b = vnet_core_batch(r->core);
		mac_t dst = A, src = B;

		b->n = b->nseg = 0;
		for (; n--; serial++) {
			dst = random_mac(dst, false);
			src = random_mac(src, true);
			rig_add(r, b, dst, src, serial);
			rig_send(single, from, dst, src, serial);
		}
		vnet_input(r->core, r->dev[from].port, b);
		expect_the_same(r, single);
	}
	rig_teardown(&made);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(unknown_is_flooded_then_learned),
	    T(learned_addresses_are_counted),
	    T(networks_learn_apart),
	    T(a_group_source_is_dropped),
	    T(silent_addresses_age),
	    T(the_clock_waits_for_nobody),
	    T(a_full_bucket_is_counted_and_flooded),
	    T(an_address_not_used_may_be_outside),
	    T(an_address_in_use_is_nobody_elses),
	    T(a_port_goes_with_its_addresses),
	    T(alone_there_is_nobody_to_flood),
	    T(the_policy_changes),
	    T(a_batch_is_its_frames_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
