/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_measure.c: how long frames take, by port and by route. */
#include "tests/unit/rig/vnet_rig.h"

#define LONG 1000000000ull /* ticks, more than a test takes between two lines */

static char err[160];

static void start(struct rig *r)
{
	assert_true(vnet_measure_start(r->v, err, sizeof err));
}

static struct hist port_hist(struct rig *r, unsigned i, int core)
{
	struct hist h = {0};

	assert_true(vnet_port_measured(r->dev[i].port, core, &h));
	return h;
}

static uint64_t at_port(struct rig *r, unsigned i)
{
	struct hist h = port_hist(r, i, -1);

	return hist_count(&h);
}

static uint64_t of_route(struct rig *r, unsigned i, int core)
{
	struct hist h = {0};

	assert_true(vnet_route_measured(r->v, i, core, &h));
	return hist_count(&h);
}

static int setup(void **state)
{
	if (rig_setup(state))
		return -1;
	rig_routes(*state,
	           (struct vnet_route[]){rig_route(ANY, IS(B), 1), rig_route(ANY, IS(C), 2)}, 2);
	return 0;
}

static void since_the_exit_or_the_batch(void **state)
{
	struct rig *r = *state;
	struct hist h;

	start(r);
	rig_send(r, 0, B, A, 1);
	h = port_hist(r, 1, -1);
	assert_int_equal(hist_count(&h), 1);
	assert_true(h.max > 0 && h.max < LONG);
	vnet_exit_began(r->core, trace_now() - 4 * LONG);
	rig_send(r, 0, B, A, 2);
	h = port_hist(r, 1, 0);
	assert_int_equal(hist_count(&h), 2);
	assert_true(h.max >= 4 * LONG && h.max < 5 * LONG);
	assert_true(h.sum >= h.max);
	assert_int_equal(of_route(r, 0, 0), 2);
	assert_int_equal(of_route(r, 1, -1), 0);
	h = port_hist(r, 1, 1);
	assert_int_equal(hist_count(&h), 0); /* the other core walked nothing */
	assert_false(vnet_port_measured(r->dev[1].port, 2, &h));
	assert_false(vnet_route_measured(r->v, 2, -1, &h));
}

static void nothing_while_it_is_off(void **state)
{
	struct rig *r = *state;
	struct hist h = {0};

	rig_send(r, 0, B, A, 1);
	assert_false(vnet_port_measured(r->dev[1].port, -1, &h));
	assert_false(vnet_route_measured(r->v, 0, -1, &h));
	start(r);
	start(r); /* changes nothing */
	rig_send(r, 0, B, A, 2);
	start(r);
	assert_int_equal(at_port(r, 1), 1);
	vnet_measure_stop(r->v);
	vnet_measure_stop(r->v);
	rig_send(r, 0, B, A, 3);
	assert_false(vnet_port_measured(r->dev[1].port, -1, &h));
	start(r);
	assert_int_equal(at_port(r, 1) + of_route(r, 0, -1), 0);
}

/* Each frame counts once where it was delivered, and at each route that won it. */
static void each_frame_once(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);

	rig_routes(r,
	           (struct vnet_route[]){rig_route(ANY, IS(B), 1), rig_route(ANY, IS(C), 2),
	                                 rig_route(ANY, IS(C), 3), rig_route(ANY, IS(C), 0)},
	           4);
	start(r);
	rig_send(r, 1, C, B, 0); /* to all three */
	b->n = b->nseg = 0;
	rig_add(r, b, B, A, 1);
	rig_add(r, b, C, A, 2);
	rig_add(r, b, D, A, 3);                     /* no route */
	rig_add(r, b, B, A | MAC_MULTICAST, 4);     /* no valid source */
	rig_add(r, b, 0xc28001 | 1ull << 40, A, 5); /* of a link-local group: no route either */
	rig_add(r, b, B, C, 6);
	assert_int_equal(vnet_input(r->core, r->dev[0].port, b), 4);
	assert_int_equal(at_port(r, 0), 1);
	assert_int_equal(at_port(r, 1), 2);
	assert_int_equal(at_port(r, 2), 2);
	assert_int_equal(at_port(r, 3), 2);
	assert_int_equal(of_route(r, 0, -1), 2);
	assert_int_equal(of_route(r, 1, -1), 2);
	assert_int_equal(of_route(r, 2, -1), 2);
	assert_int_equal(of_route(r, 3, -1), 1); /* of the batch: back to its own port */
}

/* An address that no cache keeps, and more of them than the cache has sets for. */
static void whatever_the_cache_has(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);

	rig_routes(r, (struct vnet_route[]){rig_route(ANY, ANY, 1)}, 1);
	start(r);
	for (unsigned round = 0; round < 400; round++) {
		b->n = b->nseg = 0;
		for (unsigned i = 0; i < VNET_BATCH; i++)
			rig_add(r, b,
			        i % 8 ? 0x52 | (uint64_t)(round * VNET_BATCH + i) << 8
			              : 0xc28001 | (uint64_t)(i % 16) << 40,
			        A, i);
		vnet_input(r->core, r->dev[0].port, b);
	}
	assert_int_equal(at_port(r, 1), 400 * VNET_BATCH);
	assert_int_equal(of_route(r, 0, -1), 400 * VNET_BATCH);
}

static void what_is_refused_does_not_count(void **state)
{
	struct rig *r = *state;

	start(r);
	r->dev[1].room = 1;
	rig_send(r, 0, B, A, 1);
	rig_send(r, 0, B, A, 2);
	r->dev[2].port->up = false;
	rig_send(r, 0, C, A, 3);
	assert_int_equal(at_port(r, 1), 1);
	assert_int_equal(of_route(r, 0, -1), 1);
	assert_int_equal(at_port(r, 2) + of_route(r, 1, -1), 0);
}

static void routes_and_ports_come_and_go(void **state)
{
	struct rig *r = *state;
	struct vnet_port *late;
	struct hist h = {0};

	start(r);
	rig_send(r, 0, B, A, 1);
	rig_send(r, 0, C, A, 2);
	rig_routes(r, (struct vnet_route[]){rig_route(ANY, IS(D), 3), rig_route(ANY, IS(B), 1)}, 2);
	rig_send(r, 0, B, A, 3);
	assert_int_equal(of_route(r, 0, -1), 0);
	assert_int_equal(of_route(r, 1, -1), 2);
	assert_int_equal(of_route(r, 1, 0), 1); /* on one core: since the change */
	late = vnet_port_add(r->v, "late", 0, &rig_ops, &r->dev[5], 0);
	assert_true(vnet_port_measured(late, -1, &h));
	assert_true(vnet_port_remove(late));
	assert_true(vnet_port_remove(r->dev[3].port));
	assert_int_equal(rig_count_routes(r->v), 1);
	assert_int_equal(of_route(r, 0, -1), 2);
	rig_routes(r, NULL, 0);
	assert_int_equal(at_port(r, 1), 2);
}

/* At each allocation in turn. */
static void no_memory(void **state)
{
	struct rig *r = *state;
	struct vnet_route three[] = {rig_route(ANY, IS(B), 1), rig_route(ANY, IS(C), 2),
	                             rig_route(ANY, IS(D), 3)};
	struct hist h = {0};

	for (unsigned i = 1; i <= RIG_PORTS + 1; i++) {
		rig_alloc_fails = i;
		assert_false(vnet_measure_start(r->v, err, sizeof err));
		assert_non_null(
		    strstr(err, i <= RIG_PORTS ? "8 ports: 20 KiB" : "2 routes: 7 KiB"));
		assert_int_equal(rig_alloc_fails, 0);
		assert_false(vnet_port_measured(r->dev[0].port, -1, &h));
		rig_send(r, 0, B, A, i);
	}
	start(r);
	rig_alloc_fails = 2;
	assert_false(vnet_routes_set(r->v, three, 3, err, sizeof err));
	assert_non_null(strstr(err, "histograms of 3 routes"));
	rig_alloc_fails = 2;
	assert_null(vnet_port_add(r->v, "late", 0, &rig_ops, &r->dev[5], 0));
	rig_alloc_fails = 0;
	rig_send(r, 0, C, A, 1);
	assert_int_equal(of_route(r, 1, -1), 1);
}

/* More than a switch may have, whether they are there first or the measuring is. */
static void too_many(void **state)
{
	enum { MANY = VNET_ROUTES };
	struct vnet *v = vnet_create(&rig_mem, 8);
	struct vnet_route *routes = calloc(MANY, sizeof *routes);
	struct rig_dev dev = {0};

	(void)state;
	assert_true(vnet_net_set(v, 0, VNET_ROUTE));
	assert_non_null(vnet_port_add(v, "p", 0, &rig_ops, &dev, 0));
	for (unsigned i = 0; i < MANY; i++)
		routes[i] = rig_route(ANY, IS(0x52 | (uint64_t)i << 8), 0);
	assert_true(vnet_routes_set(v, routes, MANY, err, sizeof err));
	assert_false(vnet_measure_start(v, err, sizeof err));
	assert_string_equal(err, "the histograms of 1 ports and 16384 routes on 8 cores take "
	                         "184330 KiB, more than 65536");
	assert_true(vnet_routes_set(v, routes, 10, err, sizeof err));
	assert_true(vnet_measure_start(v, err, sizeof err));
	assert_false(vnet_routes_set(v, routes, MANY, err, sizeof err));
	assert_non_null(strstr(err, "16384 routes"));
	assert_int_equal(rig_count_routes(v), 10);
	vnet_measure_stop(v);
	assert_true(vnet_routes_set(v, routes, MANY, err, sizeof err));
	vnet_destroy(v);
	free(routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	    T(since_the_exit_or_the_batch),
	    T(nothing_while_it_is_off),
	    T(each_frame_once),
	    T(whatever_the_cache_has),
	    T(what_is_refused_does_not_count),
	    T(routes_and_ports_come_and_go),
	    T(no_memory),
	    cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
