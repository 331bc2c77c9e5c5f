/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_netlib_sleep.c: frames that come to a member just before, or just after, it asks for an
 * interrupt.  Includes the library, to take that step itself.
 */
#include "tests/unit/rig/shm_nodes.h"

#define ANN member[0]
#define BEN member[1]

static bool before, after; /* when ann sends */

static void ask_and_send(_Atomic uint32_t *event, uint32_t value)
{
	if (before)
		member_send(&ANN, member_mac_of(1), 60, 0);
	atomic_store_explicit(event, value, memory_order_seq_cst);
	if (after)
		member_send(&ANN, member_mac_of(1), 60, 0);
}

#undef atomic_store
#define atomic_store ask_and_send
#include "guest-images/netlib/netlib.c"
#undef atomic_store

static unsigned sleeps;

static void sleep_once(void *ctx)
{
	(void)ctx;
	sleeps++;
}

static void setup(bool frame_before, bool frame_after)
{
	before = after = false;
	members_introduce();
	before = frame_before;
	after = frame_after;
	sleeps = 0;
}

/* No interrupt comes for it: so nobody may wait for one. */
static void a_frame_just_before(void **state)
{
	(void)state;
	setup(true, false);
	assert_true(netlib_arm(&BEN.lib));
	assert_int_equal(BEN.g->msis, 0);
	member_receive(&BEN, 60, 0);
	assert_true(netlib_wait(&BEN.lib, sleep_once, NULL));
	assert_int_equal(sleeps, 0);
	member_receive(&BEN, 60, 0);
}

/* An interrupt comes for it, though the frame is seen. */
static void a_frame_just_after(void **state)
{
	(void)state;
	setup(false, true);
	assert_true(netlib_arm(&BEN.lib));
	assert_int_equal(BEN.g->msis, 1);
	member_receive(&BEN, 60, 0);
}

static void a_frame_when_it_sleeps(void **state)
{
	(void)state;
	setup(false, false);
	assert_false(netlib_arm(&BEN.lib));
	member_send(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(BEN.g->msis, 1);
	/* It has frames, and asks for nothing. */
	before = true;
	assert_true(netlib_arm(&BEN.lib));
	member_receive(&BEN, 60, 0);
	assert_true(member_idle(&BEN));
	assert_int_equal(BEN.g->msis, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, members_setup, members_teardown)
	    T(a_frame_just_before),
	    T(a_frame_just_after),
	    T(a_frame_when_it_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
