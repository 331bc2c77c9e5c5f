/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h: the log on the serial port, with levels; and who else writes there (terminal.h). */
#ifndef LIB_LOG_H
#define LIB_LOG_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/terminal.h"

/* What the log stands on; the functions come from who knows the machine. */
struct log_sink {
	struct terminal_port serial; /* `interrupt` is used as log_queue() says */
	void (*drain)(void);         /* returns when the serial port's last byte is on the line */
	void (*debug)(const char *s, size_t n); /* an emulator's debug port: each byte at once */
	unsigned (*core)(void);                 /* index of the core that asks; 0: the boot core */
	uint64_t (*clock)(void);                /* microseconds; 0: not known yet */
};

/* Once, on the boot core: from here on there is a log; `s` stays the caller's, unchanged.  What was
 * written before is lost. */
void log_open(const struct log_sink *s);

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
extern enum log_level log_level;

/* True: the log goes to an emulator's debug port, and the serial port carries only what guests and
 * the monitor say.  Boot option `log-to=debugcon`. */
extern bool log_apart;

/* One line: a time stamp, the core, the level and the text; nothing when `level` is above
 * log_level.  Lines of different cores do not mix. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Text that is part of the log, at once: for a panic, after log_end() of nothing. */
void log_put(const char *s, size_t n);

/*
 * The same, up to 512 bytes, whole, not mixed with another core's.  During the boot the boot core
 * waits for the serial port; later the text is queued (lib/terminal.h), and nobody waits.
 */
void log_text(const char *s, size_t n);

/* Lines that found no room in the queue, since the boot. */
uint64_t log_lost(void);

/* ---- the boot core: the terminal ---- */

/* It is in its loop now, and is called when something is queued.  `interrupt`: the port's interrupt
 * reaches it, so that it need not wait for the port.  May be called again. */
void log_queue(bool interrupt);

/* Writes to the terminal, after all that was queued before; waits for the port. */
void log_raw(const char *s, size_t n);

/* Between the two, nothing else comes to the terminal: an answer in many pieces stays whole. */
void log_hold(void);
void log_release(void);

/* Feeds the port from the queue without waiting; and, when all was read that came in, asks for the
 * interrupt if more is left.  Called in this order at each visit to the port. */
void log_feed(void);
void log_await(void);

/* ---- any core ---- */

/* Queues for the terminal what a guest printed; returns how many bytes had room. */
size_t log_guest(const char *s, size_t n);

/* The end of the node: all that was queued, then this text; returns when it is on the line.
 * `alone`: no other core runs any more. */
void log_end(const char *s, size_t n, bool alone);
#endif
