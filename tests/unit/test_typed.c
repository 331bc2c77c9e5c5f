/* SPDX-License-Identifier: BSD-2-Clause */
/* test_typed.c: the queue of typed input: in order, no byte lost or duplicated. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/devices/typed.h"

static struct typed t;
static char taken[2 * TYPED_BYTES];
static size_t n_taken, room, parts;

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	n_taken = parts = 0;
	room = sizeof taken;
	return 0;
}

static size_t take(void *ctx, const char *buf, size_t n)
{
	assert_ptr_equal(ctx, &room);
	n = n < room ? n : room;
	memcpy(taken + n_taken, buf, n);
	n_taken += n;
	room -= n;
	parts++;
	return n;
}

static void one_by_one(void **state)
{
	(void)state;
	assert_int_equal(typed_take(&t), -1);
	assert_true(typed_put(&t, 'a'));
	assert_true(typed_put(&t, (char)0xff));
	assert_int_equal(typed_waiting(&t), 2);
	assert_int_equal(typed_take(&t), 'a');
	assert_int_equal(typed_take(&t), 0xff);
	assert_int_equal(typed_take(&t), -1);
	typed_put(&t, 'b');
	typed_reset(&t);
	assert_int_equal(typed_take(&t), -1);
}

/* The source stops when the queue is full, and is called once, when a quarter of it is free. */
static void a_full_queue(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TYPED_BYTES; i++) {
		assert_false(typed_full(&t));
		assert_true(typed_put(&t, (char)(i * 7)));
	}
	assert_false(typed_source_due(&t));
	assert_false(typed_put(&t, 'x'));
	assert_true(typed_full(&t));
	for (unsigned i = 0; i < TYPED_ROOM; i++) {
		assert_false(typed_source_due(&t));
		assert_int_equal(typed_take(&t), (i * 7) & 0xff);
	}
	assert_true(typed_source_due(&t));
	assert_false(typed_source_due(&t));
	assert_false(typed_full(&t));
}

static void in_parts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TYPED_BYTES - 5; i++) {
		typed_put(&t, 'x');
		typed_take(&t);
	}
	for (const char *c = "round the end"; *c; c++)
		typed_put(&t, *c);
	assert_int_equal(typed_hand_over(&t, 4, take, &room), 4);
	assert_int_equal(parts, 1);
	room = 6;
	assert_int_equal(typed_hand_over(&t, 100, take, &room), 6);
	room = 100;
	assert_int_equal(typed_hand_over(&t, 100, take, &room), 3);
	assert_memory_equal(taken, "round the end", 13);
	assert_int_equal(typed_hand_over(&t, 100, take, &room), 0);
}

static atomic_uint calls;

static void *typist(void *arg)
{
	unsigned n = *(unsigned *)arg;

	for (unsigned i = 0; i < n; i++) {
		while (typed_full(&t) && !atomic_load(&calls))
			sched_yield();
		atomic_store(&calls, 0);
		while (!typed_put(&t, (char)i))
			sched_yield();
	}
	return NULL;
}

/* The mark that the source waits is never missed: it would wait for ever. */
static void a_source_that_waits_is_called(void **state)
{
	unsigned n = 4 * TYPED_BYTES;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, typist, &n), 0);
	for (unsigned i = 0; i < n;) {
		int c = typed_take(&t);

		if (typed_source_due(&t))
			atomic_store(&calls, 1);
		if (c < 0) {
			sched_yield();
			continue;
		}
		assert_int_equal(c, i++ & 0xff);
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(one_by_one, setup),
	    cmocka_unit_test_setup(a_full_queue, setup),
	    cmocka_unit_test_setup(in_parts, setup),
	    cmocka_unit_test_setup(a_source_that_waits_is_called, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
