/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vnet_stranger.c: a port that sends with other ports' addresses in a learning network: what
 * it can take from them, and what it costs them.
 */
#include "tests/unit/rig/vnet_rig.h"
#include "vnet/lookup/learn.h"
#include "vnet/state.h"

#define OTHERS   0x3e /* ports 1 to 5: the network of port 0 without it */
#define STRANGER 5
#define MADE_UP  60000

static int setup(void **state)
{
	struct rig *r;

	rig_setup(state);
	r = *state;
	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_true(vnet_net_set(r->v, 1, VNET_LEARN));
	return 0;
}

static struct vnet_learn *table(struct rig *r)
{
	return (struct vnet_learn *)atomic_load(&r->v->policy[0]);
}

static unsigned entries(struct rig *r)
{
	unsigned n = 0;

	for (unsigned b = 0; b < LEARN_BUCKETS; b++)
		for (unsigned i = 0; i < LEARN_WAYS; i++)
			n += atomic_load(&table(r)->bucket[b].entry[i]) != 0;
	return n;
}

static mac_t made_up(unsigned i)
{
	return 0x06 | (mac_t)(i + 1) << 16;
}

static uint64_t flooded(struct rig *r, unsigned port)
{
	struct vnet_port_stats s;

	vnet_port_stats(r->dev[port].port, &s);
	return s.flooded;
}

static void a_declared_address_is_its_ports(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_port_set_mac(r->dev[1].port, A));
	assert_true(vnet_port_set_mac(r->dev[2].port, B));
	assert_int_equal(rig_reach_from(r, 2, A, B), 1 << 1);
	assert_int_equal(rig_reach_from(r, STRANGER, MAC_BROADCAST, A), 0);
	assert_int_equal(rig_reach_from(r, STRANGER, B, A), 0);
	assert_int_equal(rig_reach_from(r, 2, MAC_BROADCAST, A),
	                 0); /* another declared port, too */
	assert_int_equal(rig_drops(r, STRANGER, VNET_DROP_spoofed), 2);
	assert_int_equal(rig_drops(r, 2, VNET_DROP_spoofed), 1);
	assert_int_equal(rig_reach_from(r, 2, A, B), 1 << 1);
	/* In another network the same address is another one. */
	assert_int_equal(rig_reach_from(r, 6, MAC_BROADCAST, A), 1 << 7);
}

/* Its guest may be elsewhere: there it is heard from outside, but nobody here becomes it. */
static void nobody_here_has_the_address_of_a_port_that_is_down(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_port_remove(r->dev[4].port));
	rig_port(r, 4, 0, VNET_EDGE);
	assert_true(vnet_port_set_mac(r->dev[1].port, A));
	r->dev[1].port->up = false;
	assert_int_equal(rig_reach_from(r, STRANGER, MAC_BROADCAST, A), 0);
	assert_int_equal(rig_drops(r, STRANGER, VNET_DROP_spoofed), 1);
	assert_int_equal(rig_reach_from(r, 4, MAC_BROADCAST, A), 0x2d);
	assert_int_equal(rig_reach_from(r, 0, A, C), 1 << 4);
	r->dev[1].port->up = true;
	assert_int_equal(rig_reach_from(r, 0, A, C), 1 << 1);
	assert_int_equal(rig_reach_from(r, 4, MAC_BROADCAST, A), 0);
	assert_int_equal(rig_drops(r, 4, VNET_DROP_looped), 1);
}

static void made_up_addresses_crowd_out_nobody(void **state)
{
	struct rig *r = *state;
	unsigned found = 0;

	for (unsigned i = 0; i < 20; i++)
		rig_send(r, 3, MAC_BROADCAST, C + ((mac_t)i << 24), 0);
	for (unsigned i = 0; i < MADE_UP; i++)
		rig_send(r, STRANGER, A, made_up(i), 0);
	for (unsigned i = 20; i < 40; i++)
		rig_send(r, 3, MAC_BROADCAST, C + ((mac_t)i << 24), 0);
	for (unsigned i = 0; i < 40; i++)
		found += rig_reach_from(r, 0, C + ((mac_t)i << 24), B) == 1 << 3;
	assert_int_equal(found, 40);
	assert_int_equal(rig_drops(r, STRANGER, VNET_DROP_learn_quota), MADE_UP - VNET_QUOTA);
	assert_int_equal(table(r)->used[STRANGER], VNET_QUOTA);
	assert_int_equal(entries(r), VNET_QUOTA + 40 + 1);
}

/* Nor do they reach the tables of other nodes and switches: an edge gets no more sources than the
 * port may have.  What comes from outside goes on. */
static void made_up_addresses_do_not_leave(void **state)
{
	struct rig *r = *state;
	unsigned left = 0;

	assert_true(vnet_port_remove(r->dev[4].port));
	rig_port(r, 4, 0, VNET_EDGE);
	vnet_port_set_quota(r->dev[4].port, 8);
	for (unsigned i = 0; i < 4 * VNET_QUOTA; i++)
		left += rig_reach_from(r, STRANGER, A, made_up(i)) != 0;
	assert_int_equal(left, VNET_QUOTA);
	assert_int_equal(rig_drops(r, STRANGER, VNET_DROP_learn_quota), 3 * VNET_QUOTA);
	vnet_port_set_quota(r->dev[3].port, 0);
	assert_true(vnet_port_set_mac(r->dev[3].port, B));
	assert_int_equal(rig_reach_from(r, 3, MAC_BROADCAST, B), 0x37);
	assert_int_equal(rig_reach_from(r, 3, MAC_BROADCAST, C), 0);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(rig_reach_from(r, 4, A, C + ((mac_t)i << 24)), 0x2f);
	assert_int_equal(rig_drops(r, 4, VNET_DROP_learn_full), 8);
}

/* Entries that nobody looked at since they are old use up a quota only until it is met. */
static void what_is_old_takes_no_quota(void **state)
{
	struct rig *r = *state;

	vnet_clock_set(r->core, 1000);
	for (unsigned i = 0; i < VNET_QUOTA; i++)
		rig_send(r, STRANGER, MAC_BROADCAST, made_up(i), 0);
	vnet_clock_set(r->core, 1400);
	for (unsigned i = 0; i < LEARN_ENTRIES / VNET_SWEEP; i++)
		rig_send(r, STRANGER, MAC_BROADCAST, C, 0);
	assert_int_equal(rig_reach_from(r, 0, C, B), 1 << STRANGER);
	/* The first part of the table that was swept had some of them: no frame was lost. */
	assert_int_equal(rig_drops(r, STRANGER, VNET_DROP_learn_quota), 0);
}

/* Addresses that fall into the victim's bucket, as computed with a hash that everybody knows. */
static void nobody_knows_which_addresses_collide(void **state)
{
	const uint64_t known = 0x9e3779b97f4a7c15ull;
	struct rig *r = *state;
	unsigned sent = 0;

	for (mac_t i = 1; sent < 64; i++) {
		mac_t mac = 0x06 | i << 8;

		if ((mac * known) >> 54 != (C * known) >> 54)
			continue;
		rig_send(r, STRANGER, MAC_BROADCAST, mac, 0);
		sent++;
	}
	rig_send(r, 3, MAC_BROADCAST, C, 0);
	assert_int_equal(rig_reach_from(r, 0, C, B), 1 << 3);
}

static void the_place_depends_on_the_secret(void **state)
{
	static const uint64_t secret[2] = {0x0123456789abcdef, 42};
	struct vnet *other = vnet_create(&rig_mem, 1);
	struct rig *r = *state;
	unsigned same = 0, together = 0;
	struct vnet_learn *l;

	vnet_secret_set(other, secret);
	assert_true(vnet_net_set(other, 0, VNET_LEARN));
	l = (struct vnet_learn *)atomic_load(&other->policy[0]);
	for (unsigned i = 0; i < 4096; i++) {
		long here = learn_bucket(table(r), made_up(i)) - table(r)->bucket;
		long there = learn_bucket(l, made_up(i)) - l->bucket;

		same += here == there;
		together += learn_bucket(l, made_up(i)) == learn_bucket(l, made_up(i + 1));
	}
	/* 4 of each are expected, of 4096 in 1024 buckets. */
	assert_in_range(same, 0, 16);
	assert_in_range(together, 0, 16);
	vnet_destroy(other);
}

static void a_quota_is_given_back(void **state)
{
	struct rig *r = *state;

	vnet_port_set_quota(r->dev[3].port, 2);
	vnet_port_set_quota(r->dev[4].port, 0);
	rig_send(r, 3, MAC_BROADCAST, A, 0);
	rig_send(r, 3, MAC_BROADCAST, B, 0);
	rig_send(r, 3, MAC_BROADCAST, C, 0);
	assert_int_equal(rig_drops(r, 3, VNET_DROP_learn_quota), 1);
	assert_int_equal(rig_reach_from(r, 0, C, D), OTHERS);
	rig_send(r, 4, MAC_BROADCAST, A, 0); /* may have none: A stays where it is */
	assert_int_equal(rig_drops(r, 4, VNET_DROP_learn_quota), 1);
	assert_int_equal(rig_reach_from(r, 0, A, D), 1 << 3);
	rig_send(r, 2, MAC_BROADCAST, A, 0); /* moves; so there is room for C */
	rig_send(r, 3, MAC_BROADCAST, C, 0);
	assert_int_equal(rig_reach_from(r, 0, C, D), 1 << 3);
	assert_int_equal(rig_reach_from(r, 0, A, D), 1 << 2);
	assert_int_equal(table(r)->used[3], 2);
	assert_int_equal(table(r)->used[2], 1);
	assert_true(vnet_port_remove(r->dev[3].port));
	assert_int_equal(table(r)->used[3], 0);
}

static void flooding_is_counted(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_port_set_mac(r->dev[1].port, A));
	rig_send(r, STRANGER, A, B, 0);
	assert_int_equal(flooded(r, STRANGER), 0);
	rig_send(r, STRANGER, C, B, 0);
	rig_send(r, STRANGER, MAC_BROADCAST, B, 0);
	assert_int_equal(flooded(r, STRANGER), 2);
	rig_send(r, 0, B, D, 0);
	assert_int_equal(flooded(r, 0), 0);
}

/* How many entries the table has lost since there were `before` of them. */
static unsigned lost(struct rig *r, unsigned before)
{
	return before - entries(r);
}

/* The clock moves no entry.  An address that meets the quota has a part of the table swept, and in
 * a quantum all of it once; what it then finds free is its own. */
static void only_who_needs_room_sweeps(void **state)
{
	const unsigned parts = LEARN_ENTRIES / VNET_SWEEP;
	struct rig *r = *state;
	unsigned full, now;

	vnet_clock_set(r->core, 1000);
	vnet_port_set_quota(r->dev[1].port, VNET_LEARN_MAX);
	for (unsigned i = 0; i < VNET_LEARN_MAX; i++)
		rig_send(r, 1, MAC_BROADCAST, made_up(i), 0);
	full = entries(r);
	assert_true(full > VNET_LEARN_MAX / 2);
	for (unsigned s = 1000; s <= 1400; s++)
		vnet_clock_set(r->core, s);
	assert_int_equal(lost(r, full), 0);
	vnet_port_set_quota(r->dev[3].port, 0);
	for (unsigned i = 0; i < parts; i++) {
		now = entries(r);
		rig_send(r, 3, MAC_BROADCAST, C, 0);
		assert_in_range(lost(r, now), 1, VNET_SWEEP + LEARN_WAYS);
	}
	assert_int_equal(entries(r), 0);
	assert_int_equal(table(r)->used[1], 0);
	assert_int_equal(rig_drops(r, 3, VNET_DROP_learn_quota), parts);
}

/* The buckets that a refused address sweeps, in this quantum or in one of its own. */
static unsigned swept(struct rig *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LEARN_BUCKETS; i++)
		n += table(r)->bucket[i].aged == r->v->quanta;
	return n;
}

static void a_quantum_has_one_sweep(void **state)
{
	struct rig *r = *state;
	unsigned all = LEARN_BUCKETS;

	vnet_port_set_quota(r->dev[3].port, 0);
	for (unsigned s = 1000; s < 1100; s += LEARN_QUANTUM) {
		vnet_clock_set(r->core, s); /* each goes on where the last one ended */
		rig_send(r, 3, MAC_BROADCAST, C, 0);
		assert_in_range(swept(r), VNET_SWEEP / LEARN_WAYS, VNET_SWEEP / LEARN_WAYS + 1);
	}
	for (unsigned i = 0; i < 10; i++)
		all -= table(r)->bucket[i * VNET_SWEEP / LEARN_WAYS].aged > 0;
	assert_int_equal(all, LEARN_BUCKETS - 10);
	for (unsigned i = 0; i < 2 * LEARN_BUCKETS; i++)
		rig_send(r, 3, MAC_BROADCAST, C, 0);
	assert_int_equal(swept(r), LEARN_BUCKETS);
	for (unsigned i = 0; i < LEARN_BUCKETS; i++)
		table(r)->bucket[i].aged--; /* would show another sweep */
	rig_send(r, 3, MAC_BROADCAST, C, 0);
	assert_in_range(swept(r), 0, 1);
}

static void what_is_old_is_not_found(void **state)
{
	static const unsigned jump[] = {320, 640, 650, 1280, 100000};
	struct rig *r = *state;
	uint64_t now = 1000;

	for (unsigned i = 0; i < sizeof jump / sizeof jump[0]; i++) {
		vnet_clock_set(r->core, now);
		rig_send(r, 3, MAC_BROADCAST, B, 0);
		assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 3);
		now += jump[i];
		vnet_clock_set(r->core, now);
		assert_int_equal(rig_reach_from(r, 0, B, A), OTHERS);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_declared_address_is_its_ports),
	    T(nobody_here_has_the_address_of_a_port_that_is_down),
	    T(made_up_addresses_crowd_out_nobody),
	    T(made_up_addresses_do_not_leave),
	    T(what_is_old_takes_no_quota),
	    T(nobody_knows_which_addresses_collide),
	    T(the_place_depends_on_the_secret),
	    T(a_quota_is_given_back),
	    T(flooding_is_counted),
	    T(only_who_needs_room_sweeps),
	    T(a_quantum_has_one_sweep),
	    T(what_is_old_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
