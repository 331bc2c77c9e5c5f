/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vuart_threads.c: two vCPUs use one COM1 while input is typed and the guest is reset. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "vmm/devices/typed.h"
#include "vmm/devices/vuart.h"

#define ROUNDS 20000

static struct vuart *u; /* of its own in the heap: an overrun is found by the sanitizer */
static struct typed *keys;
static atomic_uint out, typing, levels;

static size_t count(void *ctx, const char *buf, size_t n)
{
	(void)ctx, (void)buf;
	atomic_fetch_add(&out, (unsigned)n);
	return n;
}

static uint32_t waiting(void *ctx)
{
	(void)ctx;
	return typed_waiting(keys);
}

static int receive(void *ctx)
{
	(void)ctx;
	return typed_take(keys);
}

static void interrupt(void *ctx, bool high)
{
	(void)ctx, (void)high;
	atomic_fetch_add(&levels, 1);
}

static const struct vuart_line line = {count, waiting, receive, interrupt};

static void rest(unsigned i)
{
	if (i % 64 == 0) /* a ticket lock wants its waiters to run */
		sched_yield();
}

/* Fills and empties the loopback FIFO. */
static void *loop(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++, rest(i)) {
		vuart_write(u, 0, (uint8_t)i);
		vuart_read(u, 0);
		vuart_read(u, 0);
	}
	return NULL;
}

static void two_vcpus_share_the_loopback_fifo(void **state)
{
	pthread_t t[2];

	(void)state;
	u = calloc(1, sizeof *u);
	vuart_init(u, &line, NULL);
	vuart_write(u, 2, 1);
	vuart_write(u, 4, 0x10);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, loop, NULL);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	while (vuart_read(u, 5) & 1)
		vuart_read(u, 0);
	assert_int_equal(out, 0);
	free(u);
}

static void *type(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++, rest(i)) {
		while (!typed_put(keys, 'k'))
			sched_yield();
		vuart_line_changed(u);
	}
	atomic_store(&typing, 0);
	return NULL;
}

static void *take(void *arg)
{
	bool last = false;

	for (unsigned i = 0;; i++, rest(i)) {
		if (vuart_read(u, 0) == 'k')
			++*(unsigned *)arg;
		else if (last)
			return NULL;
		else
			last = !atomic_load(&typing);
		vuart_write(u, 0, 'o');
	}
}

/* Each byte that was typed is read once, by one of the two. */
static void two_vcpus_read_what_is_typed(void **state)
{
	unsigned got[2] = {0};
	pthread_t t[3];

	(void)state;
	u = calloc(1, sizeof *u);
	keys = calloc(1, sizeof *keys);
	vuart_init(u, &line, NULL);
	vuart_write(u, 4, 0x0b);
	vuart_write(u, 1, 0x03);
	atomic_store(&typing, 1);
	pthread_create(&t[2], NULL, type, NULL);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, take, &got[i]);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(got[0] + got[1], ROUNDS);
	assert_int_equal(u->received, ROUNDS);
	assert_int_equal(u->sent, out);
	assert_true(levels > 0);
	free(keys);
	free(u);
}

/* ---- a reset meanwhile ---- */

#define SCRATCH 0x5a
#define PATIENT 200 /* turns that the other thread gets */

static atomic_bool resets, inside;

static void *reset(void *arg)
{
	while (!atomic_load(&inside))
		sched_yield();
	atomic_store(&resets, true);
	vuart_reset(u);
	return arg;
}

/* The line is asked, with the lock held, and the other thread gets time to reset the UART. */
static uint32_t slow_waiting(void *ctx)
{
	(void)ctx;
	if (atomic_exchange(&inside, true))
		return 0;
	while (!atomic_load(&resets))
		sched_yield();
	for (unsigned i = 0; i < PATIENT; i++)
		sched_yield();
	assert_int_equal(((volatile struct vuart *)u)->scr, SCRATCH);
	return 0;
}

/* A guest is started anew on one core while another one still feeds its console. */
static void a_reset_waits_for_who_is_inside(void **state)
{
	static const struct vuart_line slow = {count, slow_waiting, receive, interrupt};
	pthread_t t;

	(void)state;
	u = calloc(1, sizeof *u);
	vuart_init(u, &slow, NULL);
	vuart_write(u, 7, SCRATCH);
	u->open = true;
	u->ier = 1;
	pthread_create(&t, NULL, reset, NULL);
	vuart_line_changed(u);
	pthread_join(t, NULL);
	assert_int_equal(vuart_read(u, 7), 0);
	assert_int_equal(vuart_read(u, 1), 0);
	free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_vcpus_share_the_loopback_fifo),
	    cmocka_unit_test(two_vcpus_read_what_is_typed),
	    cmocka_unit_test(a_reset_waits_for_who_is_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
