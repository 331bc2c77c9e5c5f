/* SPDX-License-Identifier: BSD-2-Clause */
/* test_shm_rules.c: members of a trust group that break rules, hoard, leave and come back: nobody
 * else notices, and no buffer is lost. */
#include "tests/unit/rig/shm_nodes.h"

#define ANN member[0]
#define BEN member[1]
#define CAT member[2]

/* ---- who breaks a rule stops, alone ---- */

static void breaks(struct shm_desc d, const char *counter, unsigned number)
{
	unsigned msis = ANN.g->msis;
	struct netlib_frame f;

	member_write_out(&ANN, d);
	assert_false(netlib_running(&ANN.lib));
	assert_int_equal(ANN.g->msis, msis + 1); /* it may sleep already, and wait for frames */
	assert_int_equal(guest_in(ANN.g, ANN.io + SHM_IO_STATUS, 4), SHM_BROKEN);
	assert_int_equal(member_counter(&ANN, counter), number);
	check_shares();
	/* No start without a reset; nothing is taken, and nothing comes. */
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, SHM_START);
	assert_false(netlib_running(&ANN.lib));
	nic_send(&node[0], member_mac_of(0), 60, 0);
	assert_true(member_idle(&ANN));
	members_drain(); /* an address whose port is down is unknown */
	member_send(&BEN, member_mac_of(2), 60, 5);
	member_drop(&CAT, member_receive(&CAT, 60, 5));
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	check_shares();
	member_start(&ANN);
	nic_send(&node[0], member_mac_of(0), 60, 2);
	f = member_receive(&ANN, 60, 2);
	member_drop(&ANN, f);
	check_shares();
}

static uint32_t place(const struct netlib_frame *f)
{
	return (uint32_t)(f->data - group->buffer);
}

static void each_broken_rule_has_its_counter(void **state)
{
	struct netlib_frame own, others;
	struct shm_desc d;

	(void)state;
	members_introduce();
	breaks((struct shm_desc){.at = (uint32_t)group->bytes, .length = 60},
	       "violation.out_of_region", 1);
	breaks((struct shm_desc){.at = ~0u, .length = 60}, "violation.out_of_region", 2);
	/* A spare one of its own, another's, one of its own after it was given. */
	breaks((struct shm_desc){.at = ANN.device->spare[0] * SHM_BUFFER, .length = 60},
	       "violation.wrong_owner", 1);
	others = member_compose(&BEN, mac_of(0), 60, 0);
	breaks((struct shm_desc){.at = place(&others), .length = 60}, "violation.wrong_owner", 2);
	own = member_compose(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(netlib_send(&ANN.lib, &own, 1), 1);
	breaks((struct shm_desc){.at = place(&own), .length = 60}, "violation.wrong_owner", 3);
	for (unsigned i = 0; i < 4; i++) {
		own = member_compose(&ANN, mac_of(0), 60, 0);
		d = (struct shm_desc){.at = place(&own), .action = i < 2 ? SHM_NEXT : SHM_TO};
		d.length = i % 2 ? SHM_BUFFER - SHM_HEADROOM + 1 : 0xffff;
		breaks(d, "violation.bad_length", i + 1);
	}
	own = member_compose(&ANN, mac_of(0), 60, 0);
	d = (struct shm_desc){.at = place(&own), .length = 60, .action = SHM_OUT + 1};
	breaks(d, "violation.bad_action", 1);
	own = member_compose(&ANN, mac_of(0), 60, 0);
	breaks((struct shm_desc){.at = place(&own), .length = 60, .to = 1}, "violation.bad_action",
	       2);
	own = member_compose(&ANN, mac_of(0), 60, 0);
	breaks((struct shm_desc){.at = place(&own), .length = 60, .action = SHM_TO, .to = 3},
	       "violation.bad_action", 3);
}

/* A frame of no bytes is the switch's to refuse, as any that is too short. */
static void an_empty_frame_is_a_runt(void **state)
{
	struct netlib_frame f;

	(void)state;
	members_introduce();
	f = member_compose(&ANN, mac_of(0), 60, 0);
	f.length = 0;
	assert_int_equal(netlib_send(&ANN.lib, &f, 1), 1);
	assert_int_equal(member_drops(&ANN, VNET_DROP_runt), 1);
	assert_true(netlib_running(&ANN.lib));
	check_shares();
}

/* The same buffer twice in one batch: the first counts. */
static void a_buffer_twice_in_a_batch(void **state)
{
	struct netlib_frame f[2];

	(void)state;
	members_introduce();
	f[0] = f[1] = member_compose(&ANN, member_mac_of(1), 60, 4);
	assert_int_equal(netlib_send(&ANN.lib, f, 2), 2);
	member_receive(&BEN, 60, 4);
	assert_true(member_idle(&BEN));
	assert_int_equal(member_counter(&ANN, "violation.wrong_owner"), 1);
	assert_false(netlib_running(&ANN.lib));
	check_shares();
}

static void indices_that_run_ahead(void **state)
{
	struct shm_private *s = ANN.shared;

	(void)state;
	members_introduce();
	atomic_store(&s->out.head, ANN.device->out_tail + group->entries + 1);
	guest_out(ANN.g, ANN.io + SHM_IO_DOORBELL, 2, 0);
	assert_int_equal(member_counter(&ANN, "violation.ring_broken"), 1);
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	member_start(&ANN);
	atomic_store(&s->free.tail, atomic_load(&s->free.head) + 1);
	guest_out(ANN.g, ANN.io + SHM_IO_DOORBELL, 2, 0);
	assert_int_equal(member_counter(&ANN, "violation.ring_broken"), 2);
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	member_start(&ANN);
	/* Seen by who delivers, when the tail is needed. */
	ANN.device->in_head += group->entries;
	atomic_store(&s->in.tail, ANN.device->in_head + 1);
	nic_send(&node[0], member_mac_of(0), 60, 0);
	assert_int_equal(member_counter(&ANN, "violation.ring_broken"), 3);
	assert_false(netlib_running(&ANN.lib));
	check_shares();
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	check_shares();
}

/* A tail that does not move: the ring is full before the buffers are used up. */
static void a_ring_that_is_never_emptied(void **state)
{
	struct netlib_frame f;
	unsigned sent = 0;

	(void)state;
	members_introduce();
	for (; sent < 3 * group->entries; sent++) {
		member_send(&BEN, member_mac_of(0), 60, 0);
		/* It takes the frame and drops it, but does not say that it took it. */
		if (netlib_receive(&ANN.lib, &f, 1))
			member_drop(&ANN, f);
		atomic_store(&ANN.shared->in.tail, 5);
	}
	assert_true(member_drops(&ANN, VNET_DROP_rx_full) > group->entries);
	assert_true(netlib_running(&BEN.lib));
	check_shares();
}

/* ---- joining, leaving, restart ---- */

static void a_restart_brings_its_buffers_back(void **state)
{
	struct netlib_frame f;

	(void)state;
	members_introduce();
	for (unsigned i = 0; i < 50; i++)
		member_send(&ANN, member_mac_of(1), 60, (uint8_t)i);
	for (unsigned i = 0; i < 20; i++)
		member_receive(&BEN, 60, (uint8_t)i);
	while (netlib_take(&BEN.lib, &f, 1))
		;
	vpci_reset(&BEN.g->pci);
	assert_int_equal(BEN.device->nspare, group->share);
	check_shares();
	assert_int_equal(member_counter(&BEN, "resets"), 1);
	member_send(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(member_drops(&BEN, VNET_DROP_port_down), 1);
	guest_cfg_set(BEN.g, 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	member_start(&BEN);
	member_send(&ANN, member_mac_of(1), 60, 8);
	member_receive(&BEN, 60, 8);
	check_shares();
}

/* Another guest in its seat gets what the last one had, though none of it is where it began. */
static void who_leaves_makes_room(void **state)
{
	struct netlib_frame f;

	(void)state;
	members_introduce();
	for (unsigned i = 0; i < 40; i++)
		member_send(&ANN, member_mac_of(1), 60, 0);
	while (netlib_receive(&BEN.lib, &f, 1))
		;
	member_leave(1);
	check_shares();
	assert_null(atomic_load(&group->member[1]));
	member_join(1);
	member_start(&BEN);
	check_shares();
	member_send(&BEN, member_mac_of(0), 99, 1);
	member_receive(&ANN, 99, 1);
}

static void seats_and_sizes(void **state)
{
	static struct shm_member other;
	static struct shm_group g;
	struct shm_member_config c = {.name = "x", .shared = ANN.shared};

	(void)state;
	assert_false(shm_member_init(&other, group, 0, &c));
	assert_false(shm_member_init(&other, group, MEMBERS, &c));
	assert_false(shm_group_init(&g, region, 2 << 20, 0));
	assert_false(shm_group_init(&g, region, 2 << 20, SHM_SEATS + 1));
	assert_false(shm_group_init(&g, region, 4096, 1));
	assert_false(shm_group_init(&g, region, 16 * 2 * SHM_BUFFER - 1, 2));
	assert_true(shm_group_init(&g, region, 16 * 2 * SHM_BUFFER, 2));
	assert_int_equal(g.share, 16);
	/* Not more than a guest can have, however large the region is. */
	assert_true(shm_group_init(&g, region, 1ull << 40, 2));
	assert_int_equal(g.share, SHM_SHARE_MAX);
	assert_int_equal(g.entries, SHM_ENTRIES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, members_setup, members_teardown)
	    T(each_broken_rule_has_its_counter),
	    T(an_empty_frame_is_a_runt),
	    T(a_buffer_twice_in_a_batch),
	    T(indices_that_run_ahead),
	    T(a_ring_that_is_never_emptied),
	    T(a_restart_brings_its_buffers_back),
	    T(who_leaves_makes_room),
	    T(seats_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
