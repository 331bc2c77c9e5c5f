/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.h: requests and answers on a stream of bytes, so that a program knows where an answer
 * ends and whether it succeeded (docs/control.md, "From Dom0").
 *
 * A request is a line, or the lines from `load` to `end`.  The answer's lines begin with ':', and
 * one that begins with '+' (done) or '-' (why not) ends it; `load` itself is answered by '>'.  No
 * statement begins so: a line that does is an answer that a terminal echoed, and is left out.  ^C
 * drops a half request and all of the answers that were not sent yet; `sync WORD` is answered by
 * `+sync WORD`.
 *
 * Bounded both ways: what is said too fast is lost, and its line refused; a request whose answer
 * could not be kept is not done.  Each is counted.
 *
 * One core may speak (session_hear) while one other does all the rest.
 */
#ifndef VMM_CONTROL_SESSION_H
#define VMM_CONTROL_SESSION_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

#define SESSION_IN     65536u      /* bytes that wait to be read; a power of two */
#define SESSION_TEXT   CONFIG_TEXT /* bytes of a text between `load` and `end` */
#define SESSION_ANSWER (4u << 20)  /* bytes of answers that wait to be sent; a power of two */
#define SESSION_WHY    512         /* bytes of a reason, its NUL included */

#define SESSION_COUNTERS(X)                                                                        \
	X(requests) /* done, or refused by the language */                                         \
	X(failed)   /* of these: refused */                                                        \
	X(overrun)  /* bytes lost because too many came at once */                                 \
	X(unread)   /* requests not done because the answers before were not taken */              \
	X(cut)      /* answers that were too long */                                               \
	X(echoes)   /* lines that were answers echoed by a terminal */                             \
	X(dropped)  /* bytes of answers dropped by ^C */

enum session_counter {
#define X(name) SESSION_##name,
	SESSION_COUNTERS(X)
#undef X
	    SESSION_COUNTER_COUNT
};

struct session;

/* Who does what is asked; both answer by session_put(), and false by session_fail() before. */
struct session_ops {
	bool (*line)(struct session *d, const char *line, size_t len);
	bool (*text)(struct session *d, const char *text, size_t len);
};

struct session {
	const struct session_ops *ops;
	atomic_uint in_head, in_tail; /* free-running */
	char in[SESSION_IN];
	char line[CONFIG_LINE + 2]; /* one byte more than is legal: the language refuses it */
	size_t length;
	bool torn;      /* bytes of this line were lost, or it holds a NUL */
	bool gathering; /* between `load` and `end` */
	bool text_torn, text_full;
	size_t text_length;
	char *text;
	char *answer;
	uint64_t out_head, out_tail; /* free-running */
	char last_sent;
	bool open; /* an answer's line was begun */
	bool full; /* it had no room */
	char why[SESSION_WHY];
	_Atomic uint64_t count[SESSION_COUNTER_COUNT];
};

/* Begins in memory of the caller's, zeroed: d, `text` (SESSION_TEXT) and `answer`
 * (SESSION_ANSWER bytes), kept as long as d. */
void session_init(struct session *d, const struct session_ops *ops, char *text, char *answer);

/* Forgets all that was said and answered, not the counters; nobody else may be inside. */
void session_reset(struct session *d);

/* These bytes were said; kept until session_turn().  One caller at a time, any core. */
void session_hear(struct session *d, const char *buf, size_t len);

/* Reads what was said, up to the end of one request, and does it; true: there is more. */
bool session_turn(struct session *d);

/* For the ops: a piece of the answer, any lines; the reason of a failure, one line; and that the
 * lines up to `end` are one text. */
void session_put(struct session *d, const char *text, size_t len);
void session_fail(struct session *d, const char *why);
void session_gather(struct session *d);

/* The next bytes to send, at *buf, which stay there until session_sent(); 0: none wait. */
size_t session_answer(const struct session *d, const char **buf);
/* So many of them were sent. */
void session_sent(struct session *d, size_t len);

/* The i-th counter by name, from 0 on; false when there are no more. */
bool session_counter(const struct session *d, unsigned i, const char **name, uint64_t *value);
#endif
