/* SPDX-License-Identifier: BSD-2-Clause */
/* Which device answers at a guest's I/O port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "vmm/devices/io.c"

static struct vm vm;
static unsigned calls;
static uint16_t last;

static void device(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	assert_ptr_equal(ctx, &calls);
	(void)size;
	calls++;
	last = offset;
	if (in)
		*val = 0x1234;
}

static void no_msi(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx;
	(void)addr;
	(void)data;
}

static int begin(void **state)
{
	(void)state;
	vm.io.n = 0;
	calls = 0;
	vpci_init(&vm.pci, no_msi, NULL);
	io_claim(&vm.io, 0x3f8, 8, device, &calls);
	return 0;
}

static uint32_t in(uint16_t port, unsigned size)
{
	uint32_t val = 0x55555555;

	io_access(&vm, port, size, true, &val);
	return val;
}

static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(in(0x3f8, 1), 0x1234);
	assert_int_equal(last, 0);
	assert_int_equal(in(0x3ff, 1), 0x1234);
	assert_int_equal(last, 7);
	assert_int_equal(in(0x3f7, 4), 0xffffffff);
	assert_int_equal(in(0x400, 1), 0xffffffff);
	assert_int_equal(in(0xffff, 4), 0xffffffff);
	assert_int_equal(calls, 2);
}

/* Every port, every size: an absent one reads ones, but for those that Linux waits on. */
static void test_absent(void **state)
{
	(void)state;
	for (unsigned port = 0; port < 0x10000; port++) {
		bool zero = port == 0x70 || port == 0x71;

		if (port - 0x3f8 < 8 || port - 0xcf8 < 8)
			continue;
		assert_int_equal(in((uint16_t)port, 1), zero ? 0 : 0xffffffff);
	}
	assert_int_equal(calls, 0);
}

static void test_full_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * IO_RANGES; i++)
		io_claim(&vm.io, (uint16_t)(0x9000 + i), 1, device, &calls);
	assert_int_equal(vm.io.n, IO_RANGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_bounds, begin),
	    cmocka_unit_test_setup(test_absent, begin),
	    cmocka_unit_test_setup(test_full_table, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
