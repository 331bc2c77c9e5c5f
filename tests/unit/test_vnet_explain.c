/* test_vnet_explain.c: explain tells what the walk would do. */
#include "tests/unit/rig/vnet_rig.h"

static struct vnet_verdict said[16];
static unsigned lines;

static void hear(void *ctx, const struct vnet_verdict *v)
{
	(void)ctx;
	assert_true(lines < 16);
	said[lines++] = *v;
}

static void explain(struct rig *r, mac_t src, mac_t dst, unsigned from)
{
	lines = 0;
	assert_true(vnet_explain(r->v, 0, src, dst, from, hear, NULL));
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
	assert_false(vnet_explain(r->v, 1, A, B, 0, hear, NULL));
	assert_false(vnet_explain(r->v, 0, A, B, 99, hear, NULL));
	assert_false(vnet_explain(r->v, 0, A, B, VNET_PORTS, hear, NULL));
	assert_false(vnet_explain(r->v, VNET_NETS, A, B, 0, hear, NULL));
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(routes_are_told_with_their_priority),
	    T(drops_are_told),
	    T(learning_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
