/* SPDX-License-Identifier: BSD-2-Clause */
/* test_link_local.c: link-local groups: which networks forward them, and what explain says. */
#include "tests/unit/rig/vnet_rig.h"

#define GROUP(n) (0xc28001ull | (mac_t)(n) << 40) /* 01:80:c2:00:00:0n */
#define PAST     (0xc28001ull | (mac_t)0x10 << 40)
#define ALL      0x3e /* ports 1 to 5, of network 0 */

static struct vnet_verdict verdict;

static void record_verdict(void *ctx, const struct vnet_verdict *v)
{
	unsigned *lines = ctx;

	verdict = *v;
	++*lines;
}

/* Each such frame from port 0 reaches the ports of the mask, as is explained; none is a drop. */
static void reaches(struct rig *r, unsigned mask)
{
	for (unsigned n = 0; n < 16; n++)
		for (unsigned twice = 0; twice < 2; twice++) {
			uint64_t before = rig_drops(r, 0, VNET_DROP_link_local);
			unsigned lines = 0;

			assert_int_equal(rig_reach(r, GROUP(n), A), mask);
			assert_int_equal(rig_drops(r, 0, VNET_DROP_link_local), before + !mask);
			assert_true(
			    vnet_explain(r->v, ASK(0, A, GROUP(n), 0), record_verdict, &lines));
			assert_int_equal(verdict.drop == VNET_DROP_link_local, !mask);
			if (!mask)
				assert_int_equal(lines, 1);
		}
	/* What lies beside them is a group as any other. */
	assert_int_equal(rig_reach(r, PAST, A), ALL);
	assert_int_equal(rig_reach(r, GROUP(0) ^ 0x80000000ull, A), ALL);
	assert_int_equal(rig_reach(r, MAC_BROADCAST, A), ALL);
}

static void route_to_all(struct rig *r)
{
	struct vnet_route t[5];

	for (unsigned i = 0; i < 5; i++)
		t[i] = rig_route(ANY, ANY, i + 1);
	rig_routes(r, t, 5);
}

/* The default depends on the mode; a change holds from the next frame on. */
static void each_mode_has_its_way(void **state)
{
	struct rig *r = *state;

	route_to_all(r);
	reaches(r, ALL);
	vnet_net_set_link_local(r->v, 0, VNET_LINK_LOCAL_DROP);
	reaches(r, 0);
	vnet_net_set_link_local(r->v, 0, VNET_LINK_LOCAL_FORWARD);
	reaches(r, ALL);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(vnet_net_set(r->v, 0, i ? VNET_EXACT : VNET_LEARN));
		assert_true(vnet_port_set_mac(r->dev[0].port, A));
		vnet_net_set_link_local(r->v, 0, VNET_LINK_LOCAL_BY_MODE);
		reaches(r, 0);
		vnet_net_set_link_local(r->v, 0, VNET_LINK_LOCAL_FORWARD);
		reaches(r, ALL);
		vnet_net_set_link_local(r->v, 0, VNET_LINK_LOCAL_DROP);
		reaches(r, 0);
	}
	vnet_net_set_link_local(r->v, VNET_NETS, VNET_LINK_LOCAL_DROP);
}

/* From a link or an edge they come in no more than they go out. */
static void neither_way(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	r->dev[0].port->flags = VNET_EDGE;
	reaches(r, 0);
	r->dev[0].port->flags = 0;
	r->dev[1].port->flags = VNET_EDGE;
	reaches(r, 0);
}

/* Its sender is learned all the same: the frame was for this bridge (802.1D, 7.8). */
static void the_sender_is_learned(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_int_equal(rig_reach_from(r, 3, GROUP(0), B), 0);
	assert_int_equal(rig_reach(r, B, A), 1 << 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_mode_has_its_way),
	    T(neither_way),
	    T(the_sender_is_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
