/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_trace.c: the stamps of a walk, on a switch with virtio NICs and with plain ports. */
#include "tests/unit/rig/vnet_rig.h"

#define RECORDS 256

static struct trace_ring *ring;
static struct trace_record got[RECORDS];
static uint64_t next;

static unsigned records(void)
{
	uint64_t lost = 0;
	unsigned n = trace_read(ring, RECORDS, &next, got, RECORDS, &lost);

	assert_int_equal(lost, 0);
	return n;
}

static void trace(struct rig *r, int port, mac_t mac)
{
	const struct vnet_trace_filter filter = {port, mac};
	struct trace_ring *rings[VNET_CORES];

	for (unsigned i = 0; i < VNET_CORES; i++)
		rings[i] = ring; /* only one of the rig's cores walks */
	vnet_trace_start(r->v, rings, &filter);
}

static int setup(void **state)
{
	if (rig_setup(state))
		return -1;
	ring = calloc(1, trace_bytes(RECORDS));
	trace_ring_init(ring, RECORDS, 0);
	next = 0;
	rig_routes(*state,
	           (struct vnet_route[]){rig_route(ANY, IS(B), 1), rig_route(ANY, IS(C), 2)}, 2);
	return 0;
}

static int teardown(void **state)
{
	free(ring);
	return rig_teardown(state);
}

static const enum trace_step way[] = {TRACE_kick, TRACE_taken, TRACE_looked_up, TRACE_raised,
                                      TRACE_returned};

static void assert_way(const enum trace_step *steps, unsigned n)
{
	assert_int_equal(records(), n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(got[i].step, steps[i]);
		assert_int_equal(got[i].walk, got[0].walk);
		assert_true(i == 0 || got[i].tsc >= got[i - 1].tsc);
	}
}

static void a_frame_is_stamped_at_each_step(void **state)
{
	struct rig *r = *state;

	trace(r, -1, 0);
	vnet_core_batch(r->core)->position = 77;
	vnet_exit_began(r->core, 5);
	rig_send(r, 0, B, A, 1);
	assert_way(way, 5);
	assert_int_equal(got[0].tsc, 5);
	assert_int_equal(got[1].a & MAC_MASK, A);
	assert_int_equal(got[1].b & MAC_MASK, B);
	assert_int_equal(got[1].b >> 48, 64);
	assert_int_equal(got[2].a, 1);
	assert_int_equal(got[3].port, 1);
	assert_int_equal(got[3].b, 1);
	/* A visit that no exit asked for has no kick. */
	vnet_exit_began(r->core, 0);
	rig_send(r, 0, B, A, 2);
	assert_way(way + 1, 4);
	assert_int_equal(got[0].walk, 2);
}

static void nothing_is_written_while_it_is_off(void **state)
{
	struct rig *r = *state;

	rig_send(r, 0, B, A, 1);
	trace(r, -1, 0);
	vnet_trace_stop(r->v);
	rig_send(r, 0, B, A, 2);
	assert_int_equal(records(), 0);
}

static void filters_choose_frames(void **state)
{
	struct rig *r = *state;

	trace(r, 1, 0);
	rig_send(r, 0, C, A, 1);
	assert_int_equal(records(), 0);
	rig_send(r, 0, B, A, 2); /* to the port */
	assert_way(way + 1, 4);
	rig_send(r, 1, C, B, 3); /* from it */
	assert_way(way + 1, 4);
	trace(r, -1, C);
	rig_send(r, 0, B, A, 4);
	assert_int_equal(records(), 0);
	rig_send(r, 0, C, A, 5);
	assert_way(way + 1, 4);
	rig_send(r, 0, B, C, 6);
	assert_way(way + 1, 4);
	trace(r, 1, C);
	rig_send(r, 0, C, A, 7);
	assert_int_equal(records(), 0);
}

static void of_a_batch_the_matching_frames_are_traced(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);

	trace(r, -1, C);
	b->n = b->nseg = 0;
	b->position = 0xffff;
	rig_add(r, b, B, A, 1);
	rig_add(r, b, C, A, 2);
	rig_add(r, b, B, A | MAC_MULTICAST, 3); /* dropped: its addresses are not read */
	rig_add(r, b, C, A, 4);
	assert_int_equal(vnet_input(r->core, r->dev[0].port, b), 3);
	assert_int_equal(records(), 5);
	assert_int_equal(got[0].step, TRACE_taken);
	assert_int_equal(got[0].frame, 1);
	assert_int_equal(got[0].a >> 48, 0); /* the second of positions that wrap */
	assert_int_equal(got[1].frame, 3);
	assert_int_equal(got[2].step, TRACE_looked_up);
	assert_int_equal(got[2].a, 1u << 1 | 1u << 3);
	assert_int_equal(got[3].step, TRACE_raised); /* at port 2; port 1 got none of them */
	assert_int_equal(got[3].port, 2);
	assert_int_equal(got[3].a, 1u << 1 | 1u << 3);
	assert_int_equal(got[4].step, TRACE_returned);
}

static void a_frame_without_a_destination_is_seen_to_end(void **state)
{
	struct rig *r = *state;
	const enum trace_step ends[] = {TRACE_taken, TRACE_looked_up, TRACE_returned};

	trace(r, -1, 0);
	rig_send(r, 0, D, A, 1);
	assert_way(ends, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_frame_is_stamped_at_each_step, setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_is_written_while_it_is_off, setup, teardown),
	    cmocka_unit_test_setup_teardown(filters_choose_frames, setup, teardown),
	    cmocka_unit_test_setup_teardown(of_a_batch_the_matching_frames_are_traced, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(a_frame_without_a_destination_is_seen_to_end, setup,
	                                    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
