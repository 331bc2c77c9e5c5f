/* SPDX-License-Identifier: BSD-2-Clause */
/* test_poll.c: the turns of the core that polls; the switch and the hardware are this program's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

static uint64_t tsc_now;
#define rdtsc real_rdtsc
#include "arch/x86_64/cpu.h"
#undef rdtsc
static inline uint64_t rdtsc(void)
{
	return tsc_now;
}
#include "vmm/poll.c"

#define CORE 2

struct core cores[CORES_MAX];
unsigned ncores = CORES_MAX;
uint64_t tsc_khz = 2000000; /* 2000 ticks in a microsecond */
_Atomic uint64_t tick_next = UINT64_MAX;

static unsigned rounds, rests, unrests, sleeps, called, clocks;
static unsigned frames; /* that the next rounds find */
static bool may_rest;

void tick_move(uint64_t tsc)
{
	(void)tsc;
	clocks++;
}

unsigned vnet_poll(struct vnet_core *core, unsigned budget)
{
	unsigned n = frames < budget ? frames : budget;

	assert_ptr_equal(core, cores[CORE].net);
	rounds++;
	frames -= n;
	return n;
}

bool vnet_rest(struct vnet_core *core)
{
	assert_ptr_equal(core, cores[CORE].net);
	rests++;
	return may_rest;
}

void vnet_unrest(struct vnet_core *core)
{
	assert_ptr_equal(core, cores[CORE].net);
	assert_int_equal(rounds, 0); /* before it polls */
	unrests++;
}

void core_idle(struct core *c)
{
	assert_ptr_equal(c, &cores[CORE]);
	sleeps++;
}

void core_call(struct core *c, uint32_t requests)
{
	assert_ptr_equal(c, &cores[CORE]);
	assert_int_equal(requests, CORE_POLL);
	called++;
}

static int setup(void **state)
{
	(void)state;
	memset(cores, 0, sizeof cores);
	cores[CORE].net = (struct vnet_core *)&cores[CORE];
	rounds = rests = unrests = sleeps = called = clocks = frames = 0;
	may_rest = true;
	tsc_now = 1000000;
	poll_time_set(50);
	return 0;
}

/* So many turns, each of which takes a microsecond. */
static void turns(unsigned n)
{
	while (n--) {
		poll_turn(&cores[CORE]);
		tsc_now += 2000;
	}
}

static void it_sleeps_when_no_frame_came_for_the_time(void **state)
{
	(void)state;
	turns(50);
	assert_int_equal(rounds, 50);
	assert_int_equal(rests + sleeps, 0);
	turns(1);
	assert_int_equal(rests, 1);
	assert_int_equal(sleeps, 1);
	assert_int_equal(unrests, 1); /* at the beginning */
}

static void each_frame_begins_the_time_anew(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		turns(49);
		frames = i & 1 ? 1 : 64;
		turns(1);
	}
	assert_int_equal(rests, 0);
	frames = 200; /* more than one round takes */
	turns(4);
	assert_int_equal(frames, 0);
	turns(49);
	assert_int_equal(rests, 0);
	turns(1);
	assert_int_equal(sleeps, 1);
}

static void it_wakes_and_has_the_time_again(void **state)
{
	(void)state;
	turns(51);
	assert_int_equal(sleeps, 1);
	tsc_now += 1000000000;
	rounds = 0; /* what vnet_unrest() checks */
	turns(50);
	assert_int_equal(unrests, 2);
	assert_int_equal(sleeps, 1);
	turns(1);
	assert_int_equal(sleeps, 2);
}

/* Ports in mode poll, or a frame that came while drivers were asked for kicks. */
static void it_goes_on_where_it_may_not_rest(void **state)
{
	(void)state;
	may_rest = false;
	turns(100);
	assert_int_equal(rounds, 100);
	assert_int_equal(rests, 50);
	assert_int_equal(sleeps, 0);
	assert_int_equal(unrests, 1);
}

static void the_time_is_set(void **state)
{
	(void)state;
	poll_time_set(1000000);
	tsc_now += 2000;
	turns(1);
	tsc_now += 1000000 * 2000ull - 4000;
	turns(1);
	assert_int_equal(sleeps, 0);
	turns(1);
	assert_int_equal(sleeps, 1);
	poll_wake(CORE);
	assert_int_equal(called, 1);
}

static void its_rounds_are_counted(void **state)
{
	(void)state;
	ncores = CORE + 1;
	turns(51);
	assert_int_equal(poll_rounds(), 51);
	cores[0].poll_rounds = 100; /* it polled before */
	assert_int_equal(poll_rounds(), 151);
}

static void the_clock_is_set_first(void **state)
{
	(void)state;
	tick_next = 0;
	turns(3);
	assert_int_equal(clocks, 3);
	tick_next = UINT64_MAX;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(it_sleeps_when_no_frame_came_for_the_time, setup),
	    cmocka_unit_test_setup(each_frame_begins_the_time_anew, setup),
	    cmocka_unit_test_setup(it_wakes_and_has_the_time_again, setup),
	    cmocka_unit_test_setup(it_goes_on_where_it_may_not_rest, setup),
	    cmocka_unit_test_setup(the_time_is_set, setup),
	    cmocka_unit_test_setup(its_rounds_are_counted, setup),
	    cmocka_unit_test_setup(the_clock_is_set_first, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
