/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_session.c: requests and answers on a stream of bytes, with well-behaved and hostile peers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/control/session.h"

static struct session *d;
static char *text, *answer;
static char asked[8192]; /* what reached the ops, one line each */
static bool more;        /* the last turn left something */

static void note(const char *kind, const char *what, size_t len)
{
	size_t n = strlen(asked);

	snprintf(asked + n, sizeof asked - n, "%s[%.*s]", kind, (int)(len < 100 ? len : 100), what);
}

/* `two` answers two lines, `open` a piece of one, `big` more than there is room for. */
static bool do_line(struct session *x, const char *line, size_t len)
{
	note("line", line, len);
	if (len == 3 && !memcmp(line, "two", 3))
		session_put(x, "one\n\nthree\n", 11);
	if (len == 4 && !memcmp(line, "open", 4))
		session_put(x, "+ok", 3);
	if (len == 3 && !memcmp(line, "big", 3))
		for (unsigned i = 0; i <= SESSION_ANSWER / 64; i++)
			session_put(x,
			            "0123456789012345678901234567890123456789012345678901234567890"
			            "12\n",
			            64);
	if (len == 4 && !memcmp(line, "load", 4))
		session_gather(x);
	if (len == 3 && !memcmp(line, "bad", 3)) {
		session_fail(x, "control:1:1: not\ngood");
		return false;
	}
	return true;
}

static bool do_text(struct session *x, const char *t, size_t len)
{
	note("text", t, len);
	session_put(x, "warning: w\n", 11);
	if (memchr(t, '!', len)) {
		session_fail(x, "control:2:1: no");
		return false;
	}
	return true;
}

static const struct session_ops ops = {do_line, do_text};

static int setup(void **state)
{
	(void)state;
	d = calloc(1, sizeof *d);
	text = calloc(1, SESSION_TEXT);
	answer = calloc(1, SESSION_ANSWER);
	asked[0] = 0;
	session_init(d, &ops, text, answer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(d);
	free(text);
	free(answer);
	return 0;
}

static void send_bytes(const char *what)
{
	session_input(d, what, strlen(what));
}

static void turns(void)
{
	while ((more = session_turn(d)))
		;
}

/* Takes all that waits; returns how many bytes, the first of them as a string. */
static size_t read_answer(char *buf, size_t size)
{
	size_t total = 0, n;
	const char *p;

	while ((n = session_answer(d, &p))) {
		if (n > 1000)
			n = 1000;
		for (size_t i = 0; i < n && total + i + 1 < size; i++)
			buf[total + i] = p[i];
		total += n;
		session_sent(d, n);
	}
	buf[total < size ? total : size - 1] = 0;
	return total;
}

static void answers(const char *want)
{
	char buf[1024];

	read_answer(buf, sizeof buf);
	assert_string_equal(buf, want);
}

static void converse(const char *what, const char *want)
{
	send_bytes(what);
	turns();
	answers(want);
}

static uint64_t counted(const char *name)
{
	const char *have;
	uint64_t v;

	for (unsigned i = 0; session_counter(d, i, &have, &v); i++)
		if (!strcmp(have, name))
			return v;
	fail_msg("no counter %s", name);
	return 0;
}

static void test_lines(void **state)
{
	(void)state;
	converse("fine\n", "+ok\n");
	converse("two\n", ":one\n:\n:three\n+ok\n");
	converse("bad\r\n", "-control:1:1: not?good\n");
	converse("\n", "+ok\n");
	converse("open\n", ":+ok\n+ok\n"); /* an answer's text cannot look like its end */
	assert_string_equal(asked, "line[fine]line[two]line[bad]line[]line[open]");
	assert_int_equal(counted("requests"), 5);
	assert_int_equal(counted("failed"), 1);
}

static void test_pieces_and_crowds(void **state)
{
	(void)state;
	converse("fi", "");
	converse("ne\ntw", "+ok\n");
	converse("o\n", ":one\n:\n:three\n+ok\n");
	send_bytes("a\nb\n");
	assert_true(session_turn(d)); /* one request a turn */
	answers("+ok\n");
	assert_false(session_turn(d));
	answers("+ok\n");
}

static void test_texts(void **state)
{
	(void)state;
	converse("load\n  a\n:b\nload\nsync x\n\nend \nend\n", ">\n:warning: w\n+ok\n");
	assert_string_equal(asked, "line[load]text[  a\n:b\nload\nsync x\n\nend \n]");
	converse("load\n!\nend\nfine\n", ">\n:warning: w\n-control:2:1: no\n+ok\n");
	converse("load\nend\n", ">\n:warning: w\n+ok\n");
}

static void test_text_too_long(void **state)
{
	char line[4001];

	(void)state;
	memset(line, 'x', 4000);
	line[4000] = '\n';
	converse("load\n", ">\n");
	for (unsigned i = 0; i <= SESSION_TEXT / 4001; i++) {
		session_input(d, line, sizeof line);
		turns();
	}
	converse("y\nend\nfine\n", "-the text is too long: nothing was changed\n+ok\n");
	assert_null(strstr(asked, "text["));
}

static void test_line_too_long(void **state)
{
	char line[CONFIG_LINE + 100];

	(void)state;
	memset(line, 'x', sizeof line);
	session_input(d, line, sizeof line);
	converse("\nfine\n", "+ok\n+ok\n");
	assert_true(d->length == 0 && !more);
}

static void test_sync(void **state)
{
	(void)state;
	converse("half a li\003sync 1-2-3\n", "+sync 1-2-3\n");
	converse("load\nsome\n", ">\n");
	converse("\003sync a\n", "+sync a\n");
	assert_string_equal(asked, "line[load]");
	converse("fine\n", "+ok\n");
	send_bytes("two\n");
	turns();
	send_bytes("\003sync b\n"); /* what was not sent yet is dropped */
	turns();
	answers("+sync b\n");
	assert_int_equal(counted("discarded"), strlen(":one\n:\n:three\n+ok\n"));
	send_bytes("two\n");
	turns();
	session_sent(d, 2); /* the line that was begun is ended */
	send_bytes("\003sync c\n");
	turns();
	answers("\n+sync c\n");
	converse("sync\n", "+ok\n");
	converse("sync a b\n", "+ok\n");
	converse("sync 123456789012345678901234567890123\n", "+ok\n");
	assert_non_null(strstr(asked, "line[sync]line[sync a b]line[sync 1234"));
}

/* A terminal that echoes makes no conversation of its own. */
static void test_echo(void **state)
{
	(void)state;
	converse(":one\r\n:\r\n+ok\n-no\n>\n+sync x\n", "");
	assert_string_equal(asked, "");
	assert_int_equal(counted("echoes"), 6);
}

static void test_overrun(void **state)
{
	char *flood = malloc(SESSION_IN);

	(void)state;
	memset(flood, '\n', SESSION_IN);
	memcpy(flood, "first\n", 6);
	memset(flood + 6, 'x', SESSION_IN - 6);
	session_input(d, flood, SESSION_IN);
	send_bytes("lost");
	assert_int_equal(counted("input_lost"), 1 + 4);
	turns();
	converse(" rest\nnext\n",
	         "+ok\n-bytes of the line were lost, or are NUL: nothing was done\n+ok\n");
	assert_string_equal(asked, "line[first]line[next]");
	session_input(d, "a\0b\n", 4);
	converse("", "-bytes of the line were lost, or are NUL: nothing was done\n");
	session_input(d, "load\na\0b\nend\n", 13);
	converse("", ">\n-bytes of the text were lost, or are NUL: nothing was changed\n");
	free(flood);
}

static void test_answer_too_long(void **state)
{
	char *buf = malloc(SESSION_ANSWER + 1);
	size_t n;

	(void)state;
	send_bytes("big\n");
	turns();
	n = read_answer(buf, SESSION_ANSWER + 1);
	assert_in_range(n, SESSION_ANSWER - 2 * SESSION_WHY, SESSION_ANSWER);
	assert_string_equal(
	    strrchr(buf, '-'),
	    "-the request was carried out, but its answer is too long: ask for less\n");
	assert_int_equal(counted("truncated"), 1);
	converse("fine\n", "+ok\n");
	free(buf);
}

/* One who does not read is not served, and no more than its own bytes are lost. */
static void test_unread(void **state)
{
	char *buf = malloc(SESSION_ANSWER + 1);
	size_t n;

	(void)state;
	send_bytes("big\n");
	turns();
	session_sent(d, 1000);
	for (unsigned i = 0; i < 500; i++)
		send_bytes("fine\n");
	turns();
	assert_int_equal(counted("not_executed") + counted("requests"), 501);
	assert_in_range(counted("requests"), 200, 300);
	n = read_answer(buf, SESSION_ANSWER + 1);
	assert_true(n <= SESSION_ANSWER);
	assert_memory_equal(buf + n - 4, "+ok\n", 4);
	converse("fine\n", "+ok\n");
	free(buf);
}

static void test_reset(void **state)
{
	(void)state;
	converse("load\nhalf", ">\n");
	send_bytes("two\n");
	session_reset(d);
	turns();
	answers("");
	converse("fine\n", "+ok\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_lines),
	    T(test_pieces_and_crowds),
	    T(test_texts),
	    T(test_text_too_long),
	    T(test_line_too_long),
	    T(test_sync),
	    T(test_echo),
	    T(test_overrun),
	    T(test_answer_too_long),
	    T(test_unread),
	    T(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
