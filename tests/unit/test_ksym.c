/* SPDX-License-Identifier: BSD-2-Clause */
/* Function names by address, over a small table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "lib/ksym.h"

const unsigned ksym_count = 3;
const uint32_t ksym_addr[] = {0x100000, 0x100040, 0x100400, 0x100500};
const uint32_t ksym_name_off[] = {0, 6, 11, 16};
const char ksym_names[] = "start\0main\0last\0";

static void finds(uint64_t addr, const char *name, uint64_t offset)
{
	uint64_t got = 0;

	assert_string_equal(ksym_find(addr, &got), name);
	assert_int_equal(got, offset);
}

static void names_and_offsets(void **state)
{
	(void)state;
	finds(0x100000, "start", 0);
	finds(0x10003f, "start", 0x3f);
	finds(0x100040, "main", 0);
	finds(0x1003ff, "main", 0x3bf);
	finds(0x100400, "last", 0);
	finds(0x1004ff, "last", 0xff);
}

static void nothing_outside(void **state)
{
	uint64_t offset;

	(void)state;
	assert_null(ksym_find(0xfffff, &offset));
	assert_null(ksym_find(0x100500, &offset));
	assert_null(ksym_find(0, &offset));
	assert_null(ksym_find(0x100100000, &offset));
	assert_null(ksym_find(UINT64_MAX, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_and_offsets),
	    cmocka_unit_test(nothing_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
