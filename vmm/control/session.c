/* SPDX-License-Identifier: BSD-2-Clause */
/* session.c: see control/session.h. */
#include <stdio.h>
#include <string.h>
#include "vmm/control/session.h"

#define CTRL_C    3
#define SYNC_WORD 32                /* length of the word after `sync`, at most */
#define RESERVE   (SESSION_WHY + 8) /* bytes kept free for the line that ends an answer */

static void add_count(struct session *d, enum session_counter which, uint64_t n)
{
	atomic_fetch_add_explicit(&d->count[which], n, memory_order_relaxed);
}

void session_init(struct session *d, const struct session_ops *ops, char *text, char *answer)
{
	d->ops = ops;
	d->text = text;
	d->answer = answer;
	session_reset(d);
}

static void forget_request(struct session *d)
{
	d->length = d->text_length = 0;
	d->torn = d->gathering = d->text_torn = d->text_full = false;
}

void session_reset(struct session *d)
{
	forget_request(d);
	atomic_store(&d->in_head, 0);
	atomic_store(&d->in_tail, 0);
	d->out_head = d->out_tail = 0;
	d->last_sent = '\n';
	d->open = d->full = false;
}

/* ---- input ---- */

/* The last free byte is for a NUL, which marks where bytes were lost. */
void session_input(struct session *d, const char *buf, size_t len)
{
	unsigned head = atomic_load_explicit(&d->in_head, memory_order_relaxed);
	unsigned used = head - atomic_load_explicit(&d->in_tail, memory_order_acquire);
	size_t free_bytes = used < SESSION_IN ? SESSION_IN - 1 - used : 0;
	size_t n = len < free_bytes ? len : free_bytes;

	for (size_t i = 0; i < n; i++)
		d->in[head++ % SESSION_IN] = buf[i];
	if (n < len && used < SESSION_IN)
		d->in[head++ % SESSION_IN] = 0;
	if (n < len)
		add_count(d, SESSION_input_lost, len - n);
	atomic_store_explicit(&d->in_head, head, memory_order_release);
}

/* ---- answers ---- */

static size_t answer_room(const struct session *d)
{
	return SESSION_ANSWER - (size_t)(d->out_head - d->out_tail);
}

static void push_byte(struct session *d, char c)
{
	d->answer[d->out_head++ % SESSION_ANSWER] = c;
}

void session_put(struct session *d, const char *text, size_t len)
{
	for (size_t i = 0; i < len && !d->full; i++) {
		if (answer_room(d) < RESERVE + 2) {
			d->full = true;
			return;
		}
		if (!d->open)
			push_byte(d, ':');
		push_byte(d, text[i]);
		d->open = text[i] != '\n';
	}
}

void session_fail(struct session *d, const char *why)
{
	snprintf(d->why, sizeof d->why, "%s", why);
}

/* Needs no check: only this function uses the last RESERVE bytes. */
static void end_answer(struct session *d, char mark, const char *text)
{
	if (d->open)
		push_byte(d, '\n');
	push_byte(d, mark);
	for (; *text; text++)
		push_byte(d, *text < ' ' && *text >= 0 ? '?' : *text);
	push_byte(d, '\n');
	d->open = d->full = false;
}

static void end_request(struct session *d, bool ok)
{
	add_count(d, SESSION_requests, 1);
	add_count(d, SESSION_truncated, d->full);
	add_count(d, SESSION_failed, !ok);
	if (!ok)
		end_answer(d, '-', d->why);
	else if (d->full)
		end_answer(d, '-',
		           "the request was carried out, but its answer is too long: ask for less");
	else
		end_answer(d, '+', "ok");
}

static void refuse_request(struct session *d, const char *why)
{
	session_fail(d, why);
	end_request(d, false);
}

size_t session_answer(const struct session *d, const char **buf)
{
	size_t at = d->out_tail % SESSION_ANSWER, n = (size_t)(d->out_head - d->out_tail);

	*buf = d->answer + at;
	return n < SESSION_ANSWER - at ? n : SESSION_ANSWER - at;
}

void session_sent(struct session *d, size_t len)
{
	if (!len)
		return;
	d->out_tail += len;
	d->last_sent = d->answer[(d->out_tail - 1) % SESSION_ANSWER];
}

/* ---- requests ---- */

void session_gather(struct session *d)
{
	d->gathering = true;
	d->text_length = 0;
	d->text_torn = d->text_full = false;
}

static void abandon_request(struct session *d)
{
	add_count(d, SESSION_discarded, d->out_head - d->out_tail);
	d->out_tail = d->out_head;
	if (d->last_sent != '\n') {
		push_byte(d, '\n');
		d->last_sent = '\n';
	}
	forget_request(d);
}

/* True: the line was `sync WORD`, and is answered. */
static bool sync_asked(struct session *d)
{
	char answer[sizeof "sync " + SYNC_WORD];

	if (d->length < 6 || d->length > 5 + SYNC_WORD || memcmp(d->line, "sync ", 5) != 0)
		return false;
	for (size_t i = 5; i < d->length; i++)
		if (d->line[i] <= ' ' || d->line[i] > '~')
			return false;
	snprintf(answer, sizeof answer, "%.*s", (int)d->length, d->line);
	end_answer(d, '+', answer);
	return true;
}

static void end_text(struct session *d)
{
	d->gathering = false;
	if (d->text_torn)
		refuse_request(d, "bytes of the text were lost, or are NUL: nothing was changed");
	else if (d->text_full)
		refuse_request(d, "the text is too long: nothing was changed");
	else
		end_request(d, d->ops->text(d, d->text, d->text_length));
}

static void gather_line(struct session *d)
{
	d->text_torn |= d->torn;
	if (d->text_length + d->length + 1 > SESSION_TEXT) {
		d->text_full = true;
		return;
	}
	memcpy(d->text + d->text_length, d->line, d->length);
	d->text_length += d->length;
	d->text[d->text_length++] = '\n';
}

static void end_line(struct session *d)
{
	if (answer_room(d) < RESERVE + 2) {
		add_count(d, SESSION_not_executed, 1);
	} else if (d->torn) {
		refuse_request(d, "bytes of the line were lost, or are NUL: nothing was done");
	} else if (!sync_asked(d)) {
		bool ok = d->ops->line(d, d->line, d->length);

		if (ok && d->gathering)
			end_answer(d, '>', "");
		else
			end_request(d, ok);
	}
}

static bool is_echo(const struct session *d)
{
	return d->length && strchr(":+->", d->line[0]) && !d->torn;
}

/* True when the line ended a request. */
static bool line_read(struct session *d)
{
	bool served = true;
	bool end;

	if (d->length && d->line[d->length - 1] == '\r')
		d->length--;
	end = d->length == 3 && memcmp(d->line, "end", 3) == 0 && !d->torn;
	if (d->gathering && !end) {
		gather_line(d);
		served = false;
	} else if (d->gathering) {
		end_text(d);
	} else if (is_echo(d)) {
		add_count(d, SESSION_echoes, 1);
		served = false;
	} else {
		end_line(d);
	}
	d->length = 0;
	d->torn = false;
	return served;
}

static bool read_byte(struct session *d, char c)
{
	if (c == '\n')
		return line_read(d);
	if (c == CTRL_C) {
		abandon_request(d);
		return false;
	}
	d->torn |= !c;
	if (d->length < sizeof d->line)
		d->line[d->length++] = c;
	return false;
}

bool session_turn(struct session *d)
{
	unsigned tail = atomic_load_explicit(&d->in_tail, memory_order_relaxed);
	unsigned head = atomic_load_explicit(&d->in_head, memory_order_acquire);
	bool served = false;

	while (!served && tail != head)
		served = read_byte(d, d->in[tail++ % SESSION_IN]);
	atomic_store_explicit(&d->in_tail, tail, memory_order_release);
	return tail != atomic_load_explicit(&d->in_head, memory_order_acquire);
}

bool session_counter(const struct session *d, unsigned i, const char **name, uint64_t *value)
{
	static const char *const names[] = {
#define X(name, unit, help) #name,
	    SESSION_COUNTERS(X)
#undef X
	};

	if (i >= SESSION_COUNTER_COUNT)
		return false;
	*name = names[i];
	*value = atomic_load_explicit(&d->count[i], memory_order_relaxed);
	return true;
}
