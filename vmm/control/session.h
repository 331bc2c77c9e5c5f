/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.h: requests and answers on a stream of bytes, framed so that a program knows where an
 * answer ends and whether the request succeeded (docs/control.md, "From Dom0").
 *
 * A request is a line, or the lines from `load` to `end`.  The lines of an answer begin with ':',
 * and its last line with '+' (done) or '-' (the reason of a failure); `load` itself is answered by
 * '>'.  No statement begins with these characters: a line that does is an answer echoed by a
 * terminal, and is ignored.  ^C drops an incomplete request and all unsent answers; `sync WORD` is
 * answered by `+sync WORD`.
 *
 * Memory is bounded both ways: input that comes too fast is lost, and its line refused; a request
 * whose answer would have no room is not carried out.  Both are counted.
 *
 * One core may call session_input() while one other calls the rest.
 */
#ifndef VMM_CONTROL_SESSION_H
#define VMM_CONTROL_SESSION_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

#define SESSION_IN     65536u      /* bytes of unread input; a power of two */
#define SESSION_TEXT   CONFIG_TEXT /* bytes of a text between `load` and `end` */
#define SESSION_ANSWER (4u << 20)  /* bytes of unsent answers; a power of two */
#define SESSION_WHY    512         /* bytes of a reason, its NUL included */

/* A session's counters: name, unit if they count no requests or lines, meaning. */
#define SESSION_COUNTERS(X)                                                                        \
	X(requests, NULL, "Requests carried out or refused.")                                      \
	X(failed, NULL, "Requests refused.")                                                       \
	X(input_lost, "bytes", "Bytes of requests lost because too many came at once.")            \
	X(not_executed, NULL, "Requests not carried out because earlier answers were not read.")   \
	X(truncated, NULL, "Answers truncated because they were too long.")                        \
	X(echoes, NULL, "Lines ignored because they were answers echoed by a terminal.")           \
	X(discarded, "bytes", "Bytes of answers discarded by ^C.")

enum session_counter {
#define X(name, unit, help) SESSION_##name,
	SESSION_COUNTERS(X)
#undef X
	    SESSION_COUNTER_COUNT
};

struct session;

/* Carry out a request.  Both answer by session_put(); before they return false they call
 * session_fail(). */
struct session_ops {
	bool (*line)(struct session *d, const char *line, size_t len);
	bool (*text)(struct session *d, const char *text, size_t len);
};

struct session {
	const struct session_ops *ops;
	atomic_uint in_head, in_tail; /* free-running */
	char in[SESSION_IN];
	char line[CONFIG_LINE + 2]; /* one byte more than is legal, so that the parser refuses it */
	size_t length;
	bool torn;      /* bytes of this line were lost, or it holds a NUL */
	bool gathering; /* between `load` and `end` */
	bool text_torn, text_full;
	size_t text_length;
	char *text;
	char *answer;
	uint64_t out_head, out_tail; /* free-running */
	char last_sent;
	bool open; /* the answer's last line has no newline yet */
	bool full; /* the answer had no room: truncated */
	char why[SESSION_WHY];
	_Atomic uint64_t count[SESSION_COUNTER_COUNT];
};

/* Begins a session in the caller's memory, all zeroed: d, `text` (SESSION_TEXT bytes) and `answer`
 * (SESSION_ANSWER bytes), which live as long as d. */
void session_init(struct session *d, const struct session_ops *ops, char *text, char *answer);

/* Drops all input and answers, not the counters; no other core may be in a call. */
void session_reset(struct session *d);

/* Adds input, kept until session_turn().  One caller at a time, any core. */
void session_input(struct session *d, const char *buf, size_t len);

/* Reads input up to the end of one request and carries it out; true: there is more input. */
bool session_turn(struct session *d);

/* For the ops: adds a part of the answer, any number of lines; sets the reason of a failure, one
 * line; makes the lines up to `end` one text. */
void session_put(struct session *d, const char *text, size_t len);
void session_fail(struct session *d, const char *why);
void session_gather(struct session *d);

/* The next bytes to send, at *buf, valid until session_sent(); 0: none. */
size_t session_answer(const struct session *d, const char **buf);
/* `len` of those bytes were sent. */
void session_sent(struct session *d, size_t len);

/* The i-th counter by name, from 0 on; false when there are no more. */
bool session_counter(const struct session *d, unsigned i, const char **name, uint64_t *value);
#endif
