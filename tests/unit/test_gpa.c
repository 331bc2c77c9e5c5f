/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to guest memory: bounds, wrap-around, adjacent regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "drivers/bus/gpa.h"

static uint8_t low[4096], high[4096];

static struct gmem two_regions(void)
{
	struct gmem m = {0};

	assert_true(gmem_add(&m, 0, sizeof low, low));
	assert_true(gmem_add(&m, sizeof low, sizeof high, high));
	return m;
}

static void pointers_stay_inside_one_region(void **state)
{
	struct gmem m = two_regions();

	(void)state;
	assert_ptr_equal(gmem_ptr(&m, 0, 4096), low);
	assert_ptr_equal(gmem_ptr(&m, 4095, 1), low + 4095);
	assert_ptr_equal(gmem_ptr(&m, 4096, 4096), high);
	assert_null(gmem_ptr(&m, 4095, 2));
	assert_null(gmem_ptr(&m, 8192, 0));
	assert_null(gmem_ptr(&m, 1, UINT64_MAX));
	assert_null(gmem_ptr(&m, UINT64_MAX, 2));
}

static void adding_refuses_nonsense(void **state)
{
	struct gmem m = two_regions();

	(void)state;
	assert_false(gmem_add(&m, 8192, 0, low));
	assert_false(gmem_add(&m, UINT64_MAX - 10, 100, low));
	assert_false(gmem_add(&m, 8191, 10, low));
	assert_true(gmem_add(&m, 0x10000, 16, low));
	assert_true(gmem_add(&m, 0x20000, 16, low));
	assert_true(gmem_add_common(&m, 0x30000, 16, low));
	assert_false(gmem_add_common(&m, 0x3000f, 16, low));
	assert_true(gmem_add_common(&m, 0x40000, 16, low));
	assert_int_equal(m.n, GMEM_REGIONS);
	assert_false(gmem_add_common(&m, 0x50000, 16, low));
	assert_int_equal(m.common, 2);
}

/* Devices reach it; it is not the guest's own, and goes again. */
static void memory_in_common(void **state)
{
	struct gmem m = two_regions();
	uint8_t first[16], second[16];

	(void)state;
	assert_true(gmem_add_common(&m, 0x10000, sizeof first, first));
	assert_true(gmem_add_common(&m, 0x20000, sizeof second, second));
	assert_int_equal(gmem_own(&m), 2);
	assert_ptr_equal(gmem_ptr(&m, 0x10004, 12), first + 4);
	gmem_remove_common(&m, 4096); /* its own */
	gmem_remove_common(&m, 0x10000);
	assert_int_equal(gmem_own(&m), 2);
	assert_null(gmem_ptr(&m, 0x10004, 1));
	assert_ptr_equal(gmem_ptr(&m, 0x20000, 16), second);
	gmem_remove_common(&m, 0x10000);
	gmem_remove_common(&m, 0x20000);
	assert_int_equal(m.n, 2);
	assert_int_equal(m.common, 0);
	assert_ptr_equal(gmem_ptr(&m, 4096, 4096), high);
}

static void copies_cross_adjacent_regions(void **state)
{
	struct gmem m = two_regions();
	uint8_t in[6] = {1, 2, 3, 4, 5, 6}, out[6] = {0};

	(void)state;
	assert_true(gmem_write(&m, 4093, in, sizeof in));
	assert_int_equal(low[4095], 3);
	assert_int_equal(high[0], 4);
	assert_true(gmem_read(&m, 4093, out, sizeof out));
	assert_memory_equal(in, out, sizeof in);
	assert_false(gmem_read(&m, 8190, out, 3));
	assert_false(gmem_write(&m, UINT64_MAX, in, 2));
	assert_true(gmem_read(&m, 99999, out, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pointers_stay_inside_one_region),
	    cmocka_unit_test(adding_refuses_nonsense),
	    cmocka_unit_test(memory_in_common),
	    cmocka_unit_test(copies_cross_adjacent_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
