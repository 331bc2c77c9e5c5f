/* The log: lines to the serial port under one lock. */
#include <stdatomic.h>
#include <stdio.h>
#include "arch/x86_64/platform.h"
#include "vmm/lock.h"
#include "vmm/log.h"

enum log_level log_level = LOG_INFO;
bool log_apart;
static struct spinlock lock;
static _Atomic(struct core *) holder; /* of the lock for a whole answer, or NULL */

void log_put(const char *s, size_t n)
{
	if (log_apart)
		debugcon_put(s, n);
	else
		uart_put(s, n);
}

static bool enter(void)
{
	if (atomic_load(&holder) == this_core())
		return false;
	spin_lock(&lock);
	return true;
}

static void leave(bool entered)
{
	if (entered)
		spin_unlock(&lock);
}

void log_hold(void)
{
	spin_lock(&lock);
	atomic_store(&holder, this_core());
}

void log_release(void)
{
	atomic_store(&holder, NULL);
	spin_unlock(&lock);
}

void log_raw(const char *s, size_t n)
{
	bool entered = enter();
	uart_put(s, n);
	leave(entered);
}

void log_text(const char *s, size_t n)
{
	bool entered = enter();
	log_put(s, n);
	leave(entered);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const name[] = {"error", "warn", "info", "debug"};
	char buf[512];
	if (level > log_level)
		return;
	uint64_t us = tsc_khz ? rdtsc() * 1000 / tsc_khz : 0;
	size_t n = (size_t)snprintf(buf, sizeof buf, "[%4lu.%06lu c%u %s] ", us / 1000000,
	                            us % 1000000, this_core()->index, name[level]);
	va_list ap;
	va_start(ap, fmt);
	n += (size_t)vsnprintf(buf + n, sizeof buf - n, fmt, ap);
	va_end(ap);
	if (n > sizeof buf - 3)
		n = sizeof buf - 3;
	buf[n++] = '\r';
	buf[n++] = '\n';
	log_text(buf, n);
}
