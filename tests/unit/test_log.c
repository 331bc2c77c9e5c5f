/* SPDX-License-Identifier: BSD-2-Clause */
/* test_log.c: where a line of the log goes, before and after the boot core runs its main loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "lib/log.c"

static char on_port[1 << 16], on_debug[256];
static size_t port_bytes, debug_bytes;
static unsigned this_core, wakes, drains;
static uint64_t now;

static bool is_empty(void)
{
	return true;
}

static void put(const char *s, size_t n)
{
	assert_true(port_bytes + n < sizeof on_port);
	memcpy(on_port + port_bytes, s, n);
	port_bytes += n;
	on_port[port_bytes] = '\0';
}

static void debug(const char *s, size_t n)
{
	assert_true(debug_bytes + n < sizeof on_debug);
	memcpy(on_debug + debug_bytes, s, n);
	debug_bytes += n;
	on_debug[debug_bytes] = '\0';
}

static void ask(bool when_empty)
{
	(void)when_empty;
}

static void wake_core(void)
{
	wakes++;
}

static void drain(void)
{
	drains++;
}

static unsigned core(void)
{
	return this_core;
}

static uint64_t clock_us(void)
{
	return now;
}

static const struct log_sink fake = {{is_empty, put, ask, wake_core}, drain, debug, core, clock_us};

/* As after power-on. */
static int power_on(void **state)
{
	(void)state;
	sink = NULL;
	booted = terminal_held = log_apart = false;
	dropped = dropped_total = 0;
	log_level = LOG_INFO;
	memset(&terminal, 0, sizeof terminal);
	terminal.port = &port;
	port = (struct terminal_port){.wake = wake_boot_core};
	on_port[0] = on_debug[0] = '\0';
	port_bytes = debug_bytes = 0;
	this_core = wakes = drains = 0;
	now = 0;
	return 0;
}

static int opened(void **state)
{
	power_on(state);
	log_open(&fake);
	return 0;
}

/* Not even a panic can be said yet, but nothing breaks. */
static void test_before_open(void **state)
{
	(void)state;
	log_error("nobody hears this");
	log_put("nor this", 8);
	log_end("", 0, true);
	log_open(&fake);
	log_put("but this", 8);
	assert_string_equal(on_port, "but this");
}

static void test_boot_core_writes_at_once(void **state)
{
	(void)state;
	log_info("first");
	now = 12345678;
	log_warn("%s", "second");
	log_debug("not at this level");
	assert_string_equal(on_port, "[   0.000000 c0 info] first\r\n"
	                             "[  12.345678 c0 warn] second\r\n");
	assert_int_equal(wakes, 0);
}

/* Another core's line waits; the boot core brings it before its own next line. */
static void test_other_core_queues(void **state)
{
	(void)state;
	this_core = 3;
	log_info("from three");
	assert_int_equal(port_bytes, 0);
	assert_int_equal(wakes, 0); /* the boot core is not in its loop */
	this_core = 0;
	log_info("from zero");
	assert_string_equal(on_port, "[   0.000000 c3 info] from three\r\n"
	                             "[   0.000000 c0 info] from zero\r\n");
}

static void test_after_boot(void **state)
{
	(void)state;
	log_queue(false);
	log_info("queued");
	assert_int_equal(port_bytes, 0);
	assert_int_equal(wakes, 1);
	log_feed();
	assert_string_equal(on_port, "[   0.000000 c0 info] queued\r\n");
}

/* A panic: what was queued, then the text, and it is on the line. */
static void test_end(void **state)
{
	(void)state;
	log_queue(true);
	this_core = 1;
	log_info("queued");
	log_end("the end", 7, true);
	assert_string_equal(on_port, "[   0.000000 c1 info] queued\r\nthe end");
	assert_int_equal(drains, 1);
}

static void test_apart(void **state)
{
	(void)state;
	log_apart = true;
	log_queue(false);
	log_info("aside");
	log_end("end", 3, true);
	assert_string_equal(on_debug, "[   0.000000 c0 info] aside\r\nend");
	assert_int_equal(log_guest("guest", 5), 5);
	log_feed();
	assert_string_equal(on_port, "guest");
}

static void test_no_room(void **state)
{
	char text[400];
	unsigned lines = 0;

	(void)state;
	memset(text, 'x', sizeof text);
	log_queue(false);
	for (; !log_lost() && lines < 1000; lines++)
		log_info("%.*s", (int)sizeof text, text);
	assert_int_equal(log_lost(), 1);
	log_feed();
	log_info("room again");
	log_feed();
	assert_non_null(strstr(on_port, "[log: no room for 1 lines]\r\n"));
	assert_non_null(strstr(on_port, "room again\r\n"));
}

/* Longer than a line may be: cut, with its end. */
static void test_long_line(void **state)
{
	char text[600];

	(void)state;
	memset(text, 'x', sizeof text);
	log_info("%.*s", (int)sizeof text, text);
	assert_int_equal(port_bytes, 511);
	assert_string_equal(on_port + port_bytes - 3, "x\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_before_open, power_on),
	    cmocka_unit_test_setup(test_boot_core_writes_at_once, opened),
	    cmocka_unit_test_setup(test_other_core_queues, opened),
	    cmocka_unit_test_setup(test_after_boot, opened),
	    cmocka_unit_test_setup(test_end, opened),
	    cmocka_unit_test_setup(test_apart, opened),
	    cmocka_unit_test_setup(test_no_room, opened),
	    cmocka_unit_test_setup(test_long_line, opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
