/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.h: what the parts of a program between meter_on() and meter_off() cost: ticks of the time
 * stamp counter, or instructions, through which another process steps it one by one.
 */
#ifndef TESTS_BENCH_RINGBENCH_METER_H
#define TESTS_BENCH_RINGBENCH_METER_H
#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>

extern bool meter_stepped; /* breakpoints instead of times */
extern uint64_t meter_ticks, meter_start;

static inline void meter_on(void)
{
	if (meter_stepped)
		__asm__ volatile("int3" ::: "memory");
	else
		meter_start = __rdtsc();
}

static inline void meter_off(void)
{
	if (meter_stepped)
		__asm__ volatile("int3" ::: "memory");
	else
		meter_ticks += __rdtsc() - meter_start;
}

/* The ticks since the last call. */
uint64_t meter_take(void);

double meter_ticks_per_ns(void);

/* The median of n > 0 values, which it sorts. */
double meter_median(double *value, unsigned n);

/*
 * Runs run(ctx) in a process of its own; returns the instructions that it executes between the
 * breakpoints that meter_on() and meter_off() are while meter_stepped is set, of which a rep
 * instruction counts once, or -1: it failed, or an end is missing.
 */
long meter_steps(void (*run)(void *ctx), void *ctx);

#endif
