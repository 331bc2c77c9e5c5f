/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_switch.c: the walk: checks, batches, counters, ports that come and go, polling. */
#include "tests/unit/rig/vnet_rig.h"
#include "vnet/state.h"

static void a_batch_visits_each_destination_once_in_order(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, IS(B), 1), rig_route(ANY, IS(C), 2),
	                               rig_route(ANY, IS(MAC_BROADCAST), 1),
	                               rig_route(ANY, IS(MAC_BROADCAST), 2)};
	static const mac_t dst[] = {B, C, MAC_BROADCAST, B, D};
	struct vnet_batch *b = vnet_core_batch(r->core);
	unsigned at[2] = {0, 0};
	struct vnet_port_stats in, out;

	rig_routes(r, t, 4);
	b->n = b->nseg = 0;
	for (unsigned i = 0; i < VNET_BATCH; i++)
		rig_add(r, b, dst[i % 5], A, i);
	assert_int_equal(vnet_input(r->core, r->dev[0].port, b), 13 + 13 + 2 * 13 + 13);
	assert_int_equal(r->dev[1].calls, 1);
	assert_int_equal(r->dev[2].calls, 1);
	for (unsigned i = 0; i < VNET_BATCH; i++) {
		if (dst[i % 5] == B || dst[i % 5] == MAC_BROADCAST)
			assert_int_equal(r->dev[1].serial[at[0]++], i);
		if (dst[i % 5] == C || dst[i % 5] == MAC_BROADCAST)
			assert_int_equal(r->dev[2].serial[at[1]++], i);
	}
	vnet_port_stats(r->dev[0].port, &in);
	vnet_port_stats(r->dev[1].port, &out);
	assert_int_equal(in.in_frames, 64);
	assert_int_equal(in.in_bytes, 64 * 64);
	assert_int_equal(in.drop[VNET_DROP_no_route], 12);
	assert_int_equal(out.out_frames, 39);
	assert_int_equal(out.out_bytes, 39 * 64);
	assert_int_equal(at[0], r->dev[1].n);
	assert_int_equal(at[1], r->dev[2].n);
}

static void refused_frames_do_not_count_out(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 1)};
	struct vnet_batch *b = vnet_core_batch(r->core);
	struct vnet_port_stats s;

	rig_routes(r, t, 1);
	r->dev[1].room = 3;
	b->n = b->nseg = 0;
	for (unsigned i = 0; i < 5; i++)
		rig_add(r, b, B, A, i);
	assert_int_equal(vnet_input(r->core, r->dev[0].port, b), 3);
	vnet_port_stats(r->dev[1].port, &s);
	assert_int_equal(s.out_frames, 3);
	assert_int_equal(s.out_bytes, 3 * 64);
	assert_int_equal(s.drop[VNET_DROP_rx_full], 2);
	vnet_drop(r->core, r->dev[1].port, VNET_DROP_rx_broken);
	assert_int_equal(rig_drops(r, 1, VNET_DROP_rx_broken), 1);
}

static void send_changed(struct rig *r, uint32_t len, struct vnet_hdr hdr)
{
	struct vnet_batch *b = vnet_core_batch(r->core);

	b->n = b->nseg = 0;
	rig_add(r, b, B, A, 0);
	b->frame[0].len = len;
	b->frame[0].hdr = hdr;
	vnet_input(r->core, r->dev[0].port, b);
}

static void bad_frames_are_named(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 1)};
	struct vnet_hdr none = {0}, csum = {.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34};
	struct vnet_hdr gso = {.gso_type = VNET_GSO_TCPV4, .gso_size = 1000};

	rig_routes(r, t, 1);
	send_changed(r, 13, none);
	send_changed(r, 0, none);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_runt), 2);
	send_changed(r, VNET_FRAME_MAX + 1, none);
	send_changed(r, UINT32_MAX, none);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_oversize), 2);
	csum.csum_offset = 29;
	send_changed(r, 64, csum);
	send_changed(r, 64, gso);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_bad_offload), 2);
	rig_send(r, 0, B, 1, 0);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_bad_source), 1);
	assert_int_equal(r->dev[1].n, 0);
	csum.csum_offset = 28;
	send_changed(r, 64, csum);
	send_changed(r, 14, none);
	assert_int_equal(r->dev[1].n, 2);
}

static void a_header_in_pieces_is_read(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(IS(A), IS(B), 1)};
	struct vnet_batch *b = vnet_core_batch(r->core);
	struct vnet_seg pieces[20];
	uint8_t *p = r->bytes[0];

	rig_routes(r, t, 1);
	b->n = b->nseg = 0;
	rig_add(r, b, B, A, 0);
	for (unsigned i = 0; i < 18; i++)
		pieces[i] = (struct vnet_seg){p + i, 1};
	pieces[18] = (struct vnet_seg){p, 0};
	pieces[19] = (struct vnet_seg){p + 18, 46};
	b->frame[0].seg = pieces;
	b->frame[0].nseg = 20;
	b->frame[0].contiguous_head = false;
	vnet_input(r->core, r->dev[0].port, b);
	assert_int_equal(r->dev[1].n, 1);
	b->frame[0].nseg = 13;
	vnet_input(r->core, r->dev[0].port, b);
	b->frame[0].nseg = 0;
	b->frame[0].seg = NULL;
	vnet_input(r->core, r->dev[0].port, b);
	assert_int_equal(rig_drops(r, 0, VNET_DROP_runt), 2);
	assert_int_equal(r->dev[1].n, 1);
}

static void networks_are_isolated(void **state)
{
	struct rig *r = *state;
	struct vnet_route t[] = {rig_route(ANY, ANY, 1), rig_route(ANY, IS(MAC_BROADCAST), 2),
	                         rig_route(ANY, ANY, 7)};

	t[2].net = 1;
	rig_routes(r, t, 3);
	for (unsigned i = 0; i < 2; i++) { /* anew, then cached under the other network's eyes */
		assert_int_equal(rig_reach_from(r, 0, B, A), 1 << 1);
		assert_int_equal(rig_reach_from(r, 6, B, A), 1 << 7);
		assert_int_equal(rig_reach_from(r, 0, MAC_BROADCAST, A), 1 << 2);
		assert_int_equal(rig_reach_from(r, 6, MAC_BROADCAST, A), 1 << 7);
	}
}

static void a_port_that_is_down_counts(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 1)};

	rig_routes(r, t, 1);
	r->dev[1].port->up = false;
	assert_int_equal(rig_reach(r, B, A), 0);
	assert_int_equal(rig_drops(r, 1, VNET_DROP_port_down), 1);
	r->dev[1].port->up = true;
	assert_int_equal(rig_reach(r, B, A), 1 << 1);
}

static void an_edge_that_is_down_is_the_bridge(void **state)
{
	struct rig *r = *state;
	struct vnet_route t[] = {rig_route(ANY, ANY, 5), rig_route(ANY, IS(B), 1)};

	assert_true(vnet_port_remove(r->dev[5].port));
	rig_port(r, 5, 0, VNET_EDGE);
	rig_routes(r, t, 2);
	assert_int_equal(rig_reach(r, C, A), 1 << 5);
	r->dev[5].port->up = false;
	assert_int_equal(rig_reach(r, C, A), 0);
	assert_int_equal(rig_reach(r, B, A), 1 << 1);
	assert_int_equal(rig_drops(r, 5, VNET_DROP_bridge_down), 1);
	assert_int_equal(rig_drops(r, 5, VNET_DROP_port_down), 0);
}

static void a_removed_port_takes_its_routes_along(void **state)
{
	struct rig *r = *state;
	struct vnet_route t[] = {rig_route(ANY, IS(B), 1), rig_route(ANY, IS(B), 2),
	                         rig_route(ANY, ANY, 3)};

	t[2].from = 1;
	rig_routes(r, t, 3);
	assert_int_equal(rig_reach(r, B, A), 1 << 1 | 1 << 2);
	assert_true(vnet_port_remove(r->dev[1].port));
	assert_int_equal(rig_count_routes(r->v), 1);
	assert_int_equal(rig_reach(r, B, A), 1 << 2);
	/* Its number comes back, for a port of another network: nothing leads there. */
	rig_port(r, 1, 1, 0);
	assert_int_equal(rig_reach(r, B, A), 1 << 2);
	assert_ptr_equal(vnet_port_get(r->v, 1), r->dev[1].port);
	assert_ptr_equal(vnet_port_find(r->v, "p1"), r->dev[1].port);
	assert_null(vnet_port_find(r->v, "p9"));
	assert_null(vnet_port_get(r->v, 9));
	assert_null(vnet_port_get(r->v, VNET_PORTS));
}

static void a_bad_port_is_refused(void **state)
{
	struct rig *r = *state;
	struct vnet *v = r->v;

	assert_null(vnet_port_add(v, "p0", 0, &rig_ops, NULL, 0));
	assert_null(vnet_port_add(v, "", 0, &rig_ops, NULL, 0));
	assert_null(vnet_port_add(v, "a-name-of-more-than-31-characters", 0, &rig_ops, NULL, 0));
	assert_null(vnet_port_add(v, "x", 2, &rig_ops, NULL, 0));
	assert_null(vnet_port_add(v, "x", VNET_NETS, &rig_ops, NULL, 0));
	rig_alloc_fails = 1;
	assert_null(vnet_port_add(v, "x", 0, &rig_ops, NULL, 0));
	assert_false(vnet_net_set(v, VNET_NETS, VNET_ROUTE));
	assert_null(vnet_create(&rig_mem, 0));
	assert_null(vnet_create(&rig_mem, VNET_CORES + 1));
	for (unsigned i = 1; i < 5; i++) {
		rig_alloc_fails = i;
		assert_null(vnet_create(&rig_mem, 2));
	}
	for (unsigned i = RIG_PORTS; i < VNET_PORTS; i++) {
		char name[16];

		snprintf(name, sizeof name, "x%u", i);
		assert_non_null(vnet_port_add(v, name, 0, &rig_ops, NULL, 0));
	}
	assert_null(vnet_port_add(v, "x", 0, &rig_ops, NULL, 0));
}

static void polled_ports_are_visited(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 1)};

	rig_routes(r, t, 1);
	r->dev[0].to_send = r->dev[2].to_send = r->dev[3].to_send = 20;
	r->dev[0].poll_dst = r->dev[2].poll_dst = r->dev[3].poll_dst = B;
	assert_int_equal(vnet_poll(r->core, 16), 0);
	vnet_port_set_mode(r->dev[0].port, VNET_POLL);
	vnet_port_set_mode(r->dev[2].port, VNET_POLL);
	vnet_port_set_mode(r->dev[3].port, VNET_POLL);
	r->dev[3].port->up = false;
	assert_int_equal(vnet_port_mode(r->dev[0].port), VNET_POLL);
	assert_int_equal(vnet_poll(r->core, 16), 32);
	vnet_port_set_mode(r->dev[2].port, VNET_KICK);
	assert_int_equal(vnet_poll(r->core, 16), 4);
	assert_int_equal(vnet_poll(r->core, 16), 0);
	assert_int_equal(r->dev[1].n, 36);
	atomic_flag_test_and_set(&r->dev[0].port->polled);
	r->dev[0].to_send = 1;
	assert_int_equal(vnet_poll(r->core, 16), 0);
}

static void cores_count_apart_and_are_summed(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 1)};
	struct vnet_port_stats s;

	rig_routes(r, t, 1);
	rig_send(r, 0, B, A, 0);
	r->core = vnet_core(r->v, 1);
	assert_int_equal(r->core->id, 1);
	assert_null(vnet_core(r->v, 2));
	rig_send(r, 0, B, A, 0);
	vnet_port_stats(r->dev[1].port, &s);
	assert_int_equal(s.out_frames, 2);
}

static void many_lists_fit_the_cache(void **state)
{
	struct rig *r = *state;
	const struct vnet_route t[] = {rig_route(ANY, ANY, 1), rig_route(ANY, ANY, 2),
	                               rig_route(ANY, ANY, 3)};

	rig_routes(r, t, 3);
	for (unsigned i = 0; i < 30000; i++)
		assert_int_equal(rig_send(r, 0, B + ((mac_t)i << 24), A, i), 3);
}

static void a_drop_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(vnet_drop_name[VNET_DROP_runt], "runt");
	assert_string_equal(vnet_drop_name[VNET_DROP_bridge_down], "bridge_down");
	assert_string_equal(vnet_drop_name[VNET_DROP_learn_full], "learn_full");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_batch_visits_each_destination_once_in_order),
	    T(refused_frames_do_not_count_out),
	    T(bad_frames_are_named),
	    T(a_header_in_pieces_is_read),
	    T(networks_are_isolated),
	    T(a_port_that_is_down_counts),
	    T(an_edge_that_is_down_is_the_bridge),
	    T(a_removed_port_takes_its_routes_along),
	    T(a_bad_port_is_refused),
	    T(polled_ports_are_visited),
	    T(cores_count_apart_and_are_summed),
	    T(many_lists_fit_the_cache),
	    T(a_drop_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
