/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hist.h: log-linear histograms of times, or of other numbers.
 *
 * A bucket is a quarter of an octave: values below 8 have a bucket each, and above the bounds of a
 * bucket are at most 25 % apart.  Numbers from 2^40 on (18 minutes, at an instruction a nanosecond)
 * share the last bucket.  The sum and the greatest number are exact.
 *
 * One writer at a time, readers on any core, as in lib/count.h.  What a reader copies while the
 * writer goes on is at most a moment old; it counts by the buckets alone, so that its percentiles
 * fit its count.
 */
#ifndef LIB_HIST_H
#define LIB_HIST_H
#include <stdint.h>
#include "lib/count.h"

#define HIST_PART_BITS 2  /* 2^2 buckets in an octave */
#define HIST_OCTAVES   40 /* numbers below 2^40 have buckets of their own */
#define HIST_BUCKETS   (((HIST_OCTAVES - HIST_PART_BITS + 1) << HIST_PART_BITS) + 1)

struct hist {
	uint64_t bucket[HIST_BUCKETS];
	uint64_t sum, max;
	uint64_t unused; /* whole cache lines: writers beside each other do not share one */
};

_Static_assert(sizeof(struct hist) % 64 == 0, "no line has two writers");

/* The number of the bucket that a value falls into. */
static inline unsigned hist_bucket(uint64_t value)
{
	unsigned octave;

	if (value >> HIST_OCTAVES)
		return HIST_BUCKETS - 1;
	if (value < 1u << HIST_PART_BITS)
		return (unsigned)value;
	octave = 63 - (unsigned)__builtin_clzll(value);
	/* The leading bit adds one part of an octave to the octaves before. */
	return ((octave - HIST_PART_BITS) << HIST_PART_BITS) +
	       (unsigned)(value >> (octave - HIST_PART_BITS));
}

/* The least value of a bucket; of HIST_BUCKETS: what is beyond all, 2^64 - 1. */
uint64_t hist_from(unsigned bucket);

/* Adds the value `times` times; by the histogram's one writer. */
static inline void hist_add(struct hist *h, uint64_t value, uint64_t times)
{
	count_add(&h->bucket[hist_bucket(value)], times);
	count_add(&h->sum, value * times);
	if (times && value > h->max)
		__atomic_store_n(&h->max, value, __ATOMIC_RELAXED);
}

/* Adds what `from` has to `to`, which is the caller's alone; `from` may have a writer. */
void hist_merge(struct hist *to, const struct hist *from);

/* How many values it has.  The histogram has no writer: a copy, by hist_merge(). */
uint64_t hist_count(const struct hist *h);

/*
 * The value that so many thousandths of all are not above, by nearest rank: of the bucket that has
 * it the greatest value, or the greatest of all where that is less.  0 of an empty histogram.
 * Without a writer.
 */
uint64_t hist_percentile(const struct hist *h, unsigned thousandths);
#endif
