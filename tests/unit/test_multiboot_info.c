/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's information in a model of memory: as GRUB and QEMU leave it, and malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/multiboot.h"

#define MEMORY  0x10000u
#define BASE    0x90000u
#define MB1     0x2badb002u
#define MB2     0x36d76289u
#define INFO    0u /* offsets in the model */
#define MODULES 0x200u
#define MAP     0x400u
#define TEXT    0x800u
#define MODULE  0x8000u

static uint8_t *memory;
static struct boot_info info;
static unsigned reads;

static const uint8_t *model(uint64_t at, uint64_t size)
{
	reads++;
	if (at < BASE || at - BASE > MEMORY || size > MEMORY - (at - BASE))
		return NULL;
	return memory + (at - BASE);
}

static void put32(unsigned off, uint32_t v)
{
	memcpy(memory + off, &v, 4);
}

static void put64(unsigned off, uint64_t v)
{
	memcpy(memory + off, &v, 8);
}

static unsigned put_text(unsigned off, const char *text)
{
	memcpy(memory + off, text, strlen(text) + 1);
	return off + (unsigned)strlen(text) + 1;
}

static int set_up(void **state)
{
	(void)state;
	memory = calloc(1, MEMORY);
	reads = 0;
	return !memory;
}

static int tear_down(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static void put_map1(unsigned off, uint32_t type, uint64_t start, uint64_t size)
{
	put32(off, 20);
	put64(off + 4, start);
	put64(off + 12, size);
	put32(off + 20, type);
}

static void put_mb1(void)
{
	put32(INFO, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	put32(INFO + 16, BASE + TEXT);
	put32(INFO + 20, 1);
	put32(INFO + 24, BASE + MODULES);
	put32(INFO + 44, 3 * 24);
	put32(INFO + 48, BASE + MAP);
	put32(INFO + 64, BASE + TEXT + 100);
	put32(MODULES, BASE + MODULE);
	put32(MODULES + 4, BASE + MODULE + 64);
	put32(MODULES + 8, BASE + TEXT + 200);
	put_map1(MAP, 1, 0x100000, 0x1000000);
	put_map1(MAP + 24, 2, 0xf0000, 0x10000);
	put_map1(MAP + 48, 1, 1ul << 32, 0);
	put_text(TEXT, "log=debug");
	put_text(TEXT + 100, "qemu");
	put_text(TEXT + 200, "/boot/patio.conf one two");
}

static const char *read1(void)
{
	return multiboot_read(MB1, BASE + INFO, model, &info);
}

static const char *read2(void)
{
	return multiboot_read(MB2, BASE + INFO, model, &info);
}

static void expect_good(void)
{
	assert_string_equal(info.cmdline, "log=debug");
	assert_string_equal(info.loader, "qemu");
	assert_int_equal(info.nmodules, 1);
	assert_string_equal(info.module[0].name, "patio.conf");
	assert_string_equal(info.module[0].args, "one two");
	assert_int_equal(info.module[0].size, 64);
	assert_int_equal(info.nram, 1);
	assert_int_equal(info.ram[0].size, 0x1000000);
	assert_int_equal(info.nfirmware, 1);
}

static void test_mb1(void **state)
{
	(void)state;
	put_mb1();
	assert_null(read1());
	expect_good();
}

/* Each address and length by itself: refused, or read as far as there is something. */
static void test_mb1_hostile(void **state)
{
	static const uint32_t bad[] = {0, 1, BASE - 1, BASE + MEMORY - 1, BASE + MEMORY, ~0u};

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		static const unsigned pointer[] = {INFO + 24, INFO + 48, MODULES, MODULES + 4};

		for (unsigned k = 0; k < sizeof pointer / sizeof pointer[0]; k++) {
			const char *why;
			bool longer;

			put_mb1();
			put32(pointer[k], bad[i]);
			why = read1();
			longer = pointer[k] == MODULES + 4 && bad[i] >= BASE + MODULE &&
			         bad[i] <= BASE + MEMORY;
			assert_int_equal(why == NULL, longer);
		}
		put_mb1();
		put32(INFO + 16, bad[i]); /* strings: what there is of them */
		put32(MODULES + 8, bad[i]);
		assert_null(read1());
		assert_true(multiboot_read(MB1, bad[i], model, &info) != NULL);
	}
	put_mb1();
	put32(INFO + 20, ~0u);
	assert_non_null(read1());
	put_mb1();
	put32(INFO + 44, ~0u);
	assert_non_null(read1());
	assert_true(reads < 20000);
}

/* An entry that says it has no size would be met for ever, one that wraps leads back. */
static void test_mb1_map_steps(void **state)
{
	static const uint32_t bad[] = {0, 19, 0xfffffffc, 0xffffffff, 0x80000000};

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put_mb1();
		put32(MAP, bad[i]);
		assert_null(read1());
		assert_int_equal(info.nram, 0);
	}
	put_mb1();
	put64(MAP + 12, ~0ul); /* wraps */
	assert_null(read1());
	assert_int_equal(info.nram, 0);
	put_mb1();
	memset(memory + MAP, 0, 200 * 24);
	for (unsigned i = 0; i < 200; i++)
		put_map1(MAP + i * 24, i & 1 ? 1 : 3, i * 0x100000ul, 0x1000);
	put32(INFO + 44, 200 * 24);
	put32(INFO, 1 << 6);
	assert_null(read1());
	assert_int_equal(info.nram, BOOT_RANGES);
	assert_int_equal(info.nfirmware, BOOT_RANGES);
	assert_int_equal(info.ram_left_out, 36 * 0x1000);
}

static unsigned put_tag(unsigned off, uint32_t type, uint32_t size)
{
	put32(off, type);
	put32(off + 4, size);
	return off + ((size + 7) & ~7u);
}

/* Returns the offset behind its last tag. */
static unsigned put_mb2(void)
{
	unsigned at = INFO + 8, tag = at;

	put_text(tag + 8, "log=debug");
	tag = put_tag(tag, 1, 8 + 10);
	put_text(tag + 8, "qemu");
	tag = put_tag(tag, 2, 8 + 5);
	put32(tag + 8, BASE + MODULE);
	put32(tag + 12, BASE + MODULE + 64);
	put_text(tag + 16, "/boot/patio.conf one two");
	tag = put_tag(tag, 3, 16 + 25);
	put32(tag + 8, 24);
	put64(tag + 16, 0x100000);
	put64(tag + 24, 0x1000000);
	put32(tag + 32, 1);
	put64(tag + 40, 0xf0000);
	put64(tag + 48, 0x10000);
	put32(tag + 56, 3);
	tag = put_tag(tag, 6, 16 + 48);
	memcpy(memory + tag + 8, "RSD PTR 1234567\2", 16);
	tag = put_tag(tag, 15, 8 + 36);
	memcpy(memory + tag + 8, "RSD PTR 1234567\0", 16);
	tag = put_tag(tag, 14, 8 + 20);
	tag = put_tag(tag, 0, 8);
	put32(INFO, tag - INFO);
	return tag;
}

static void test_mb2(void **state)
{
	(void)state;
	put_mb2();
	assert_null(read2());
	expect_good();
	assert_int_equal(info.rsdp.revision, 2); /* the newer one */
}

/* Cut off at each byte, in a buffer that ends there: nothing behind it is read. */
static void test_mb2_truncated(void **state)
{
	unsigned whole = put_mb2();
	uint8_t *start = memory;

	(void)state;
	for (unsigned n = 0; n <= whole; n++) {
		uint32_t at;
		const char *why;

		/* the model ends at BASE + MEMORY: the information lies right before that */
		memory = calloc(1, MEMORY);
		memcpy(memory + MEMORY - n, start, n);
		at = BASE + MEMORY - n;
		if (n >= 4)
			put32(MEMORY - n, n);
		why = multiboot_read(MB2, at, model, &info);
		assert_int_equal(why != NULL, n < 8);
		free(memory);
	}
	memory = start;
}

/* Each 32-bit word of it replaced by each of these: it ends, and reads nothing outside. */
static void test_mb2_words(void **state)
{
	static const uint32_t bad[] = {0, 1, 7, 8, 9, 15, 16, 17, 0x7fffffff, 0xfffffff8, ~0u};
	unsigned whole = put_mb2();

	(void)state;
	for (unsigned at = 0; at < whole; at += 4) {
		for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
			put_mb2();
			put32(at, bad[i]);
			read2();
			assert_true(info.nmodules <= 1 && info.nram <= 2 && info.nfirmware <= 2);
		}
	}
}

static void test_too_many_modules(void **state)
{
	(void)state;
	put_mb1();
	for (unsigned i = 0; i < BOOT_MODULES + 1; i++) {
		put32(0x1000 + i * 16, BASE + MODULE);
		put32(0x1000 + i * 16 + 4, BASE + MODULE + 1);
		put32(0x1000 + i * 16 + 8, BASE + TEXT);
	}
	put32(INFO + 24, BASE + 0x1000);
	put32(INFO + 20, BOOT_MODULES);
	assert_null(read1());
	assert_int_equal(info.nmodules, BOOT_MODULES);
	put32(INFO + 20, BOOT_MODULES + 1);
	assert_non_null(read1());
	assert_non_null(multiboot_read(0, BASE, model, &info));
}

/* Texts longer than their fields, and one that never ends. */
static void test_long_texts(void **state)
{
	(void)state;
	put_mb1();
	memset(memory + TEXT, 'x', MEMORY - TEXT);
	assert_null(read1());
	assert_int_equal(strlen(info.cmdline), sizeof info.cmdline - 1);
	assert_int_equal(strlen(info.loader), sizeof info.loader - 1);
	assert_int_equal(strlen(info.module[0].name), sizeof info.module[0].name - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_mb1, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_mb1_hostile, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_mb1_map_steps, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_mb2, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_mb2_truncated, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_mb2_words, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_too_many_modules, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_long_texts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
