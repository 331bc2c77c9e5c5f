/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vnet_stage.c: the ingress stage of a port, in front of the look-up, and the operations
 * behind a port.
 */
#include "tests/unit/rig/vnet_rig.h"
#include "vnet/state.h"

static unsigned entered, readies;
static struct vnet_port *entered_at, *ready_at;
static bool passes;

static unsigned ingress(struct vnet_core *core, struct vnet_port *from, struct vnet_frame *frame,
                        unsigned n)
{
	entered += n;
	entered_at = from;
	return passes ? walk_frames(core, from, frame, n) : 0;
}

static int refuses(struct vnet_port *from, mac_t src, mac_t dst)
{
	(void)from, (void)dst;
	return src == C ? VNET_DROP_outer_forged : -1;
}

static void ready(struct vnet_core *core, struct vnet_port *port)
{
	(void)core;
	readies++;
	ready_at = port;
}

static const struct vnet_stage stage = {ingress, refuses, ready}, silent = {ingress, refuses, NULL};

static void stage_put(struct rig *r, unsigned port, const struct vnet_stage *s)
{
	control_lock(r->v);
	atomic_store(&r->dev[port].port->stage, s);
	members_publish(r->v);
	control_unlock(r->v);
	entered = readies = 0;
}

static void frames_pass_the_stage_of_their_port(void **state)
{
	struct rig *r = *state;
	const struct vnet_route all = rig_route(ANY, ANY, 1);
	struct vnet_port_stats s;

	rig_routes(r, &all, 1);
	stage_put(r, 0, &stage);
	passes = true;
	assert_int_equal(rig_reach_from(r, 0, B, A), 1u << 1);
	assert_int_equal(entered, 1);
	assert_ptr_equal(entered_at, r->dev[0].port);
	passes = false;
	assert_int_equal(rig_reach_from(r, 0, B, A), 0);
	assert_int_equal(rig_reach_from(r, 2, B, A), 1u << 1); /* another port has none */
	assert_int_equal(entered, 2);
	vnet_port_stats(r->dev[0].port, &s);
	assert_int_equal(s.in_frames, 2);
	stage_put(r, 0, NULL);
	assert_int_equal(rig_reach_from(r, 0, B, A), 1u << 1);
	assert_int_equal(entered, 0);
}

static void a_stage_hears_that_its_port_is_ready(void **state)
{
	struct rig *r = *state;

	stage_put(r, 3, &stage);
	stage_put(r, 4, &silent);
	vnet_clock_set(r->core, 1); /* the clock is nothing to it */
	for (unsigned i = 2; i < 5; i++)
		vnet_port_ready(r->core, r->dev[i].port);
	assert_int_equal(readies, 1);
	assert_ptr_equal(ready_at, r->dev[3].port);
	assert_int_equal(r->core->depth, 0);
}

static struct vnet_verdict verdict;

static void record_verdict(void *ctx, const struct vnet_verdict *v)
{
	(void)ctx;
	verdict = *v;
}

static void explain_asks_the_stage(void **state)
{
	struct rig *r = *state;

	stage_put(r, 2, &stage);
	assert_true(vnet_explain(r->v, ASK(0, C, B, 2), record_verdict, NULL));
	assert_int_equal(verdict.port, 2);
	assert_int_equal(verdict.drop, VNET_DROP_outer_forged);
	assert_true(vnet_explain(r->v, ASK(0, A, B, 2), record_verdict, NULL));
	assert_int_equal(verdict.drop, VNET_DROP_no_route);
	assert_int_equal(entered, 0);
}

static int blocked(const struct vnet_port *port)
{
	return port->dev ? VNET_DROP_no_neighbour : -1;
}

static void explain_asks_what_stands_behind_a_port(void **state)
{
	struct rig *r = *state;
	const struct vnet_route all = rig_route(ANY, ANY, 1);
	struct vnet_port_ops ops = *r->dev[1].port->ops;

	rig_routes(r, &all, 1);
	ops.blocked = blocked;
	r->dev[1].port->ops = &ops;
	assert_true(vnet_explain(r->v, ASK(0, A, B, 0), record_verdict, NULL));
	assert_int_equal(verdict.port, 1);
	assert_int_equal(verdict.drop, VNET_DROP_no_neighbour);
	r->dev[1].port->up = false; /* that comes first */
	assert_true(vnet_explain(r->v, ASK(0, A, B, 0), record_verdict, NULL));
	assert_int_equal(verdict.drop, VNET_DROP_port_down);
}

static void a_port_without_a_ring_is_not_polled(void **state)
{
	struct rig *r = *state;
	struct vnet_port_ops ops = *r->dev[1].port->ops;

	ops.poll = NULL;
	r->dev[1].port->ops = &ops;
	r->dev[2].to_send = 3;
	vnet_port_set_mode(r->dev[1].port, VNET_POLL);
	vnet_port_set_mode(r->dev[2].port, VNET_POLL);
	assert_int_equal(vnet_poll(r->core, 64), 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(frames_pass_the_stage_of_their_port),
	    T(a_stage_hears_that_its_port_is_ready),
	    T(explain_asks_the_stage),
	    T(explain_asks_what_stands_behind_a_port),
	    T(a_port_without_a_ring_is_not_polled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
