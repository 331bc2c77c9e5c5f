/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_session.c: a guest that writes any bytes to its control console at any time, and reads its
 * answers or not.
 *
 * Each line sent back must begin with one of the marks, each line and text passed to control must
 * have been received completely, and after ^C and `sync` the next answer is the expected one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/control/session.h"

static struct session d;
static char text[SESSION_TEXT], answer[SESSION_ANSWER];
static char last; /* byte that was taken */

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool do_line(struct session *x, const char *line, size_t len)
{
	check(!memchr(line, '\n', len) && !memchr(line, 0, len) && !memchr(line, 3, len));
	if (len && line[0] == 'l')
		session_gather(x);
	if (len && line[0] == 'f') {
		session_fail(x, "no:\n1");
		return false;
	}
	for (unsigned i = 0; len > 1 && line[0] == 'p' && i < 1u << line[1] % 10u; i++)
		session_put(x, line, len);
	return true;
}

static bool do_text(struct session *x, const char *t, size_t len)
{
	check(!len || t[len - 1] == '\n');
	session_put(x, t, len);
	return len % 2;
}

static const struct session_ops ops = {do_line, do_text};

static void read_answer(size_t max)
{
	const char *p;
	size_t n = session_answer(&d, &p);

	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++) {
		check(last != '\n' || strchr(":+->\n", p[i]));
		last = p[i];
	}
	session_sent(&d, n);
}

static void take_all(void)
{
	const char *p;

	while (session_answer(&d, &p))
		read_answer(SESSION_ANSWER);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t size)
{
	memset(&d, 0, sizeof d);
	last = '\n';
	session_init(&d, &ops, text, answer);
	while (size > 1) {
		size_t n = in[1] < size - 2 ? in[1] : size - 2;

		for (unsigned i = 0; i <= in[0] / 8u; i++)
			session_input(&d, (const char *)in + 2, n);
		if (in[0] & 1)
			session_turn(&d);
		if (in[0] & 2)
			while (session_turn(&d))
				;
		if (in[0] & 4)
			read_answer(in[1]);
		in += n + 2;
		size -= n + 2;
	}
	while (session_turn(&d))
		;
	take_all();
	session_input(&d, "\003sync x\n", 8);
	check(!session_turn(&d));
	take_all();
	check(last == '\n');
	return 0;
}
