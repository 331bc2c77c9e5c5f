/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_mirror.c: what mirrors copy of a walk, on a switch with plain ports and on one with a
 * link. */
#include "tests/unit/rig/vnet_rig.h"
#include "vnet/port.h"

#define SIZE   65536u
#define HEADER sizeof(struct capture_record)
#define SEEN   64

static struct capture_ring *ring[2];
static struct capture_cursor cursor;

static struct seen {
	struct capture_record r;
	uint8_t bytes[2048];
} seen[SEEN];

/* All that core 0 has written since the last call. */
static unsigned records(void)
{
	unsigned n = 0;

	while (n < SEEN && capture_read(ring[0], SIZE, &cursor, &seen[n].r, seen[n].bytes,
	                                sizeof seen[n].bytes) == 1)
		n++;
	assert_int_equal(cursor.lost, 0);
	return n;
}

static void start(struct rig *r, uint32_t cut)
{
	vnet_capture_start(r->v, r->core, ring, cut);
	assert_int_equal(records(), 1);
	assert_int_equal(seen[0].r.kind, CAPTURE_clock);
}

static void mirror(struct rig *r, unsigned port, uint8_t mirrors)
{
	vnet_port_set_mirrors(r->dev[port].port, r->core, mirrors);
	records();
}

static int setup(void **state)
{
	if (rig_setup(state))
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		ring[i] = calloc(1, sizeof *ring[i] + SIZE);
		capture_ring_init(ring[i], SIZE);
	}
	memset(&cursor, 0, sizeof cursor);
	rig_routes(*state,
	           (struct vnet_route[]){rig_route(ANY, IS(B), 1), rig_route(ANY, IS(C), 2),
	                                 rig_route(ANY, IS(C), 1), rig_route(ANY, IS(C), 3)},
	           4);
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	vnet_capture_stop(r->v);
	free(ring[0]);
	free(ring[1]);
	return rig_teardown(state);
}

static void assert_record(unsigned i, enum capture_kind kind, unsigned port, unsigned mirrors)
{
	assert_int_equal(seen[i].r.kind, kind);
	assert_int_equal(seen[i].r.port, port);
	assert_int_equal(seen[i].r.mirrors, mirrors);
}

static void a_frame_is_copied_where_it_comes_from_and_goes_to(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);

	start(r, CAPTURE_WHOLE);
	mirror(r, 0, 1);
	mirror(r, 1, 3);
	b->n = b->nseg = 0;
	rig_add(r, b, B, A, 77);
	b->frame[0].hdr.flags = VNET_HDR_F_DATA_VALID;
	vnet_input(r->core, r->dev[0].port, b);
	assert_int_equal(records(), 3);
	assert_record(0, CAPTURE_walk, 0, 0);
	assert_true(seen[0].r.begins);
	assert_int_equal(seen[0].r.value, 1);
	assert_record(1, CAPTURE_frame, 0, 1);
	assert_int_equal(seen[1].r.length, 64);
	assert_int_equal(seen[1].r.captured, 64);
	assert_int_equal(seen[1].r.tsc, seen[0].r.tsc);
	assert_memory_equal(seen[1].bytes, r->bytes[0], 64);
	assert_int_equal(seen[1].r.offload[0], VNET_HDR_F_DATA_VALID);
	assert_record(2, CAPTURE_out, 1, 3);
	assert_int_equal(seen[2].r.value, 1);
	assert_true(seen[2].r.tsc >= seen[1].r.tsc);
	assert_int_equal(ring[0]->frames[0], 2);
	assert_int_equal(ring[0]->frames[1], 1);
}

static void nothing_is_copied_of_other_ports(void **state)
{
	struct rig *r = *state;

	rig_send(r, 0, B, A, 1);
	start(r, CAPTURE_WHOLE);
	rig_send(r, 0, B, A, 1);
	assert_int_equal(records(), 0);
	mirror(r, 2, 1);
	rig_send(r, 0, B, A, 1);
	rig_send(r, 0, D, A, 1); /* dropped */
	assert_int_equal(records(), 0);
	mirror(r, 0, 1);
	vnet_capture_stop(r->v);
	rig_send(r, 0, B, A, 1);
	vnet_clock_set(r->core, 1);
	assert_int_equal(records(), 0);
}

static void several_destinations_share_one_copy(void **state)
{
	struct rig *r = *state;

	start(r, 20);
	for (unsigned i = 1; i < 4; i++)
		mirror(r, i, 1);
	rig_send(r, 0, C, A, 1);
	assert_int_equal(records(), 5);
	/* The port that it comes from is nobody's: the bytes are there for the others. */
	assert_record(1, CAPTURE_frame, 0, 0);
	assert_int_equal(seen[1].r.captured, 20);
	assert_int_equal(seen[1].r.length, 64);
	for (unsigned i = 2; i < 5; i++) {
		assert_int_equal(seen[i].r.kind, CAPTURE_out);
		assert_int_equal(seen[i].r.size, HEADER);
		assert_int_equal(seen[i].r.value, 1);
	}
}

/* Drops of the first frame of a batch, of the last, and by one receiver of two. */
static void drops_have_their_cause(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);
	unsigned n;

	start(r, CAPTURE_WHOLE);
	for (unsigned i = 0; i < 4; i++)
		mirror(r, i, 1);
	r->dev[1].room = 1;
	b->n = b->nseg = 0;
	rig_add(r, b, D, A, 1);
	rig_add(r, b, B, A, 2);
	rig_add(r, b, C, A, 3);
	rig_add(r, b, B, A | MAC_MULTICAST, 4);
	vnet_input(r->core, r->dev[0].port, b);
	n = records();
	assert_int_equal(n, 1 + 4 + 2 + 1 + 3); /* walk, frames, no_route and bad_source, rx_full */
	assert_record(5, CAPTURE_dropped, 0, 1);
	assert_int_equal(seen[5].r.frame, 0);
	assert_int_equal(seen[5].r.cause, VNET_DROP_no_route + 1);
	assert_record(6, CAPTURE_dropped, 0, 1);
	assert_int_equal(seen[6].r.frame, 3);
	assert_int_equal(seen[6].r.cause, VNET_DROP_bad_source + 1);
	assert_record(7, CAPTURE_dropped, 1, 1);
	assert_int_equal(seen[7].r.frame, 2);
	assert_int_equal(seen[7].r.cause, VNET_DROP_rx_full + 1);
	assert_record(8, CAPTURE_out, 1, 1);
	assert_int_equal(seen[8].r.value, 1u << 1);
	assert_int_equal(seen[9].r.value, 1u << 2);
	assert_int_equal(seen[10].r.value, 1u << 2);
	/* A port without a driver, and what its device drops before the walk. */
	vnet_port_set_up(r->dev[1].port, r->core, false);
	assert_int_equal(records(), 1);
	assert_record(0, CAPTURE_up, 1, 0);
	rig_send(r, 0, B, A, 1);
	assert_int_equal(records(), 3);
	assert_record(2, CAPTURE_dropped, 1, 1);
	assert_int_equal(seen[2].r.cause, VNET_DROP_port_down + 1);
	vnet_drop(r->core, r->dev[0].port, VNET_DROP_bad_offload);
	assert_int_equal(records(), 1);
	assert_int_equal(seen[0].r.cause, VNET_DROP_bad_offload + 1);
	assert_int_equal(seen[0].r.frame, CAPTURE_NO_FRAME);
	assert_true(seen[0].r.begins);
}

static void learned_floods_and_refused_sources_are_seen(void **state)
{
	struct rig *r = *state;

	vnet_net_set(r->v, 0, VNET_LEARN);
	assert_true(vnet_port_set_mac(r->dev[0].port, A));
	assert_true(vnet_port_set_mac(r->dev[1].port, B));
	start(r, CAPTURE_WHOLE);
	mirror(r, 0, 1);
	rig_send(r, 0, D, A, 1);
	assert_int_equal(records(), 2); /* flooded: no other port has a mirror */
	rig_send(r, 0, D, B, 1);
	assert_int_equal(records(), 3);
	assert_int_equal(seen[2].r.cause, VNET_DROP_spoofed + 1);
	rig_send(r, 0, A, A, 1);
	assert_int_equal(records(), 3);
	assert_int_equal(seen[2].r.cause, VNET_DROP_same_port + 1);
	rig_send(r, 0, 0xc28001, A, 1); /* a link-local group */
	assert_int_equal(records(), 3);
	assert_int_equal(seen[2].r.cause, VNET_DROP_link_local + 1);
	for (unsigned i = 1; i < 6; i++)
		r->dev[i].room = 0;
	mirror(r, 5, 2);
	rig_send(r, 0, D, A, 1);
	assert_int_equal(records(), 3);
	assert_record(2, CAPTURE_dropped, 5, 2);
}

/* A reader ties stamps to a captured frame by the time at which its batch was taken. */
static void a_trace_has_the_same_time(void **state)
{
	struct rig *r = *state;
	const struct vnet_trace_filter all = {-1, 0};
	struct trace_ring *trace = calloc(1, trace_bytes(64)), *traces[2] = {trace, trace};

	trace_ring_init(trace, 64, 0);
	start(r, CAPTURE_WHOLE);
	mirror(r, 0, 1);
	vnet_trace_start(r->v, traces, &all);
	rig_send(r, 0, B, A, 1);
	vnet_trace_stop(r->v);
	assert_int_equal(records(), 2);
	assert_int_equal(trace->record[0].step, TRACE_taken);
	assert_int_equal(trace->record[0].tsc, seen[0].r.tsc);
	free(trace);
}

static void events_are_groups_of_their_own(void **state)
{
	struct rig *r = *state;

	start(r, CAPTURE_WHOLE);
	vnet_port_set_mirrors(r->dev[2].port, r->core, 4);
	assert_int_equal(records(), 1);
	assert_record(0, CAPTURE_state, 2, 0);
	assert_int_equal(seen[0].r.value, 1);
	vnet_port_set_mirrors(r->dev[2].port, r->core, 4);
	vnet_port_set_up(r->dev[2].port, r->core, true); /* as it is */
	assert_int_equal(records(), 0);
	vnet_port_set_up(r->dev[2].port, r->core, false);
	vnet_port_set_up(r->dev[3].port, r->core, false); /* no mirror */
	vnet_capture_changed(r->core);
	vnet_clock_set(r->core, 9);
	assert_int_equal(records(), 3);
	assert_record(0, CAPTURE_up, 2, 0);
	assert_int_equal(seen[0].r.value, 0);
	assert_record(1, CAPTURE_changed, 0, 0);
	assert_record(2, CAPTURE_tick, 0, 0);
	assert_int_equal(seen[2].r.value, 9);
	for (unsigned i = 0; i < 3; i++)
		assert_true(seen[i].r.begins);
	assert_int_equal(ring[0]->busy, 0);
}

/* A walk copies no more than its share of the ring, however many frames and ports there are. */
static void a_walk_is_bounded(void **state)
{
	struct rig *r = *state;
	struct vnet_batch *b = vnet_core_batch(r->core);
	static uint8_t large[60000];
	uint64_t before;

	start(r, CAPTURE_WHOLE);
	for (unsigned i = 0; i < 4; i++)
		mirror(r, i, 1);
	b->n = b->nseg = 0;
	for (unsigned i = 0; i < VNET_BATCH; i++)
		rig_add(r, b, C, A, i);
	memcpy(large, r->bytes[0], 64);
	b->seg[0].base = large;
	b->frame[0].len = b->seg[0].len = sizeof large;
	before = ring[0]->written;
	vnet_input(r->core, r->dev[0].port, b);
	assert_int_equal(ring[0]->written - before, SIZE / 4 / 8 * 8);
	assert_int_equal(ring[0]->cut, 1);
	assert_true(ring[0]->left_out > VNET_BATCH);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(r->dev[i].n, VNET_BATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_frame_is_copied_where_it_comes_from_and_goes_to,
	                                    setup, teardown),
	    cmocka_unit_test_setup_teardown(nothing_is_copied_of_other_ports, setup, teardown),
	    cmocka_unit_test_setup_teardown(several_destinations_share_one_copy, setup, teardown),
	    cmocka_unit_test_setup_teardown(drops_have_their_cause, setup, teardown),
	    cmocka_unit_test_setup_teardown(learned_floods_and_refused_sources_are_seen, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(a_trace_has_the_same_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(events_are_groups_of_their_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_walk_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
