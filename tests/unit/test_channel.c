/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel through memory in common: messages of each size, and a peer that writes nonsense. The
 * memory is exactly as large as the channel was told: the address sanitizer watches its ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "guest-images/netlib/channel.h"

#define BYTES (3 * 64 + 1024) /* a ring of 1024 bytes */
#define MAGIC 0
#define SIZE  1 /* words of the memory */
#define WRITE 8
#define READ  16
#define RING  24

static uint64_t *memory;
static struct channel tx, rx;
static uint8_t *out, *in;

static int setup(void **state)
{
	(void)state;
	memory = aligned_alloc(64, BYTES);
	out = malloc(CHANNEL_MESSAGE_MAX);
	in = malloc(CHANNEL_MESSAGE_MAX);
	memset(memory, 0xa5, BYTES);
	assert_true(channel_make(memory, BYTES));
	assert_true(channel_open_sender(&tx, memory, BYTES));
	assert_true(channel_open_receiver(&rx, memory, BYTES));
	assert_int_equal(memory[SIZE], 1024);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	free(out);
	free(in);
	return 0;
}

static enum channel_result receive(uint32_t *length)
{
	return channel_receive(&rx, in, CHANNEL_MESSAGE_MAX, length);
}

/* One message from end to end; returns how often the sender had to wait. */
static unsigned transfer(uint32_t length)
{
	enum channel_result sent, came = CHANNEL_WAIT;
	unsigned waits = 0;
	uint32_t got = 0;

	for (uint32_t i = 0; i < length; i++)
		out[i] = (uint8_t)(i * 7 + (i >> 8) + length);
	while ((sent = channel_send(&tx, out, length)) == CHANNEL_WAIT) {
		waits++;
		assert_int_equal(receive(&got), CHANNEL_WAIT);
	}
	assert_int_equal(sent, CHANNEL_DONE);
	came = receive(&got);
	assert_int_equal(came, CHANNEL_DONE);
	assert_int_equal(got, length);
	assert_memory_equal(in, out, length);
	assert_int_equal(receive(&got), CHANNEL_WAIT);
	return waits;
}

static void test_sizes(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 3000; n++)
		transfer(n);
	assert_int_equal(transfer(1), 0);
	assert_true(transfer(CHANNEL_MESSAGE_MAX) > 1000);
	transfer(CHANNEL_MESSAGE_MAX - 1);
}

/* Many small messages wait in the ring; a full one takes no more, and loses none. */
static void test_full(void **state)
{
	unsigned sent = 0, came = 0;
	uint32_t length;

	(void)state;
	while (channel_send(&tx, &sent, sizeof sent) == CHANNEL_DONE)
		sent++;
	assert_int_equal(sent, 1024 / 16);
	for (; came < sent; came++) {
		assert_int_equal(receive(&length), CHANNEL_DONE);
		assert_int_equal(length, sizeof came);
		assert_memory_equal(in, &came, sizeof came);
	}
	assert_int_equal(receive(&length), CHANNEL_WAIT);
}

/* A side that opens the channel again goes on where it was, between messages. */
static void test_reopened(void **state)
{
	uint32_t length;

	(void)state;
	transfer(100);
	assert_int_equal(channel_send(&tx, out, 50), CHANNEL_DONE);
	assert_true(channel_open_receiver(&rx, memory, BYTES));
	assert_true(channel_open_sender(&tx, memory, BYTES));
	assert_int_equal(receive(&length), CHANNEL_DONE);
	assert_int_equal(length, 50);
	transfer(500);
}

static void test_lengths_refused(void **state)
{
	(void)state;
	assert_int_equal(channel_send(&tx, out, 0), CHANNEL_BROKEN);
	assert_true(channel_open_sender(&tx, memory, BYTES));
	assert_int_equal(channel_send(&tx, out, CHANNEL_MESSAGE_MAX + 1), CHANNEL_BROKEN);
}

/* More than the receiver has room for, in one segment or in several. */
static void test_too_long(void **state)
{
	uint32_t length;

	(void)state;
	assert_int_equal(channel_send(&tx, out, 101), CHANNEL_DONE);
	assert_int_equal(channel_receive(&rx, in, 100, &length), CHANNEL_BROKEN);
	assert_true(channel_make(memory, BYTES));
	assert_true(channel_open_sender(&tx, memory, BYTES));
	assert_true(channel_open_receiver(&rx, memory, BYTES));
	assert_int_equal(channel_send(&tx, out, 2000), CHANNEL_WAIT);
	assert_int_equal(channel_receive(&rx, in, 1999, &length), CHANNEL_BROKEN);
	assert_int_equal(channel_receive(&rx, in, 2000, &length), CHANNEL_BROKEN); /* for good */
}

/* ---- no channel ---- */

static void not_opened(unsigned word, uint64_t value)
{
	uint64_t old = memory[word];
	struct channel c;

	memory[word] = value;
	assert_false(channel_open_sender(&c, memory, BYTES) &&
	             channel_open_receiver(&c, memory, BYTES));
	memory[word] = old;
}

static void test_not_there(void **state)
{
	struct channel c;

	(void)state;
	assert_false(channel_make(memory, CHANNEL_MEMORY_MIN - 1));
	assert_false(channel_make((uint8_t *)memory + 8, BYTES - 8));
	assert_false(channel_open_sender(&c, memory, BYTES - 1));
	assert_false(channel_open_sender(&c, memory, CHANNEL_MEMORY_MIN - 1));
	not_opened(MAGIC, 0);
	not_opened(SIZE, 0);
	not_opened(SIZE, 32);
	not_opened(SIZE, 1023);
	not_opened(SIZE, 2048);
	not_opened(SIZE, 1ull << 63);
	not_opened(WRITE, 1032);
	not_opened(WRITE, 4);
	not_opened(READ, 8);
}

/* ---- nonsense ---- */

static void receiver_breaks(unsigned word, uint64_t value)
{
	uint32_t length;

	assert_true(channel_make(memory, BYTES));
	assert_true(channel_open_sender(&tx, memory, BYTES));
	assert_true(channel_open_receiver(&rx, memory, BYTES));
	assert_int_equal(channel_send(&tx, out, 100), CHANNEL_DONE);
	memory[word] = value;
	assert_int_equal(receive(&length), CHANNEL_BROKEN);
	assert_int_equal(memory[READ], 0); /* nothing was taken */
}

static uint64_t segment(uint32_t bytes, uint32_t left)
{
	return bytes | (uint64_t)left << 32;
}

static void test_receiver(void **state)
{
	(void)state;
	receiver_breaks(WRITE, 1032); /* more than the ring has */
	receiver_breaks(WRITE, ~0ull - 7);
	receiver_breaks(WRITE, 109);
	receiver_breaks(WRITE, 8);              /* no more than a header */
	receiver_breaks(RING, segment(0, 0));   /* an empty segment */
	receiver_breaks(RING, segment(105, 0)); /* beyond what was written */
	receiver_breaks(RING, segment(~0u, 0));
	receiver_breaks(RING, segment(~0u, ~0u));
	receiver_breaks(RING, segment(100, CHANNEL_MESSAGE_MAX - 99));
	receiver_breaks(RING, segment(100, ~0u));
}

/* A second segment that does not continue the message. */
static void test_other_message(void **state)
{
	uint32_t length;

	(void)state;
	assert_int_equal(channel_send(&tx, out, 1000), CHANNEL_WAIT);
	assert_int_equal(receive(&length), CHANNEL_WAIT);
	assert_int_equal(channel_send(&tx, out, 1000), CHANNEL_DONE);
	memory[RING + (memory[READ] & 1023) / 8] = segment(8, 8);
	assert_int_equal(receive(&length), CHANNEL_BROKEN);
}

static void sender_breaks(uint64_t read)
{
	assert_true(channel_make(memory, BYTES));
	assert_true(channel_open_sender(&tx, memory, BYTES));
	while (channel_send(&tx, out, 100) == CHANNEL_DONE)
		;
	memory[READ] = read;
	assert_int_equal(channel_send(&tx, out, 100), CHANNEL_BROKEN);
	memory[READ] = memory[WRITE];
	assert_int_equal(channel_send(&tx, out, 100), CHANNEL_BROKEN); /* for good */
}

static void test_sender(void **state)
{
	(void)state;
	sender_breaks(1 << 20);      /* more than was written */
	sender_breaks(~0ull - 1023); /* less than can be unread */
	sender_breaks(4);
	sender_breaks(1ull << 63);
}

/* Size and magic are read when the channel is opened, and never again. */
static void test_later_changes(void **state)
{
	(void)state;
	transfer(300);
	memory[SIZE] = 1ull << 40;
	memory[MAGIC] = 0;
	transfer(3000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_sizes),    T(test_full),          T(test_reopened), T(test_lengths_refused),
	    T(test_too_long), T(test_not_there),     T(test_receiver), T(test_other_message),
	    T(test_sender),   T(test_later_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
