/* SPDX-License-Identifier: BSD-2-Clause */
/* Which accesses to absent memory are logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "vmm/devices/absent.h"

#define SECOND 1000ul
#define PAGE   4096ul
#define START  5000ul

static struct absent a;
static uint64_t before;

static int fresh(void **state)
{
	(void)state;
	a = (struct absent){0};
	before = 99;
	return 0;
}

static bool read_at(uint64_t gpa, uint64_t now)
{
	return absent_count(&a, gpa, false, now, SECOND, &before);
}

static void test_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 7; i++)
		absent_count(&a, i, i % 3 == 0, START, SECOND, &before);
	assert_int_equal(a.writes, 3);
	assert_int_equal(a.reads, 4);
}

/* A page once in a second, whatever is touched in it and how. */
static void test_page_once(void **state)
{
	(void)state;
	assert_true(read_at(0xfec00000, START));
	assert_int_equal(before, 0);
	assert_false(read_at(0xfec00010, START));
	assert_false(absent_count(&a, 0xfec00fff, true, START + SECOND - 1, SECOND, &before));
	assert_true(read_at(0xfec00000, START + SECOND));
	assert_int_equal(before, 2);
	assert_true(read_at(0xfec01000, START + SECOND));
	assert_int_equal(before, 0);
}

/* Whatever the guest touches: no more than ABSENT_NAMED in any second. */
static void test_limit(void **state)
{
	uint64_t named[64] = {0};
	unsigned n = 0;

	(void)state;
	for (uint64_t t = START; t < START + 5 * SECOND; t += 7)
		if (read_at(t * PAGE, t))
			named[n++] = t;
	assert_in_range(n, 4 * ABSENT_NAMED, 6 * ABSENT_NAMED);
	for (unsigned i = ABSENT_NAMED; i < n; i++)
		assert_true(named[i] - named[i - ABSENT_NAMED] >= SECOND);
}

/* What others crowd out is named when there is room again, with how many went before. */
static void test_crowded_out(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ABSENT_NAMED; i++)
		assert_true(read_at(i * PAGE, START + i));
	for (unsigned i = 0; i < 10; i++)
		assert_false(read_at(100 * PAGE, START + 10));
	assert_true(read_at(100 * PAGE, START + SECOND));
	assert_int_equal(before, 10);
	assert_false(read_at(1 * PAGE, START + SECOND)); /* named a second ago less one tick */
}

/* Another core's time stamp may be a little behind. */
static void test_clock_behind(void **state)
{
	(void)state;
	assert_true(read_at(PAGE, START));
	assert_false(read_at(PAGE, START - 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_counts, fresh),
	    cmocka_unit_test_setup(test_page_once, fresh),
	    cmocka_unit_test_setup(test_limit, fresh),
	    cmocka_unit_test_setup(test_crowded_out, fresh),
	    cmocka_unit_test_setup(test_clock_behind, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
