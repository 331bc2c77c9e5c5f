/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_capture_threads.c: a writer that laps its readers.  What they get is whole and in order, and
 * with what they count as lost it is all that was written.  Under the thread sanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "lib/capture.h"

#define SIZE    2048u
#define GROUPS  20000u
#define READERS 2

static struct capture_ring *ring;
static atomic_bool done;

static void *write_all(void *arg)
{
	struct capture_writer w = {0};
	uint8_t text[256];

	(void)arg;

	capture_open(&w, ring);
	for (unsigned i = 0; i < GROUPS; i++) {
		const struct capture_piece piece = {text, i % 200};
		struct capture_record r = {.kind = CAPTURE_frame, .value = i};

		for (unsigned k = 0; k < piece.len; k++)
			text[k] = (uint8_t)(i + k);
		capture_begin(&w);
		capture_put(&w, &r, &piece, 1, CAPTURE_WHOLE);
		capture_end(&w);
		if (i % 16 == 0)
			sched_yield();
	}
	atomic_store(&done, true);
	return NULL;
}

static void *read_all(void *arg)
{
	struct capture_cursor c = {0};
	struct capture_record r;
	uint8_t bytes[256];
	uint64_t n = 0;
	bool last;

	do {
		int found;

		last = atomic_load(&done);
		while ((found = capture_read(ring, SIZE, &c, &r, bytes, sizeof bytes)) == 1) {
			if (r.value != r.serial || r.captured != r.value % 200)
				abort();
			for (uint32_t k = 0; k < r.captured; k++)
				if (bytes[k] != (uint8_t)(r.value + k))
					abort();
			n++;
		}
		if (found < 0)
			abort();
		sched_yield();
	} while (!last);
	*(uint64_t *)arg = n + c.lost;
	return NULL;
}

static void readers_get_whole_records_or_none(void **state)
{
	pthread_t writer, reader[READERS];
	uint64_t seen[READERS];

	(void)state;

	ring = calloc(1, sizeof *ring + SIZE);
	capture_ring_init(ring, SIZE);
	for (unsigned i = 0; i < READERS; i++)
		pthread_create(&reader[i], NULL, read_all, &seen[i]);
	pthread_create(&writer, NULL, write_all, NULL);
	pthread_join(writer, NULL);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(reader[i], NULL);
		assert_int_equal(seen[i], GROUPS);
	}
	free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(readers_get_whole_records_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
