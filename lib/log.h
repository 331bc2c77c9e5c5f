/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h: the log, with levels, and the other output to the serial port (terminal.h). */
#ifndef LIB_LOG_H
#define LIB_LOG_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/terminal.h"

/* What the log needs of the machine. */
struct log_sink {
	struct terminal_port serial; /* `interrupt` is used as log_queue() says */
	void (*drain)(void);         /* waits until the serial port has sent everything */
	void (*debug)(const char *s, size_t n); /* an emulator's debug port: each byte at once */
	unsigned (*core)(void);                 /* index of the calling core; 0: the boot core */
	uint64_t (*clock)(void);                /* microseconds; 0: not known yet */
};

/* Opens the log; once, on the boot core.  `s` must remain valid and unchanged.  Earlier output is
 * lost. */
void log_open(const struct log_sink *s);

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
extern enum log_level log_level;

/* True: the log goes to an emulator's debug port, and the serial port carries only the output of
 * guests and the monitor.  Boot option `log-to=debugcon`. */
extern bool log_apart;

/* One line: a time stamp, the core, the level and the text; dropped when `level` is above
 * log_level.  Lines of different cores do not mix. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Writes text to the log without lock or queue: for a panic, after log_end("", 0, true). */
void log_put(const char *s, size_t n);

/*
 * Writes up to 512 bytes to the log, not interleaved with another core's.  During boot the boot
 * core waits for the serial port; later the text is queued (lib/terminal.h), and nobody waits.
 */
void log_text(const char *s, size_t n);

/* Lines dropped for lack of room in the queue, since boot. */
uint64_t log_lost(void);

/* ---- the boot core: the terminal ---- */

/* The boot core runs its main loop from now on, and is woken when text is queued.  `interrupt`: it
 * gets the port's interrupt, so that it need not wait for the port.  May be called again. */
void log_queue(bool interrupt);

/* Writes to the terminal after all queued text; waits for the port. */
void log_raw(const char *s, size_t n);

/* Between these two nothing else is written to the terminal, so that a long answer is not
 * interrupted.
 */
void log_hold(void);
void log_release(void);

/* At each visit to the port, in this order: log_feed() moves text from the queue to the port
 * without waiting; log_await(), once all input was read, enables the interrupt if the queue is not
 * empty. */
void log_feed(void);
void log_await(void);

/* ---- any core ---- */

/* Queues a guest's output for the terminal; returns how many bytes had room. */
size_t log_guest(const char *s, size_t n);

/* At the end of the node: writes all queued text, then this text; returns when it was sent.
 * `alone`: no other core runs any more. */
void log_end(const char *s, size_t n, bool alone);
#endif
