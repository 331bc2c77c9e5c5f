/* SPDX-License-Identifier: BSD-2-Clause */
/* test_capture.c: rings of copied frames, read while they are written, and any bytes as a ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "lib/capture.h"

#define SIZE  4096u
#define GROUP (SIZE / 4)

static struct capture_ring *ring;
static struct capture_writer writer;
static struct capture_cursor cursor;
static struct capture_record got;
static uint8_t bytes[SIZE];

static int setup(void **state)
{
	(void)state;
	/* Exactly as long as it is said to be: the sanitizer sees whoever leaves it. */
	ring = calloc(1, sizeof *ring + SIZE);
	capture_ring_init(ring, SIZE);
	memset(&writer, 0, sizeof writer);
	memset(&cursor, 0, sizeof cursor);
	capture_open(&writer, ring);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(ring);
	return 0;
}

static bool put(uint64_t value, uint32_t len, uint32_t want)
{
	uint8_t text[2 * SIZE];
	const struct capture_piece piece[] = {
	    {text, len / 3}, {text, 0}, {text + len / 3, len - len / 3}};
	struct capture_record r = {.kind = CAPTURE_frame, .value = value, .length = len};

	for (uint32_t i = 0; i < len; i++)
		text[i] = (uint8_t)(value + i);
	return capture_put(&writer, &r, piece, 3, want);
}

static void put_group(uint64_t value, uint32_t len)
{
	capture_begin(&writer);
	assert_true(put(value, len, CAPTURE_WHOLE));
	capture_end(&writer);
}

static int get(void)
{
	return capture_read(ring, SIZE, &cursor, &got, bytes, sizeof bytes);
}

static void assert_got(uint64_t value, uint32_t len)
{
	assert_int_equal(get(), 1);
	assert_int_equal(got.value, value);
	assert_int_equal(got.captured, len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], (uint8_t)(value + i));
}

static void frames_of_any_length_come_back(void **state)
{
	(void)state;
	for (uint32_t len = 0; len < 70; len++) {
		put_group(len * 7, len);
		assert_got(len * 7, len);
		assert_true(got.begins);
		assert_int_equal(got.length, len);
	}
	assert_int_equal(get(), 0);
	assert_int_equal(cursor.lost, 0);
}

static void a_group_is_seen_as_a_whole(void **state)
{
	uint64_t before = __builtin_ia32_rdtsc(), tsc = capture_begin(&writer);

	(void)state;

	assert_true(tsc > before);
	assert_true(put(1, 10, 10));
	assert_int_equal(get(), 0);
	assert_true(ring->busy > before && ring->busy <= tsc);
	assert_true(put(2, 10, 4));
	capture_end(&writer);
	assert_int_equal(ring->busy, 0);
	assert_got(1, 10);
	assert_true(got.begins);
	assert_got(2, 4);
	assert_false(got.begins);
}

static void what_has_no_room_in_a_group_is_counted(void **state)
{
	unsigned there = 0;

	(void)state;

	capture_begin(&writer);
	assert_true(put(1, 2 * SIZE, CAPTURE_WHOLE)); /* cut */
	assert_int_equal(ring->cut, 1);
	for (unsigned i = 0; i < 5; i++)
		assert_false(put(2, 0, 0));
	capture_end(&writer);
	assert_int_equal(ring->left_out, 5);
	assert_got(1, GROUP - sizeof got);
	assert_int_equal(got.length, 2 * SIZE);
	/* A reader counts them, too. */
	put_group(3, 8);
	assert_got(3, 8);
	assert_int_equal(cursor.lost, 5);
	capture_begin(&writer);
	while (put(4, 0, 0))
		there++;
	capture_end(&writer);
	assert_int_equal(there, GROUP / sizeof got);
}

static void the_oldest_are_overwritten_and_counted(void **state)
{
	unsigned read = 0;

	(void)state;

	for (unsigned i = 0; i < 1000; i++) {
		put_group(i, i % 200);
		assert_true(ring->written - ring->oldest <= SIZE);
	}
	while (get() == 1) {
		assert_int_equal(got.value, got.serial);
		for (uint32_t k = 0; k < got.captured; k++)
			assert_int_equal(bytes[k], (uint8_t)(got.value + k));
		read++;
	}
	assert_true(read > 10);
	assert_int_equal(read + cursor.lost, 1000);
}

static void a_short_buffer_gets_what_it_has_room_for(void **state)
{
	(void)state;
	put_group(5, 100);
	memset(bytes, 0xee, sizeof bytes);
	assert_int_equal(capture_read(ring, SIZE, &cursor, &got, bytes, 13), 1);
	assert_int_equal(got.captured, 100);
	assert_int_equal(bytes[12], 5 + 12);
	assert_int_equal(bytes[13], 0xee);
}

/* Rings that no writer makes are refused, whatever is in them. */
static void what_is_no_ring_is_refused(void **state)
{
	(void)state;
	put_group(1, 100);
	ring->written = SIZE + 8;
	assert_int_equal(get(), -1);
	ring->written = 12;
	assert_int_equal(get(), -1);
	ring->oldest = 1ull << 63;
	assert_int_equal(get(), 0); /* as if the writer were faster, again and again */
	ring->oldest = 0;
	ring->written = 64;
	assert_int_equal(get(), -1); /* longer than there is */
	for (uint32_t size = 0; size < 64; size++) {
		ring->written = SIZE;
		*(uint32_t *)ring->word = size;
		assert_int_equal(get(), -1);
	}
	*(uint32_t *)ring->word = 160;
	((struct capture_record *)ring->word)->captured = 105;
	assert_int_equal(get(), -1);
	((struct capture_record *)ring->word)->captured = 104;
	assert_int_equal(get(), 1);
	/* Shorter than what was read: it was made anew. */
	ring->written = 8;
	assert_int_equal(get(), -1);
}

static volatile sig_atomic_t laps;
static uint64_t written;

/* Overwrites the whole ring, wherever the reader is. */
static void overwrite(int signal)
{
	(void)signal;

	for (unsigned i = 0; i < SIZE / 64; i++, written++) {
		uint8_t text[200];
		const struct capture_piece piece = {text, (uint32_t)(written % 200)};
		struct capture_record r = {.kind = CAPTURE_frame, .value = written};

		memset(text, (int)written, sizeof text);
		capture_begin(&writer);
		capture_put(&writer, &r, &piece, 1, CAPTURE_WHOLE);
		capture_end(&writer);
	}
	laps++;
}

/* The writer comes at any instruction of the reader, as a timer's signal. */
static void what_is_overwritten_meanwhile_is_not_returned(void **state)
{
	const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
	static uint8_t copy[SIZE];

	(void)state;

	laps = 0;
	written = 0;
	signal(SIGALRM, overwrite);
	setitimer(ITIMER_REAL, &often, NULL);
	while (laps < 400) {
		if (capture_read(ring, SIZE, &cursor, &got, copy, sizeof copy) != 1)
			continue;
		if (got.value != got.serial || got.captured != got.value % 200)
			abort();
		for (uint32_t i = 0; i < got.captured; i++)
			if (copy[i] != (uint8_t)got.value)
				abort();
	}
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(frames_of_any_length_come_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_group_is_seen_as_a_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_has_no_room_in_a_group_is_counted, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(the_oldest_are_overwritten_and_counted, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(a_short_buffer_gets_what_it_has_room_for, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_ring_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_overwritten_meanwhile_is_not_returned, setup,
	                                    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
