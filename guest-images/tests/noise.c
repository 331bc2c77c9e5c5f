/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures the time taken from a guest that only computes.  It reads the TSC in a loop; a step
 * longer than own= (200) ticks was interrupted, and its excess is added up for each window.
 * Options: windows= (5) of window= TSC ticks (50 million), own=, limit= ticks that may be lost in a
 * window (10 000).
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"

#define WINDOWS_MAX 64

static uint64_t missed[WINDOWS_MAX], longest[WINDOWS_MAX], steps;

static void watch(unsigned window, uint64_t until, uint64_t own)
{
	uint64_t last = rdtsc();
	while (last < until) {
		uint64_t now = rdtsc(), step = now - last;
		last = now;
		steps++;
		if (step <= own)
			continue;
		missed[window] += step;
		if (step > longest[window])
			longest[window] = step;
	}
}

void guest_main(void)
{
	unsigned windows = (unsigned)mb_number("windows", 5);
	uint64_t window = mb_number("window", 50000000), own = mb_number("own", 200);
	uint64_t limit = mb_number("limit", 10000), worst = 0;
	uint64_t start;
	if (!check(windows && windows <= WINDOWS_MAX, "windows", "1 to %u", WINDOWS_MAX))
		done();
	irq_off();
	start = rdtsc();
	for (unsigned i = 0; i < windows; i++)
		watch(i, start + (i + 1) * window, own);
	for (unsigned i = 0; i < windows; i++) {
		print("noise: window %u: %lu ticks missed, at most %lu at once\n", i, missed[i],
		      longest[i]);
		worst = missed[i] > worst ? missed[i] : worst;
	}
	print("noise: %lu steps, worst window %lu ticks\n", steps, worst);
	check(worst <= limit, "quiet", "%lu ticks missed in a window", worst);
	done();
}
