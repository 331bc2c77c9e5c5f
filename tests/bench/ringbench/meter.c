/* SPDX-License-Identifier: BSD-2-Clause */
/* meter.c: see meter.h. */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/ringbench/meter.h"

#define SAMPLE 0.02 /* seconds */

bool meter_stepped;
uint64_t meter_ticks, meter_start;

uint64_t meter_take(void)
{
	uint64_t ticks = meter_ticks;

	meter_ticks = 0;
	return ticks;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double meter_ticks_per_ns(void)
{
	double from = seconds();
	uint64_t ticks = __rdtsc();

	while (seconds() - from < SAMPLE)
		;
	return (double)(__rdtsc() - ticks) / ((seconds() - from) * 1e9);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double meter_median(double *value, unsigned n)
{
	qsort(value, n, sizeof *value, by_value);
	return value[n / 2];
}

static void child_main(void (*run)(void *ctx), void *ctx)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	run(ctx);
	_exit(0);
}

static bool is_breakpoint(pid_t child, unsigned long at)
{
	return (ptrace(PTRACE_PEEKTEXT, child, at, 0) & 0xff) == 0xcc;
}

/* One stop of the child; *on: it is stepped.  While it is not, it stops at breakpoints only. */
static void count_stop(pid_t child, bool *on, unsigned long *last, long *steps)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, child, 0, &regs);
	if (!*on)
		*on = true;
	else if (regs.rip == *last + 1 && is_breakpoint(child, *last))
		*on = false;
	else
		*steps += regs.rip != *last;
	*last = regs.rip;
	ptrace(*on ? PTRACE_SINGLESTEP : PTRACE_CONT, child, 0, 0);
}

long meter_steps(void (*run)(void *ctx), void *ctx)
{
	unsigned long last = 0;
	bool on = false;
	long steps = 0;
	int status;
	pid_t child = fork();

	if (!child)
		child_main(run, ctx);
	waitpid(child, &status, 0);
	ptrace(PTRACE_CONT, child, 0, 0);
	while (waitpid(child, &status, 0) > 0 && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		count_stop(child, &on, &last, &steps);
	if (WIFSTOPPED(status))
		kill(child, SIGKILL);
	return on || !WIFEXITED(status) || WEXITSTATUS(status) ? -1 : steps;
}
