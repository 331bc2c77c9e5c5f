/* SPDX-License-Identifier: BSD-2-Clause */
/* A channel between two threads: each message arrives once, whole and in order. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "guest-images/netlib/channel.h"

#define BYTES    (3 * 64 + 4096)
#define MESSAGES 3000
#define LONGEST  20000

static uint8_t *memory;

/* Short ones, and now and then one longer than the ring. */
static uint32_t length_of(unsigned i)
{
	return i % 16 ? 1 + i * 37 % 300 : 1 + i * 911 % LONGEST;
}

static uint8_t byte_of(unsigned i, uint32_t at)
{
	return (uint8_t)(i * 131 + at * 7 + (at >> 8));
}

static void *sender(void *arg)
{
	struct channel c;
	uint8_t *message = malloc(LONGEST);

	(void)arg;
	while (!channel_open_sender(&c, memory, BYTES))
		sched_yield();
	for (unsigned i = 0; i < MESSAGES; i++) {
		enum channel_result r;

		for (uint32_t k = 0; k < length_of(i); k++)
			message[k] = byte_of(i, k);
		while ((r = channel_send(&c, message, length_of(i))) == CHANNEL_WAIT)
			sched_yield();
		if (r == CHANNEL_BROKEN)
			abort();
	}
	free(message);
	return NULL;
}

static void test_stream(void **state)
{
	struct channel c;
	pthread_t other;
	uint8_t *message = malloc(LONGEST);

	(void)state;
	memory = calloc(1, BYTES + 64);
	memory += -(uintptr_t)memory % 64;
	assert_int_equal(pthread_create(&other, NULL, sender, NULL), 0);
	assert_true(channel_make(memory, BYTES));
	assert_true(channel_open_receiver(&c, memory, BYTES));
	for (unsigned i = 0; i < MESSAGES; i++) {
		enum channel_result r;
		uint32_t length = 0, wrong = 0;

		while ((r = channel_receive(&c, message, LONGEST, &length)) == CHANNEL_WAIT)
			sched_yield();
		assert_int_equal(r, CHANNEL_DONE);
		assert_int_equal(length, length_of(i));
		for (uint32_t k = 0; k < length; k++)
			wrong += message[k] != byte_of(i, k);
		assert_int_equal(wrong, 0);
	}
	pthread_join(other, NULL);
	free(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_stream)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
