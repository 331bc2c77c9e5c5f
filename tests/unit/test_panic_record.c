/* SPDX-License-Identifier: BSD-2-Clause */
/* A panic's text in memory that a reset may or may not have kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/panic_record.h"

static struct panic_record *page, taken;

static int set_up(void **state)
{
	(void)state;
	page = malloc(sizeof *page);
	panic_record_begin(page, 1700000000);
	panic_record_add(page, "patio: panic on core 1: why");
	panic_record_add(page, "  #0  00 main+0x1");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(page);
	return 0;
}

static void test_kept(void **state)
{
	(void)state;
	assert_true(panic_record_take(page, &taken));
	assert_string_equal(taken.text, "patio: panic on core 1: why\n  #0  00 main+0x1\n");
	assert_true(taken.time == 1700000000 && taken.boots == 0);
	panic_record_age(page);
	panic_record_age(page);
	assert_true(panic_record_take(page, &taken));
	assert_int_equal(taken.boots, 2);
}

/* Every single bit counts, up to the text's end. */
static void test_any_bit(void **state)
{
	uint8_t *p = (uint8_t *)page;
	size_t n = offsetof(struct panic_record, text) + page->length;

	(void)state;
	for (size_t i = 0; i < 8 * n; i++) {
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(panic_record_take(page, &taken));
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(panic_record_take(page, &taken));
}

/* What memory holds that was never written, or is somebody else's. */
static void test_garbage(void **state)
{
	static const uint8_t fill[] = {0, 0xff, 0x55, 'P'};
	struct panic_record good = *page;

	(void)state;
	for (unsigned i = 0; i < sizeof fill; i++) {
		memset(page, fill[i], sizeof *page);
		assert_false(panic_record_take(page, &taken));
		memcpy(page->magic, good.magic, sizeof page->magic);
		assert_false(panic_record_take(page, &taken));
	}
	*page = good;
	page->length = PANIC_RECORD_TEXT;
	assert_false(panic_record_take(page, &taken));
	page->length = ~0u;
	assert_false(panic_record_take(page, &taken));
}

/* A valid record with bytes that a terminal would obey. */
static void test_printable(void **state)
{
	(void)state;
	panic_record_begin(page, 0);
	panic_record_add(page, "a\033[2Jb\r\x7f\xff");
	assert_true(panic_record_take(page, &taken));
	assert_string_equal(taken.text, "a?[2Jb???\n");
}

/* Lines that have no room are left out; shorter ones after them are not. */
static void test_full(void **state)
{
	char line[200];

	(void)state;
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	for (unsigned i = 0; i < 40; i++)
		panic_record_add(page, line);
	assert_true(panic_record_take(page, &taken));
	assert_true(taken.length < PANIC_RECORD_TEXT && taken.length > PANIC_RECORD_TEXT - 200);
	assert_int_equal(taken.text[taken.length - 1], '\n');
	panic_record_add(page, "last");
	assert_true(panic_record_take(page, &taken));
	assert_string_equal(taken.text + taken.length - 6, "\nlast\n");
	for (unsigned i = 0; i < 300; i++)
		panic_record_add(page, "");
	assert_true(panic_record_take(page, &taken));
	assert_int_equal(taken.length, PANIC_RECORD_TEXT - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_any_bit, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_printable, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
