/* SPDX-License-Identifier: BSD-2-Clause */
/* Which values of XCR0, PAT and MTRRdefType a guest may set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "vmm/policy.h"

#define X87    0x1ul
#define SSE    0x2ul
#define AVX    0x4ul
#define MPX    0x18ul
#define AVX512 0xe0ul
#define PKRU   0x200ul
#define AMX    0x60000ul
#define LWP    (1ul << 62)

static void test_xcr0(void **state)
{
	uint64_t all = ~0ul;

	(void)state;
	assert_true(xcr0_valid(X87, all));
	assert_true(xcr0_valid(X87 | SSE | AVX, all));
	assert_true(xcr0_valid(X87 | SSE | AVX | AVX512 | PKRU | AMX, all));
	assert_false(xcr0_valid(0, all));
	assert_false(xcr0_valid(SSE, all));
	assert_false(xcr0_valid(X87 | AVX, all));
	assert_false(xcr0_valid(X87 | SSE | AVX512, all));
	assert_false(xcr0_valid(X87 | LWP, all));
	assert_false(xcr0_valid(X87 | MPX, all)); /* with a register that no world switch carries */
	assert_false(xcr0_valid(X87 | SSE | AVX, X87 | SSE));
}

/* Parts of what only goes together, each bit alone. */
static void test_xcr0_halves(void **state)
{
	static const uint64_t together[] = {AVX512, AMX};

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned bit = 0; bit < 64; bit++)
			if (together[i] >> bit & 1)
				assert_false(xcr0_valid(X87 | SSE | AVX | 1ul << bit, ~0ul));
}

static void test_pat(void **state)
{
	(void)state;
	assert_true(pat_valid(0x0007040600070406));
	for (unsigned byte = 0; byte < 8; byte++)
		for (unsigned type = 0; type < 256; type++) {
			bool good = type < 8 && type != 2 && type != 3;

			assert_int_equal(pat_valid((uint64_t)type << 8 * byte), good);
		}
}

static void test_mtrr(void **state)
{
	(void)state;
	assert_true(mtrr_def_type_valid(MTRR_DEF_TYPE_BOOT));
	for (unsigned type = 0; type < 256; type++) {
		bool good = type <= 6 && type != 2 && type != 3;

		assert_int_equal(mtrr_def_type_valid(type), good);
		assert_int_equal(mtrr_def_type_valid(0xc00 | type), good);
	}
	for (unsigned bit = 8; bit < 64; bit++)
		assert_int_equal(mtrr_def_type_valid(1ul << bit), bit == 10 || bit == 11);
}

static void test_bus_lock(void **state)
{
	uint64_t now, last;

	(void)state;
	assert_int_equal(bus_lock_rest(5000, 0, 1000), 5000);    /* long ago: at once */
	assert_int_equal(bus_lock_rest(5000, 4000, 1000), 5000); /* just long enough */
	assert_int_equal(bus_lock_rest(5000, 4001, 1000), 5001);
	assert_int_equal(bus_lock_rest(5000, 5000, 1000), 6000); /* never more than the gap */
	now = 0;
	last = 0;
	for (unsigned i = 0; i < 1000; i++) /* one that makes them for ever */
		last = now = bus_lock_rest(now, last, 1000);
	assert_int_equal(now, 1000 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bus_lock),    cmocka_unit_test(test_xcr0),
	    cmocka_unit_test(test_xcr0_halves), cmocka_unit_test(test_pat),
	    cmocka_unit_test(test_mtrr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
