/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_explain.c: explain reports what the walk would do. */
#include "tests/unit/rig/vnet_rig.h"

static struct vnet_verdict said[16];
static unsigned lines;

static void record_verdict(void *ctx, const struct vnet_verdict *v)
{
	(void)ctx;
	assert_true(lines < 16);
	said[lines++] = *v;
}

static void explain(struct rig *r, mac_t src, mac_t dst, unsigned from)
{
	lines = 0;
	assert_true(vnet_explain(r->v, ASK(0, src, dst, from), record_verdict, NULL));
}

static void line(unsigned i, int route, int priority, bool wins, int port, int drop)
{
	assert_true(i < lines);
	assert_int_equal(said[i].route, route);
	assert_int_equal(said[i].priority, priority);
	assert_int_equal(said[i].wins, wins);
	assert_int_equal(said[i].port, port);
	assert_int_equal(said[i].drop, drop);
}

static void routes_are_told_with_their_priority(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 1), rig_route(ANY, IS(B), 2),
	                               rig_route(IS(A), ANY, 3), rig_route(ANY, IS(C), 4),
	                               rig_route(IS(A), NONE, 5)};

	rig_routes(r, t, 5);
	r->dev[3].port->up = false;
	explain(r, A, B, 0);
	assert_int_equal(lines, 4);
	line(0, 0, 3, false, -1, -1);
	line(1, 1, 6, true, 2, -1);
	line(2, 2, 6, true, 3, VNET_DROP_port_down);
	line(3, 4, 4, false, -1, -1);
	explain(r, A, B, 2); /* a winner that leads back is silent: the other one delivers */
	line(1, 1, 6, true, -1, -1);
	explain(r, D, C, 4);
	line(1, 3, 6, true, 4, VNET_DROP_same_port);
}

static void drops_are_told(void **state)
{
	struct rig *r = *state;

	explain(r, A, B, 0);
	assert_int_equal(lines, 1);
	line(0, -1, 0, true, 0, VNET_DROP_no_route);
	explain(r, MAC_BROADCAST, B, 0);
	line(0, -1, 0, true, 0, VNET_DROP_bad_source);
	assert_false(vnet_explain(r->v, ASK(1, A, B, 0), record_verdict, NULL));
	assert_false(vnet_explain(r->v, ASK(0, A, B, 99), record_verdict, NULL));
	assert_false(vnet_explain(r->v, ASK(0, A, B, VNET_PORTS), record_verdict, NULL));
	assert_false(vnet_explain(r->v, ASK(VNET_NETS, A, B, 0), record_verdict, NULL));
}

static void learning_is_told(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	explain(r, A, B, 0);
	assert_int_equal(lines, 5);
	line(0, -1, 0, true, 1, -1);
	line(4, -1, 0, true, 5, -1);
	rig_reach_from(r, 3, A, B);
	explain(r, A, B, 0);
	assert_int_equal(lines, 1);
	line(0, -1, 0, true, 3, -1);
	explain(r, A, B, 3);
	line(0, -1, 0, true, 3, VNET_DROP_same_port);
	for (unsigned i = 1; i < 6; i++)
		assert_true(vnet_port_remove(r->dev[i].port));
	explain(r, A, B, 0);
	line(0, -1, 0, true, 0, VNET_DROP_no_route);
}

/* --- random networks ------------------------------------------------------------------------ */

#define ROUNDS 300
#define FRAMES 60
#define PORTS  6 /* of network 0 */

static uint64_t seed = 7;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static mac_t some_mac(void)
{
	static const mac_t mac[] = {A, B, C, D, 0, MAC_BROADCAST, 0xc28001 | 2ull << 40};

	return mac[pick(7)];
}

static void random_routes(struct rig *r)
{
	struct vnet_route t[12];
	unsigned n = 0, want = pick(12);
	char err[128];
	const char *why;

	for (unsigned i = 0; i < want; i++) {
		t[n] = rig_route((struct vnet_qual){(enum vnet_match)pick(4), some_mac()},
		                 (struct vnet_qual){(enum vnet_match)pick(4), some_mac()},
		                 pick(PORTS));
		t[n].from = pick(3) ? -1 : (int)pick(PORTS);
		t[n].reflect = pick(4) == 0;
		if (vnet_route_priority(&t[n], &why) &&
		    vnet_routes_set(r->v, t, n + 1, err, sizeof err))
			n++;
	}
	assert_true(vnet_routes_set(r->v, t, n, err, sizeof err));
}

/* A port may be up or down, outside, have an address, and a quota that is soon used up. */
static void random_port(struct rig *r, unsigned i)
{
	assert_true(vnet_port_remove(r->dev[i].port));
	rig_port(r, i, 0, pick(4) ? 0 : VNET_EDGE);
	r->dev[i].port->up = pick(5) != 0;
	vnet_port_set_mac(r->dev[i].port, pick(2) ? some_mac() & ~MAC_MULTICAST : 0);
	vnet_port_set_quota(r->dev[i].port, pick(4));
}

/* What explain() said: which ports would get the frame, and which drops would be counted where. */
static unsigned explained_reach(uint64_t drops[PORTS][VNET_DROP_CAUSES])
{
	unsigned mask = 0;

	memset(drops, 0, PORTS * sizeof *drops);
	for (unsigned i = 0; i < lines; i++) {
		if (said[i].port < 0)
			continue;
		if (said[i].drop < 0)
			mask |= 1u << said[i].port;
		else
			drops[said[i].port][said[i].drop] = 1;
	}
	return mask;
}

static void hits_are_those_that_win(struct rig *r, const uint64_t *before)
{
	struct vnet_route route;
	uint64_t hits;
	bool wins[12] = {false};

	for (unsigned i = 0; i < lines; i++)
		if (said[i].route >= 0)
			wins[said[i].route] = said[i].wins;
	for (unsigned i = 0; vnet_route_get(r->v, i, &route, &hits); i++)
		assert_int_equal(hits - before[i], wins[i]);
}

static void one_frame(struct rig *r, unsigned from, mac_t dst, mac_t src)
{
	uint64_t drops[PORTS][VNET_DROP_CAUSES], hits[12];
	struct vnet_port_stats before[PORTS], after;
	struct vnet_route route;
	unsigned mask;

	for (unsigned i = 0; vnet_route_get(r->v, i, &route, &hits[i]); i++)
		;
	for (unsigned i = 0; i < PORTS; i++)
		vnet_port_stats(r->dev[i].port, &before[i]);
	explain(r, src, dst, from);
	mask = explained_reach(drops);
	for (unsigned i = 0; i < PORTS; i++) { /* to explain moves no counter */
		vnet_port_stats(r->dev[i].port, &after);
		assert_memory_equal(&after, &before[i], sizeof after);
	}
	assert_int_equal(rig_reach_from(r, from, dst, src), mask);
	hits_are_those_that_win(r, hits);
	for (unsigned i = 0; i < PORTS; i++) {
		vnet_port_stats(r->dev[i].port, &after);
		assert_int_equal(after.out_frames - before[i].out_frames, mask >> i & 1);
		for (unsigned why = 0; why < VNET_DROP_CAUSES; why++)
			if (vnet_drop_lost((enum vnet_drop)why))
				assert_int_equal(after.drop[why] - before[i].drop[why],
				                 drops[i][why]);
	}
}

static void what_is_told_is_what_happens(void **state)
{
	struct rig *r = *state;
	uint64_t seconds = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		assert_true(vnet_net_set(r->v, 0, (enum vnet_policy)pick(3)));
		vnet_net_set_link_local(r->v, 0, (enum vnet_link_local)pick(3));
		rig_routes(r, NULL, 0);
		for (unsigned i = 0; i < PORTS; i++)
			random_port(r, i);
		random_routes(r);
		for (unsigned i = 0; i < FRAMES; i++) {
			one_frame(r, pick(PORTS), some_mac(), some_mac());
			seconds += pick(8) ? 0 : pick(2 * VNET_AGE);
			vnet_clock_set(r->core, seconds);
			r->dev[pick(PORTS)].port->up = pick(4) != 0;
		}
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(routes_are_told_with_their_priority),
	    T(drops_are_told),
	    T(learning_is_told),
	    T(what_is_told_is_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
