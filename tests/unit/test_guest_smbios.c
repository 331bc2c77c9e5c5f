/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's SMBIOS tables, read as a system reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/devices/guest_smbios.h"
#include "lib/bytes.h"
#include "vmm/load/load.h"

static uint8_t ram[GUEST_HIGH];
static struct gmem m;

static int setup(void **state)
{
	(void)state;
	m = (struct gmem){0};
	memset(ram, 0xaa, sizeof ram);
	return gmem_add(&m, 0, sizeof ram, ram) ? 0 : -1;
}

static uint8_t sum(const uint8_t *p, unsigned n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

/* By the signature on a 16-byte border, as Linux's dmi_scan_machine() does. */
static const uint8_t *find_entry(void)
{
	for (unsigned at = GUEST_BIOS; at < GUEST_HIGH; at += 16)
		if (!memcmp(ram + at, "_SM_", 4))
			return ram + at;
	fail();
	return NULL;
}

/* String number `n` of a structure. */
static const char *string(const uint8_t *s, unsigned n)
{
	const char *text = (const char *)s + s[1];

	assert_true(n);
	while (--n)
		text += strlen(text) + 1;
	return text;
}

static const uint8_t *next(const uint8_t *s)
{
	const uint8_t *p = s + s[1];

	while (p[0] || p[1])
		p++;
	return p + 2;
}

static void test_entry(void **state)
{
	const uint8_t *e;

	(void)state;
	assert_null(guest_smbios_build(&m, GUEST_SMBIOS_GPA));
	e = find_entry();
	assert_int_equal(e[5], 0x1f);
	assert_int_equal(sum(e, e[5]), 0);
	assert_memory_equal(e + 16, "_DMI_", 5);
	assert_int_equal(sum(e + 16, 15), 0);
	assert_true(e[6] == 2 && e[7] == 8 && e[30] == 0x28);
	assert_int_equal(ram[GUEST_SMBIOS_GPA + GUEST_SMBIOS_SIZE], 0xaa);
}

static void test_structures(void **state)
{
	static const struct {
		uint8_t type, length;
	} want[] = {{0, 0x18}, {1, 0x1b}, {3, 0x15}, {127, 4}};
	const uint8_t *e, *s, *end;
	unsigned longest;

	(void)state;
	assert_null(guest_smbios_build(&m, GUEST_SMBIOS_GPA));
	e = find_entry();
	s = ram + le32(e + 24);
	end = s + le16(e + 22);
	longest = 0;
	assert_int_equal(le16(e + 28), 4);
	for (unsigned i = 0; i < 4; i++) {
		unsigned size;

		assert_int_equal(s[0], want[i].type);
		assert_int_equal(s[1], want[i].length);
		assert_int_equal(le16(s + 2), i);
		size = (unsigned)(next(s) - s);
		longest = size > longest ? size : longest;
		s = next(s);
	}
	assert_ptr_equal(s, end);
	assert_int_equal(le16(e + 8), longest);
}

static void test_what_they_say(void **state)
{
	const uint8_t *bios, *machine;

	(void)state;
	assert_null(guest_smbios_build(&m, GUEST_SMBIOS_GPA));
	bios = ram + le32(find_entry() + 24);
	machine = next(bios);
	assert_string_equal(string(bios, bios[4]), "Patio");
	assert_string_equal(string(bios, bios[5]), "1");
	assert_string_equal(string(bios, bios[8]), "01/01/2026");
	assert_true(bios[19] & 0x10); /* a virtual machine */
	assert_string_equal(string(machine, machine[4]), "Patio");
	assert_string_equal(string(machine, machine[5]), "Guest");
}

static void test_refused(void **state)
{
	const char *why = "SMBIOS: the tables' place is no aligned guest memory below 4 GiB";

	(void)state;
	assert_string_equal(guest_smbios_build(&m, GUEST_SMBIOS_GPA + 8), why);
	assert_string_equal(guest_smbios_build(&m, GUEST_HIGH - 16), why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_entry, setup),
	    cmocka_unit_test_setup(test_structures, setup),
	    cmocka_unit_test_setup(test_what_they_say, setup),
	    cmocka_unit_test_setup(test_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
