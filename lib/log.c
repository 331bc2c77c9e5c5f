/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c: see log.h.  The log, and the queue to the serial port. */
#include <stdatomic.h>
#include <stdio.h>
#include "lib/spinlock.h"
#include "lib/log.h"
#include "lib/terminal.h"

enum log_level log_level = LOG_INFO;
bool log_apart;
static const struct log_sink *sink; /* NULL before log_open(): nothing is written */
static struct spinlock debug_lock;  /* for the debug port, which needs no queue */
static _Atomic bool booted;         /* the boot core runs its main loop, and wake() reaches it */
static bool terminal_held;          /* the boot core writes a whole answer: log_hold() */
static _Atomic uint64_t dropped;    /* lines dropped since the last notice of it */
static _Atomic uint64_t dropped_total;

static void wake_boot_core(void)
{
	if (booted)
		sink->serial.wake();
}

static struct terminal_port port = {.wake = wake_boot_core};
static struct terminal terminal = {.port = &port};

void log_open(const struct log_sink *s)
{
	port.empty = s->serial.empty;
	port.put = s->serial.put;
	sink = s;
}

void log_put(const char *s, size_t n)
{
	if (!sink)
		return;
	if (log_apart)
		sink->debug(s, n);
	else
		sink->serial.put(s, n);
}

void log_queue(bool interrupt)
{
	port.interrupt = interrupt ? sink->serial.interrupt : NULL;
	booted = true;
}

void log_feed(void)
{
	terminal_feed(&terminal);
}

void log_await(void)
{
	terminal_await(&terminal);
}

void log_hold(void)
{
	terminal_settle(&terminal);
	terminal_held = true;
}

void log_release(void)
{
	terminal_held = false;
}

void log_raw(const char *s, size_t n)
{
	if (!terminal_held)
		terminal_settle(&terminal);
	sink->serial.put(s, n);
}

size_t log_guest(const char *s, size_t n)
{
	return terminal_guest(&terminal, s, n);
}

uint64_t log_lost(void)
{
	return atomic_load(&dropped_total);
}

void log_end(const char *s, size_t n, bool alone)
{
	terminal_end(&terminal, alone);
	log_put(s, n);
	if (sink)
		sink->drain();
}

/* Half of the queue is reserved for VMM lines; a line without room is dropped and counted, and the
 * count is logged once there is room again. */
static void queue_line(const char *s, size_t n)
{
	char note[64];
	uint64_t missing = atomic_exchange(&dropped, 0);

	if (missing) {
		int len = snprintf(note, sizeof note, "[log: no room for %lu lines]\r\n", missing);

		if (!terminal_line(&terminal, note, (size_t)len)) {
			atomic_fetch_add(&dropped, missing + 1);
			atomic_fetch_add(&dropped_total, 1);
			return;
		}
	}
	if (!terminal_line(&terminal, s, n)) {
		atomic_fetch_add(&dropped, 1);
		atomic_fetch_add(&dropped_total, 1);
	}
}

void log_text(const char *s, size_t n)
{
	if (log_apart) {
		spin_lock(&debug_lock);
		sink->debug(s, n);
		spin_unlock(&debug_lock);
	} else if (!booted && sink->core() == 0) {
		log_raw(s, n);
	} else {
		queue_line(s, n);
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const name[] = {"error", "warn", "info", "debug"};
	char buf[512];
	uint64_t us;
	size_t n;
	va_list ap;

	if (!sink || level > log_level)
		return;
	us = sink->clock();
	n = (size_t)snprintf(buf, sizeof buf, "[%4lu.%06lu c%u %s] ", us / 1000000, us % 1000000,
	                     sink->core(), name[level]);
	va_start(ap, fmt);
	n += (size_t)vsnprintf(buf + n, sizeof buf - n, fmt, ap);
	va_end(ap);
	if (n > sizeof buf - 3)
		n = sizeof buf - 3;
	buf[n++] = '\r';
	buf[n++] = '\n';
	log_text(buf, n);
}
