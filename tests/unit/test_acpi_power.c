/* SPDX-License-Identifier: BSD-2-Clause */
/* Power-off and reset by ACPI: registers of all kinds, and \_S5_ as AML compilers write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/acpi.h"

#define FADT 268 /* bytes, of ACPI 6 */

static uint8_t fadt[FADT];
static struct acpi_power power;

static void put(unsigned at, uint64_t v, size_t n)
{
	memcpy(fadt + at, &v, n);
}

static void gas(unsigned at, uint8_t space, uint8_t width, uint64_t address)
{
	fadt[at] = space;
	fadt[at + 1] = width;
	fadt[at + 2] = fadt[at + 3] = 0;
	put(at + 4, address, 8);
}

/* A PC's: ports 604h and 608h, reset by CF9h, SMI command port B2h. */
static int set_up(void **state)
{
	(void)state;
	memset(fadt, 0, sizeof fadt);
	put(48, 0xb2, 4);
	fadt[52] = 0xf1;
	put(64, 0x604, 4);
	fadt[89] = 2;
	put(112, 1 << 10, 4);
	gas(116, 1, 8, 0xcf9);
	fadt[128] = 6;
	return 0;
}

static void parse(size_t size)
{
	uint8_t *copy = malloc(size); /* the sanitizer watches its end */

	memcpy(copy, fadt, size);
	memset(&power, 0, sizeof power);
	acpi_power_parse((const void *)copy, size, &power);
	free(copy);
}

static void test_pc(void **state)
{
	(void)state;
	parse(129);
	assert_true(power.reset.present && power.reset.space == ACPI_IO);
	assert_int_equal(power.reset.address, 0xcf9);
	assert_int_equal(power.reset_value, 6);
	assert_true(power.pm1_control[0].present && !power.pm1_control[1].present);
	assert_int_equal(power.pm1_control[0].address, 0x604);
	assert_int_equal(power.pm1_control[0].bytes, 2);
	assert_int_equal(power.smi_port, 0xb2);
	assert_int_equal(power.acpi_enable, 0xf1);
	assert_false(power.sleep_control.present);
	put(68, 0xffff, 4); /* two bytes do not fit there */
	parse(129);
	assert_false(power.pm1_control[1].present);
	fadt[89] = 1;
	parse(129);
	assert_false(power.pm1_control[0].present);
	put(48, 0x100b2, 4);
	parse(116);
	assert_false(power.reset.present);
	assert_int_equal(power.smi_port, 0);
}

/* The newer form counts where it can be used, else the older. */
static void test_extended(void **state)
{
	(void)state;
	gas(172, 0, 32, 0xfed80804);
	gas(184, 1, 16, 0xb004);
	parse(FADT);
	assert_true(power.pm1_control[0].present && power.pm1_control[1].present);
	assert_int_equal(power.pm1_control[0].space, ACPI_MEMORY);
	assert_int_equal(power.pm1_control[0].address, 0xfed80804);
	assert_int_equal(power.pm1_control[1].address, 0xb004);
	gas(172, 0, 32, 0x1fed80804);
	parse(FADT);
	assert_int_equal(power.pm1_control[0].space, ACPI_IO);
	assert_int_equal(power.pm1_control[0].address, 0x604);
	parse(183); /* cut short */
	assert_false(power.pm1_control[1].present);
}

static void test_reduced(void **state)
{
	(void)state;
	put(112, 1 << 20 | 1 << 10, 4);
	gas(244, 0, 8, 0xfedc0000);
	parse(FADT);
	assert_true(power.sleep_control.present && power.reset.present);
	assert_false(power.pm1_control[0].present);
	assert_int_equal(power.smi_port, 0);
	parse(255);
	assert_false(power.sleep_control.present);
}

static void test_reset_registers(void **state)
{
	static const struct {
		uint8_t space, width, offset;
		uint64_t address;
		bool good;
	} c[] = {
	    {1, 8, 0, 0x64, true},          {1, 8, 0, 0, false},
	    {1, 8, 0, 0x10000, false},      {1, 0, 0, 0xcf9, false},
	    {1, 8, 1, 0xcf9, false},        {0, 8, 0, 0xfed00010, true},
	    {0, 8, 0, 0xffff, false},       {0, 8, 0, 0x100000000, false},
	    {0, 8, 0, ~0ull, false},        {1, 8, 0, ~0ull, false},
	    {2, 8, 0, 0x1f00000044, true},  {2, 8, 0, 0x1f000700ff, true},
	    {2, 8, 0, 0x2000000044, false}, {2, 8, 0, 0x1f00080044, false},
	    {2, 8, 0, 0x1f00000100, false}, {3, 8, 0, 0xcf9, false},
	    {0x7f, 8, 0, 0xcf9, false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof c / sizeof c[0]; i++) {
		gas(116, c[i].space, c[i].width, c[i].address);
		fadt[118] = c[i].offset;
		parse(FADT);
		assert_int_equal(power.reset.present, c[i].good);
	}
	gas(116, 1, 8, 0xcf9);
	put(112, 0, 4); /* the flag says that there is none */
	parse(FADT);
	assert_false(power.reset.present);
}

/* --- \_S5_ ---------------------------------------------------------------------------------- */

static uint8_t type[2];

static bool find(const void *aml, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	bool found;

	memcpy(copy, aml, size);
	type[0] = type[1] = 0xff;
	found = acpi_s5_find(copy, size, type);
	free(copy);
	return found;
}

#define S5(...)                                                                                    \
	(const uint8_t[])                                                                          \
	{                                                                                          \
		0x70, 0x08, __VA_ARGS__, 0xa4                                                      \
	}

/* Each is found, with these numbers; and no shorter piece of it, nor one whose package is cut. */
static void good(const uint8_t *aml, size_t size, uint8_t a, uint8_t b)
{
	assert_true(find(aml, size));
	assert_int_equal(type[0], a);
	assert_int_equal(type[1], b);
	for (size_t n = 0; n + 1 < size; n++)
		assert_false(find(aml, n));
}

static void test_s5_found(void **state)
{
	(void)state;
#define GOOD(a, b, ...) good(S5(__VA_ARGS__), sizeof S5(__VA_ARGS__), a, b)
	GOOD(0, 0, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0);             /* QEMU's */
	GOOD(5, 5, '_', 'S', '5', '_', 0x12, 8, 4, 0x0a, 5, 0x0a, 5, 0, 0); /* iasl's */
	GOOD(7, 1, '\\', '_', 'S', '5', '_', 0x12, 5, 2, 0x0a, 7, 1);
	GOOD(5, 0, '_', 'S', '5', '_', 0x12, 0x47, 0, 2, 0x0b, 5, 0, 0);
	GOOD(2, 3, '_', 'S', '5', '_', 0x12, 12, 2, 0x0c, 2, 0, 0, 0, 0x0c, 3, 0, 0, 0);
#undef GOOD
}

static void test_s5_refused(void **state)
{
	(void)state;
#define BAD(...) assert_false(find(S5(__VA_ARGS__), sizeof S5(__VA_ARGS__)))
	BAD('_', 'S', '4', '_', 0x12, 6, 4, 0, 0, 0, 0);
	BAD('_', 'S', '5', '_', 0x11, 6, 4, 0, 0, 0, 0);          /* a buffer */
	BAD('_', 'S', '5', '_', 0x12, 9, 4, 0, 0, 0, 0);          /* longer than the table */
	BAD('_', 'S', '5', '_', 0x12, 3, 4, 0, 0, 0, 0);          /* ends before the second */
	BAD('_', 'S', '5', '_', 0x12, 0, 4, 0, 0, 0, 0);          /* of no length */
	BAD('_', 'S', '5', '_', 0x12, 3, 1, 0, 0, 0, 0);          /* one element */
	BAD('_', 'S', '5', '_', 0x12, 7, 4, 0x0a, 8, 0, 0, 0);    /* above 7 */
	BAD('_', 'S', '5', '_', 0x12, 6, 4, 0x0d, 'x', 0, 0);     /* a string */
	BAD('_', 'S', '5', '_', 0x12, 0x76, 0, 2, 0, 0, 0, 0);    /* reserved bits of PkgLength */
	BAD('_', 'S', '5', '_', 0x12, 0xc6, 0, 0, 0, 2, 0, 0, 0); /* of less than its own bytes */
#undef BAD
	assert_false(find("", 0));
	assert_false(find("\x08", 1));
	assert_false(find("_S5_\x12\x06\x04\0\0\0\0", 11)); /* no NameOp before it */
}

/* The first definition that can be understood counts. */
static void test_s5_second(void **state)
{
	static const uint8_t aml[] = {8, '_', 'S', '5', '_', 0x12, 0x3f, 2, 0, 0,
	                              8, '_', 'S', '5', '_', 0x12, 4,    2, 1, 0};

	(void)state;
	assert_true(find(aml, sizeof aml));
	assert_int_equal(type[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_pc, set_up),
	    cmocka_unit_test_setup(test_extended, set_up),
	    cmocka_unit_test_setup(test_reduced, set_up),
	    cmocka_unit_test_setup(test_reset_registers, set_up),
	    cmocka_unit_test(test_s5_found),
	    cmocka_unit_test(test_s5_refused),
	    cmocka_unit_test(test_s5_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
