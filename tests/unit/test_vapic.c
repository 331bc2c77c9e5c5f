/* SPDX-License-Identifier: BSD-2-Clause */
/* Which vCPUs an interrupt's destination selects, by the mode of the APICs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "vmm/devices/vapic_dest.c"

static const struct vapic x2 = {.base = APIC_BASE_X2 | APIC_BASE_EN};

static struct vapic page(uint8_t ldr, uint32_t dfr)
{
	return (struct vapic){.base = APIC_BASE_EN, .ldr = (uint32_t)ldr << 24, .dfr = dfr};
}

static void test_x2_physical(void **state)
{
	(void)state;
	for (unsigned id = 0; id < 64; id++)
		for (uint32_t dest = 0; dest < 300; dest++)
			assert_int_equal(vapic_matches(&x2, id, dest, false), dest == id);
	assert_true(vapic_matches(&x2, 5, 0xffffffff, false));
	assert_true(vapic_matches(&x2, 5, 0xffffffff, true));
}

/* A cluster is 16 APICs; the low half of the destination has a bit for each (11.12.10.2). */
static void test_x2_logical(void **state)
{
	(void)state;
	assert_true(vapic_matches(&x2, 0, 1, true));
	assert_true(vapic_matches(&x2, 15, 0x8001, true));
	assert_false(vapic_matches(&x2, 1, 0x8001, true));
	assert_true(vapic_matches(&x2, 17, 0x10002, true));
	assert_false(vapic_matches(&x2, 1, 0x10002, true));
	assert_false(vapic_matches(&x2, 17, 0x10000, true));
}

static void test_page_physical(void **state)
{
	struct vapic a = page(0, 0xffffffff);

	(void)state;
	assert_true(vapic_matches(&a, 3, 3, false));
	assert_false(vapic_matches(&a, 3, 2, false));
	assert_true(vapic_matches(&a, 3, 0xff, false));
	assert_true(vapic_matches(&a, 3, 0xabcdef03, false)); /* eight bits count */
}

static void test_page_flat(void **state)
{
	struct vapic a = page(0x04, 0xffffffff), none = page(0, 0xffffffff);

	(void)state;
	assert_true(vapic_matches(&a, 2, 0x06, true));
	assert_false(vapic_matches(&a, 2, 0x03, true));
	assert_true(vapic_matches(&a, 2, 0xff, true));
	assert_false(vapic_matches(&none, 2, 0x7f, true));
}

static void test_page_cluster(void **state)
{
	struct vapic a = page(0x12, 0x0fffffff); /* cluster 1, member 2 */

	(void)state;
	assert_true(vapic_matches(&a, 0, 0x13, true));
	assert_false(vapic_matches(&a, 0, 0x23, true));
	assert_false(vapic_matches(&a, 0, 0x11, true));
	assert_true(vapic_matches(&a, 0, 0xff, true));
}

/* One that is disabled answers to no name, in whatever mode it was. */
static void test_disabled(void **state)
{
	struct vapic off = {.base = 0, .ldr = 0xff000000, .dfr = 0xffffffff};

	(void)state;
	assert_false(vapic_matches(&off, 3, 3, false));
	assert_false(vapic_matches(&off, 3, 0xff, false));
	assert_false(vapic_matches(&off, 3, 0xffffffff, true));
	assert_false(vapic_matches(&off, 3, 1, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_x2_physical),   cmocka_unit_test(test_x2_logical),
	    cmocka_unit_test(test_page_physical), cmocka_unit_test(test_page_flat),
	    cmocka_unit_test(test_page_cluster),  cmocka_unit_test(test_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
