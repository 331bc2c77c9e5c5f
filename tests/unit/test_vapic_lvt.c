/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest may write to its local vector table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "vmm/devices/vapic_lvt.c"

#define LINT0 0x35
#define ERROR 0x37

static void test_modes(void **state)
{
	static const unsigned moded[] = {0x33, 0x34, 0x35, 0x36};
	uint32_t out;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		for (uint32_t mode = 0; mode < 8; mode++) {
			uint32_t value = mode << 8 | 0x41;
			bool allowed = mode == 0 || mode == 4;

			assert_int_equal(vapic_lvt_check(moded[i], value, &out),
			                 allowed ? VAPIC_LVT_TAKEN : VAPIC_LVT_KEPT_MASKED);
			assert_int_equal(out, value | (allowed ? 0 : LVT_MASKED));
			value |= LVT_MASKED;
			assert_int_equal(vapic_lvt_check(moded[i], value, &out), VAPIC_LVT_TAKEN);
			assert_int_equal(out, value);
		}
}

/* Read-only bits, which a driver writes back as it read them, are no fault. */
static void test_reserved(void **state)
{
	uint32_t out;

	(void)state;
	assert_int_equal(vapic_lvt_check(LINT0, 1ul << 32, &out), VAPIC_LVT_FAULT);
	assert_int_equal(vapic_lvt_check(LINT0, 1u << 11, &out), VAPIC_LVT_FAULT);
	assert_int_equal(vapic_lvt_check(ERROR, 2u << 8 | 0x41, &out), VAPIC_LVT_FAULT);
	assert_int_equal(vapic_lvt_check(0x31, 0x41, &out), VAPIC_LVT_FAULT);
	assert_int_equal(vapic_lvt_check(0x38, 0x41, &out), VAPIC_LVT_FAULT);
	assert_int_equal(vapic_lvt_check(LINT0, STATUS | REMOTE_IRR | 0x41, &out), VAPIC_LVT_TAKEN);
	assert_int_equal(out, 0x41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_modes),
	    cmocka_unit_test(test_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
