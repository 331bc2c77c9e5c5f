/* SPDX-License-Identifier: BSD-2-Clause */
/* A physical MSI-X table behind a guest's copy: what is written to the device, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/passthrough/msix_table.h"

#define N       3
#define APIC    0xfee00000u
#define REFUSED 0xbad

static uint32_t copy[N][4], hw[N][4];
static struct msix_pass t;

/* Vector v of the guest's APIC 1 is vector v of this machine's APIC 9. */
static bool translate(void *ctx, unsigned n, const struct msix_message *guest,
                      struct msix_message *phys)
{
	assert_ptr_equal(ctx, &t);
	assert_int_equal(copy[n][2], guest->data); /* the entry is that one */
	if (guest->data == REFUSED || guest->addr != (APIC | 1 << 12))
		return false;
	*phys = (struct msix_message){APIC | 9 << 12, guest->data};
	return true;
}

static int setup(void **state)
{
	(void)state;
	memset(copy, 0, sizeof copy);
	memset(hw, 0, sizeof hw);
	t = (struct msix_pass){.n = N, .entry = copy, .hw = hw, .translate = translate, .ctx = &t};
	msix_pass_reset(&t);
	return 0;
}

static void put(uint32_t off, unsigned size, uint64_t val)
{
	msix_pass_access(&t, off, size, true, &val);
}

static uint64_t get(uint32_t off, unsigned size)
{
	uint64_t val = 0x5555;

	msix_pass_access(&t, off, size, false, &val);
	return val;
}

static void entry(unsigned i, uint32_t data)
{
	put(16 * i, 4, APIC | 1 << 12);
	put(16 * i + 4, 4, 0);
	put(16 * i + 8, 4, data);
	put(16 * i + 12, 4, 0);
}

static void sends(unsigned i, uint32_t data)
{
	assert_int_equal(hw[i][0], APIC | 9 << 12);
	assert_int_equal(hw[i][1], 0);
	assert_int_equal(hw[i][2], data);
	assert_int_equal(hw[i][3], 0);
}

static void masked_at_first(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(hw[i][3], 1);
		assert_int_equal(get(16 * i + 12, 4), 1);
	}
}

static void nothing_before_it_is_enabled(void **state)
{
	(void)state;
	entry(1, 0x41);
	assert_int_equal(hw[1][3], 1);
	msix_pass_enable(&t, true);
	sends(1, 0x41);
	assert_int_equal(hw[0][3], 1);
	assert_int_equal(hw[2][3], 1);
	msix_pass_enable(&t, false);
	assert_int_equal(hw[1][3], 1);
}

/* The guest reads what it wrote, never this machine's addresses. */
static void changes(void **state)
{
	(void)state;
	msix_pass_enable(&t, true);
	entry(0, 0x31);
	sends(0, 0x31);
	assert_int_equal(get(0, 4), APIC | 1 << 12);
	put(12, 4, 1);
	assert_int_equal(hw[0][3], 1);
	put(8, 8, 0x32); /* data, and unmasked */
	sends(0, 0x32);
	assert_true(get(8, 8) == 0x32);
	put(12, 4, 0xfffffffe); /* reserved bits are no mask */
	sends(0, 0x32);
	assert_int_equal(get(12, 4), 0);
	msix_pass_reset(&t);
	assert_int_equal(hw[0][3], 1);
	assert_int_equal(get(0, 4), 0);
}

static void refused(void **state)
{
	(void)state;
	msix_pass_enable(&t, true);
	entry(2, 0x41);
	sends(2, 0x41);
	put(16 * 2 + 8, 4, REFUSED);
	assert_int_equal(hw[2][3], 1);
	put(16 * 2 + 8, 4, 0x42);
	sends(2, 0x42);
	put(16 * 2, 4, APIC | 2 << 12);
	assert_int_equal(hw[2][3], 1);
}

static void odd_accesses(void **state)
{
	uint32_t before[N][4];

	(void)state;
	msix_pass_enable(&t, true);
	memcpy(before, hw, sizeof hw);
	put(0, 1, 0xff);
	put(2, 4, 0xffffffff);
	put(4, 8, ~0ull);
	put(16 * N, 4, 0xffffffff);
	put(0xfffffff0, 8, ~0ull);
	put((uint32_t)-4, 8, ~0ull); /* begins before the table and ends in it */
	put((uint32_t)-1, 4, ~0u);
	assert_memory_equal(hw, before, sizeof hw);
	assert_true(get(12, 2) == ~0ull);
	assert_true(get(16 * N, 4) == ~0ull);
	assert_int_equal(get(0, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(masked_at_first, setup),
	    cmocka_unit_test_setup(nothing_before_it_is_enabled, setup),
	    cmocka_unit_test_setup(changes, setup),
	    cmocka_unit_test_setup(refused, setup),
	    cmocka_unit_test_setup(odd_accesses, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
