/* SPDX-License-Identifier: BSD-2-Clause */
/* test_terminal.c: the queue before the serial port, on a port that takes 16 bytes at a time. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "lib/terminal.h"

static char line[1 << 20]; /* what is on the line */
static size_t on_line;
static unsigned in_fifo, overruns, waits;
static bool interrupt_on;
static atomic_uint wakes;

static bool empty(void)
{
	return in_fifo == 0;
}

static void put(const char *buf, size_t n)
{
	if (in_fifo)
		waits++;
	in_fifo += (unsigned)n;
	overruns += in_fifo > 2 * TERMINAL_FIFO;
	memcpy(line + on_line, buf, n);
	on_line += n;
}

static void interrupt(bool on)
{
	interrupt_on = on;
}

static void wake(void)
{
	atomic_fetch_add(&wakes, 1);
}

static const struct terminal_port port = {empty, put, interrupt, wake};
static const struct terminal_port polled = {empty, put, NULL, wake};
static struct terminal t;

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	t.port = &port;
	on_line = 0;
	in_fifo = overruns = waits = 0;
	interrupt_on = false;
	wakes = 0;
	return 0;
}

/* The boot core's visit; the chip has sent what it had. */
static void visit(void)
{
	in_fifo = 0;
	terminal_feed(&t);
	terminal_await(&t);
}

static void a_visit_feeds_one_fifo(void **state)
{
	static const char text[] = "forty-one bytes come to the line, in order";

	(void)state;
	assert_int_equal(terminal_guest(&t, text, 41), 41);
	assert_int_equal(wakes, 1);
	assert_int_equal(on_line, 0); /* the writer touches no port */
	visit();
	assert_int_equal(on_line, 16);
	assert_true(interrupt_on);
	terminal_feed(&t); /* called for another reason: the FIFO has not run empty */
	terminal_await(&t);
	assert_int_equal(on_line, 16);
	assert_true(interrupt_on);
	visit();
	visit();
	assert_int_equal(on_line, 41);
	assert_memory_equal(line, text, 41);
	assert_false(interrupt_on);
	assert_int_equal(waits, 0);
	assert_int_equal(wakes, 1);
	assert_int_equal(terminal_guest(&t, text, 1), 1);
	assert_int_equal(wakes, 2);
}

static void what_has_no_room_is_not_taken(void **state)
{
	static char big[4 * TERMINAL_QUEUE];
	static const char own[] = "a line of the VMM\r\n";
	unsigned lines = 0;

	(void)state;
	memset(big, 'g', sizeof big);
	assert_int_equal(terminal_guest(&t, big, sizeof big), TERMINAL_GUEST);
	assert_int_equal(terminal_guest(&t, big, 1), 0);
	while (terminal_line(&t, own, sizeof own - 1))
		lines++;
	assert_int_equal(lines, (TERMINAL_QUEUE - TERMINAL_GUEST) / (sizeof own - 1));
	assert_false(terminal_line(&t, big, TERMINAL_PART + 1));
	assert_int_equal(wakes, 1);
	for (unsigned i = 0; i < TERMINAL_QUEUE / TERMINAL_FIFO; i++)
		visit();
	assert_int_equal(on_line, TERMINAL_GUEST + lines * (sizeof own - 1));
	assert_memory_equal(line + on_line - (sizeof own - 1), own, sizeof own - 1);
	assert_true(terminal_line(&t, own, sizeof own - 1));
}

static void the_monitor_waits_for_what_was_before(void **state)
{
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof text);
	terminal_guest(&t, text, sizeof text);
	terminal_settle(&t);
	assert_int_equal(on_line, sizeof text);
	terminal_await(&t);
	assert_false(interrupt_on);
	terminal_guest(&t, text, 100);
	terminal_end(&t, false);
	assert_int_equal(on_line, sizeof text + 100);
}

static const char late[] = "[ 1.0 c1 info] a line of another core's\r\n";

/* While the port takes bytes, another core logs. */
static void put_beside_a_writer(const char *buf, size_t n)
{
	if (!on_line)
		terminal_line(&t, late, sizeof late - 1);
	put(buf, n);
}

static void a_line_that_comes_meanwhile_is_not_cut(void **state)
{
	static const struct terminal_port busy = {empty, put_beside_a_writer, interrupt, wake};
	static const char text[] = "20 bytes before it\r\n";

	(void)state;
	t.port = &busy;
	terminal_line(&t, text, sizeof text - 1);
	terminal_settle(&t);
	assert_int_equal(on_line, sizeof text - 1);
	terminal_settle(&t);
	assert_int_equal(on_line, sizeof text - 1 + sizeof late - 1);
}

static void a_panic_asks_for_no_lock(void **state)
{
	(void)state;
	terminal_guest(&t, "last words", 10);
	spin_lock(&t.lock); /* of a core that was stopped */
	spin_lock(&t.port_lock);
	terminal_end(&t, true);
	assert_int_equal(on_line, 10);
}

static void a_port_without_interrupt_is_waited_for(void **state)
{
	char text[100] = {0};

	(void)state;
	t.port = &polled;
	terminal_guest(&t, text, sizeof text);
	assert_int_equal(wakes, 1);
	visit();
	assert_int_equal(on_line, sizeof text);
}

/* ---- several cores ---- */

#define LINES   1500
#define WRITERS 3

static atomic_uint writing;

static void *write_lines(void *arg)
{
	char text[] = "A000000\n";

	text[0] = (char)('A' + *(unsigned *)arg);
	for (unsigned i = 0; i < LINES; i++) {
		for (unsigned k = 0, v = i; k < 6; k++, v /= 10)
			text[6 - k] = (char)('0' + v % 10);
		while (!terminal_line(&t, text, 8))
			sched_yield();
		if (i % 64 == 0) /* a ticket lock wants its waiters to run */
			sched_yield();
	}
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

/* All lines come, whole, each writer's in order; and the boot core, which comes only when it is
 * woken or interrupted, leaves none behind. */
static void cores_write_while_one_feeds(void **state)
{
	pthread_t thread[WRITERS];
	unsigned number[WRITERS] = {0, 1, 2}, next[WRITERS] = {0}, served = 0;

	(void)state;
	atomic_store(&writing, WRITERS);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_create(&thread[i], NULL, write_lines, &number[i]);
	for (bool last = false; !last;) {
		last = atomic_load(&writing) == 0;
		sched_yield();
		while (atomic_load(&wakes) != served || interrupt_on) {
			served = atomic_load(&wakes);
			interrupt_on = false;
			visit();
		}
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(on_line, WRITERS * LINES * 8);
	for (size_t at = 0; at < on_line; at += 8) {
		unsigned who = (unsigned)(line[at] - 'A'), v = 0;

		assert_true(who < WRITERS && line[at + 7] == '\n');
		for (unsigned k = 1; k < 7; k++)
			v = v * 10 + (unsigned)(line[at + k] - '0');
		assert_int_equal(v, next[who]++);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_visit_feeds_one_fifo, setup),
	    cmocka_unit_test_setup(what_has_no_room_is_not_taken, setup),
	    cmocka_unit_test_setup(the_monitor_waits_for_what_was_before, setup),
	    cmocka_unit_test_setup(a_line_that_comes_meanwhile_is_not_cut, setup),
	    cmocka_unit_test_setup(a_panic_asks_for_no_lock, setup),
	    cmocka_unit_test_setup(a_port_without_interrupt_is_waited_for, setup),
	    cmocka_unit_test_setup(cores_write_while_one_feeds, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
