/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_route.c: routes: priorities, ties, qualifiers, refusals. */
#include "tests/unit/rig/vnet_rig.h"

static void each_priority_beats_the_next(void **state)
{
	struct rig *r = *state;
	/* For a frame A -> B; each route to a port of its own, highest priority first. */
	const struct vnet_route order[] = {rig_route(IS(A), IS(B), 1), rig_route(IS(A), NOT(C), 2),
	                                   rig_route(IS(A), ANY, 3),   rig_route(NOT(C), ANY, 4),
	                                   rig_route(IS(A), NONE, 5),  rig_route(ANY, ANY, 1)};
	static const unsigned priority[] = {8, 7, 6, 5, 4, 3}, port[] = {1, 2, 3, 4, 5, 1};

	for (unsigned i = 0; i < 6; i++) {
		const char *why;
		struct vnet_route back[6];

		assert_int_equal(vnet_route_priority(&order[i], &why), priority[i]);
		rig_routes(r, order + i, 6 - i);
		assert_int_equal(rig_reach(r, B, A), 1u << port[i]);
		/* In any order of the table. */
		for (unsigned k = i; k < 6; k++)
			back[5 - k] = order[k];
		rig_routes(r, back, 6 - i);
		assert_int_equal(rig_reach(r, B, A), 1u << port[i]);
	}
}

static void both_forms_of_a_priority_tie(void **state)
{
	struct rig *r = *state;
	const struct vnet_route seven[] = {rig_route(IS(A), NOT(C), 1),
	                                   rig_route(NOT(D), IS(B), 2)};
	const struct vnet_route six[] = {rig_route(IS(A), ANY, 1), rig_route(ANY, IS(B), 2),
	                                 rig_route(ANY, IS(B), 3)};
	const struct vnet_route five[] = {rig_route(ANY, NOT(C), 1), rig_route(NOT(D), ANY, 2)};
	const struct vnet_route three[] = {rig_route(ANY, ANY, 1), rig_route(ANY, ANY, 2),
	                                   rig_route(ANY, ANY, 3)};

	rig_routes(r, seven, 2);
	assert_int_equal(rig_reach(r, B, A), 1 << 1 | 1 << 2);
	assert_int_equal(rig_reach(r, C, A), 0);
	assert_int_equal(rig_reach(r, B, D), 0);
	assert_int_equal(rig_reach(r, B, C), 1 << 2);
	assert_int_equal(rig_reach(r, D, A), 1 << 1);
	rig_routes(r, six, 3);
	assert_int_equal(rig_reach(r, B, A), 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(rig_reach(r, C, A), 1 << 1);
	assert_int_equal(rig_reach(r, B, C), 1 << 2 | 1 << 3);
	rig_routes(r, five, 2);
	assert_int_equal(rig_reach(r, B, A), 1 << 1 | 1 << 2);
	assert_int_equal(rig_reach(r, C, A), 1 << 2);
	assert_int_equal(rig_reach(r, B, D), 1 << 1);
	assert_int_equal(rig_reach(r, C, D), 0);
	rig_routes(r, three, 3);
	assert_int_equal(rig_reach(r, B, A), 1 << 1 | 1 << 2 | 1 << 3);
}

static void a_default_route_yields_to_all_but_any(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(IS(A), NONE, 1), rig_route(ANY, ANY, 2),
	                               rig_route(ANY, IS(B), 3)};

	rig_routes(r, t, 3);
	assert_int_equal(rig_reach(r, B, A), 1 << 3);
	assert_int_equal(rig_reach(r, C, A), 1 << 1);
	assert_int_equal(rig_reach(r, C, D), 1 << 2);
}

static void a_source_port_qualifies(void **state)
{
	struct rig *r = *state;
	struct vnet_route t[] = {rig_route(ANY, IS(B), 2), rig_route(ANY, ANY, 3)};

	t[0].from = 1;
	rig_routes(r, t, 2);
	assert_int_equal(rig_reach_from(r, 1, B, A), 1 << 2);
	assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 3);
	assert_int_equal(rig_reach_from(r, 1, B, A), 1 << 2);
}

static void nothing_goes_back_unless_reflected(void **state)
{
	struct rig *r = *state;
	struct vnet_route t[] = {rig_route(ANY, IS(B), 0), rig_route(ANY, IS(C), 0),
	                         rig_route(ANY, IS(C), 1), rig_route(ANY, IS(D), 0)};

	t[3].reflect = true;
	rig_routes(r, t, 4);
	for (unsigned i = 1; i <= 3; i++) { /* found anew, then in the cache */
		assert_int_equal(rig_reach(r, B, A), 0);
		assert_int_equal(rig_drops(r, 0, VNET_DROP_same_port), i);
		assert_int_equal(rig_reach(r, C, A), 1 << 1);
		assert_int_equal(rig_reach(r, D, A), 1 << 0);
		assert_int_equal(rig_reach_from(r, 1, B, A), 1 << 0);
	}
	assert_int_equal(rig_drops(r, 0, VNET_DROP_same_port), 3);
}

static void no_match_is_counted(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, IS(B), 1)};

	assert_int_equal(rig_reach(r, B, A), 0);
	rig_routes(r, t, 1);
	assert_int_equal(rig_reach(r, C, A), 0);
	assert_int_equal(rig_reach(r, C, A), 0);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_no_route), 3);
}

static void broadcast_is_looked_up_like_any_other(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, IS(MAC_BROADCAST), 1),
	                               rig_route(ANY, IS(MAC_BROADCAST), 2)};

	rig_routes(r, t, 2);
	assert_int_equal(rig_reach(r, MAC_BROADCAST, A), 1 << 1 | 1 << 2);
	assert_int_equal(rig_reach_from(r, 1, MAC_BROADCAST, A), 1 << 2);
}

static void hits_are_counted_and_kept(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, IS(B), 1), rig_route(ANY, ANY, 2)};
	const struct vnet_route swapped[] = {t[1], t[0]};
	struct vnet_route got;
	uint64_t hits;

	rig_routes(r, t, 2);
	for (unsigned i = 0; i < 5; i++)
		rig_reach(r, B, A);
	rig_reach(r, C, A);
	assert_true(vnet_route_get(r->v, 0, &got, &hits));
	assert_int_equal(hits, 5);
	assert_int_equal(got.to, 1);
	rig_routes(r, swapped, 2);
	rig_reach(r, B, A);
	assert_true(vnet_route_get(r->v, 1, &got, &hits));
	assert_int_equal(hits, 6);
	assert_true(vnet_route_get(r->v, 0, &got, &hits));
	assert_int_equal(hits, 1);
	assert_int_equal(rig_count_routes(r->v), 2);
	assert_false(vnet_route_get(r->v, 2, &got, &hits));
}

static void refused(struct rig *r, struct vnet_route bad, const char *reason)
{
	struct vnet_route t[] = {rig_route(ANY, IS(B), 1), bad};
	char err[128] = "";

	assert_false(vnet_routes_set(r->v, t, 2, err, sizeof err));
	if (!strstr(err, reason) || strncmp(err, "route 1: ", 9))
		fail_msg("%s, not %s", err, reason);
}

static void a_bad_route_changes_nothing(void **state)
{
	struct rig *r = *state;
	const struct vnet_route good[] = {rig_route(ANY, IS(B), 3)};
	struct vnet_route bad = rig_route(ANY, ANY, 1);
	struct vnet_qual odd = {(enum vnet_match)7, 0};

	rig_routes(r, good, 1);
	refused(r, rig_route(NOT(A), NOT(B), 1), "`not` on both sides");
	refused(r, rig_route(NONE, IS(B), 1), "source none");
	refused(r, rig_route(NONE, NONE, 1), "source none");
	refused(r, rig_route(ANY, NONE, 1), "exact source");
	refused(r, rig_route(NOT(A), NONE, 1), "exact source");
	refused(r, rig_route(IS(MAC_BROADCAST), ANY, 1), "group address");
	refused(r, rig_route(NOT(1), ANY, 1), "group address");
	refused(r, rig_route(IS(1ull << 48), ANY, 1), "48 bits");
	refused(r, rig_route(odd, ANY, 1), "does not exist");
	refused(r, rig_route(ANY, IS(B), 1), "the same as route 0");
	refused(r, rig_route(ANY, ANY, 6), "is in network 1");
	refused(r, rig_route(ANY, ANY, 100), "no port 100");
	refused(r, rig_route(ANY, ANY, 65535), "no port 65535");
	bad.from = 7;
	refused(r, bad, "is in network 1");
	bad.from = -1;
	bad.net = 9;
	refused(r, bad, "no network 9");
	bad.net = 64;
	refused(r, bad, "no network 64");
	assert_int_equal(rig_reach(r, B, A), 1 << 3);
}

static void no_memory_changes_nothing(void **state)
{
	struct rig *r = *state;
	const struct vnet_route good[] = {rig_route(ANY, IS(B), 3)},
	                        next[] = {rig_route(ANY, IS(B), 4)};
	char err[64];

	rig_routes(r, good, 1);
	rig_alloc_fails = 1;
	assert_false(vnet_routes_set(r->v, next, 1, err, sizeof err));
	assert_string_equal(err, "no memory for a table of 1 routes");
	assert_int_equal(rig_reach(r, B, A), 1 << 3);
	rig_alloc_fails = 1;
	assert_false(vnet_port_remove(r->dev[3].port));
	rig_alloc_fails = 2;
	assert_false(vnet_port_remove(r->dev[3].port));
	assert_int_equal(rig_reach(r, B, A), 1 << 3);
}

static void a_change_acts_on_the_next_frame(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 100; i++) {
		const struct vnet_route t[] = {rig_route(ANY, IS(B), 1 + i % 5)};

		rig_routes(r, t, 1);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(rig_reach(r, B, A), 2u << i % 5);
	}
}

static void a_tag_that_comes_round_finds_nothing(void **state)
{
	struct rig *r = *state;

	/* The cache's tag has 16 bits, and 0 is none: 65 535 tables later it is the same. */
	for (unsigned i = 0; i <= 65535; i++) {
		const struct vnet_route t[] = {rig_route(ANY, IS(B), 1 + i % 4)};

		rig_routes(r, t, 1);
		if (i == 0 || i == 65535)
			assert_int_equal(rig_reach(r, B, A), 2u << i % 4);
		else
			rig_reach(r, B, MAC_MULTICAST); /* sees the table, and looks nothing up */
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(each_priority_beats_the_next),          T(both_forms_of_a_priority_tie),
	    T(a_default_route_yields_to_all_but_any), T(a_source_port_qualifies),
	    T(nothing_goes_back_unless_reflected),    T(no_match_is_counted),
	    T(broadcast_is_looked_up_like_any_other), T(hits_are_counted_and_kept),
	    T(a_bad_route_changes_nothing),           T(no_memory_changes_nothing),
	    T(a_change_acts_on_the_next_frame),       T(a_tag_that_comes_round_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
