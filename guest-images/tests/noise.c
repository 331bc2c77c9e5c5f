/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures the time taken from a guest that only computes.  It reads the TSC in a loop; a step
 * longer than own= (200) ticks was interrupted, and its excess is added up for each window.
 * In between it exits by CPUID, and counts those steps apart: the VMM's histogram of its exits must
 * have each of them.  Options: windows= (5) of window= TSC ticks (50 million), own=, limit= ticks
 * that may be lost in a window (10 000), exits= of each window (0).
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"

#define WINDOWS_MAX 64

/* Steps in which the guest was interrupted. */
struct detours {
	uint64_t count, sum, min, max; /* ticks */
};

static uint64_t missed[WINDOWS_MAX], longest[WINDOWS_MAX], steps;
static struct detours asked, taken; /* by exits of its own; by others */

static void detour(struct detours *d, uint64_t ticks)
{
	d->count++;
	d->sum += ticks;
	d->min = d->count == 1 || ticks < d->min ? ticks : d->min;
	d->max = ticks > d->max ? ticks : d->max;
}

static void print_detours(const char *name, const struct detours *d)
{
	print("noise: %s: %lu detours, %lu ticks, %lu to %lu\n", name, d->count, d->sum, d->min,
	      d->max);
}

/* Exits once; returns the time after it. */
static uint64_t ask(void)
{
	uint64_t before = rdtsc(), now;
	uint32_t regs[4];

	cpuid(0, 0, regs);
	now = rdtsc();
	detour(&asked, now - before);
	return now;
}

static void watch(unsigned window, uint64_t until, uint64_t own, uint64_t every)
{
	uint64_t last = rdtsc(), due = last + every;

	while (last < until) {
		uint64_t now, step;

		if (last >= due) {
			due += every;
			last = ask();
		}
		now = rdtsc();
		step = now - last;
		last = now;
		steps++;
		if (step <= own)
			continue;
		detour(&taken, step);
		missed[window] += step;
		if (step > longest[window])
			longest[window] = step;
	}
}

void guest_main(void)
{
	unsigned windows = (unsigned)mb_number("windows", 5);
	uint64_t window = mb_number("window", 50000000), own = mb_number("own", 200);
	uint64_t limit = mb_number("limit", 10000), exits = mb_number("exits", 0), worst = 0;
	uint64_t start;

	if (!check(windows && windows <= WINDOWS_MAX, "windows", "1 to %u", WINDOWS_MAX))
		done();
	irq_off();
	start = rdtsc();
	for (unsigned i = 0; i < windows; i++)
		watch(i, start + (i + 1) * window, own, exits ? window / exits : window);
	for (unsigned i = 0; i < windows; i++) {
		print("noise: window %u: %lu ticks missed, at most %lu at once\n", i, missed[i],
		      longest[i]);
		worst = missed[i] > worst ? missed[i] : worst;
	}
	print_detours("asked", &asked);
	print_detours("taken", &taken);
	print("noise: %lu steps, worst window %lu ticks\n", steps, worst);
	check(worst <= limit, "quiet", "%lu ticks missed in a window", worst);
	done();
}
