/* SPDX-License-Identifier: BSD-2-Clause */
/* test_hist.c: histograms, compared with the sorted numbers themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/hash.h"
#include "lib/hist.h"

#define SAMPLES 4000

static uint64_t seed;

static uint64_t draw(void)
{
	seed++;
	return hash_spread(seed) ^ hash_spread(seed * 77) >> 32;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The buckets lie side by side without a gap, and none is wider than a quarter of its least value.
 */
static void buckets_cover_all_numbers(void **state)
{
	(void)state;
	assert_int_equal(hist_from(0), 0);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		uint64_t from = hist_from(i), next = hist_from(i + 1);

		assert_true(next > from);
		assert_int_equal(hist_bucket(from), i);
		assert_int_equal(hist_bucket(next - 1), i);
		if (i < HIST_BUCKETS - 1)
			assert_true(next - from == 1 || (next - from) * 4 <= from);
	}
	assert_int_equal(hist_from(HIST_BUCKETS - 1), 1ull << HIST_OCTAVES);
	assert_int_equal(hist_bucket(UINT64_MAX), HIST_BUCKETS - 1);
}

/* By nearest rank, of n sorted numbers. */
static uint64_t exact(const uint64_t *sorted, unsigned n, unsigned thousandths)
{
	unsigned rank = (n * thousandths + 999) / 1000;

	return sorted[rank ? rank - 1 : 0];
}

static void check(const uint64_t *sorted, unsigned n)
{
	static const unsigned parts[] = {1, 250, 500, 900, 990, 999, 1000};
	struct hist h, copy;
	uint64_t sum = 0;

	memset(&h, 0, sizeof h);
	memset(&copy, 0, sizeof copy);
	for (unsigned i = 0; i < n; i++) {
		hist_add(&h, sorted[n - 1 - i], 1);
		sum += sorted[i];
	}
	hist_merge(&copy, &h);
	assert_memory_equal(&copy, &h, sizeof h);
	assert_int_equal(hist_count(&h), n);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.max, sorted[n - 1]);
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		uint64_t want = exact(sorted, n, parts[i]), got = hist_percentile(&h, parts[i]);

		assert_true(got >= want && got <= h.max);
		assert_int_equal(hist_bucket(got), hist_bucket(want));
		if (want < 1ull << HIST_OCTAVES)
			assert_true(got - want <= want / 4);
	}
	assert_int_equal(hist_percentile(&h, 1000), h.max);
}

/* Of every size, with many of one size, and beyond the last bucket. */
static void percentiles_are_those_of_the_sorted_numbers(void **state)
{
	static uint64_t sample[SAMPLES];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		unsigned n = 1 + (unsigned)(draw() % (round % 10 ? 30 : SAMPLES));
		unsigned widest = 1 + round % 63;

		for (unsigned i = 0; i < n; i++)
			sample[i] = draw() >> (63 - draw() % widest);
		qsort(sample, n, sizeof *sample, compare);
		check(sample, n);
	}
}

static void several_are_merged_and_added_at_once(void **state)
{
	struct hist a = {0}, b = {0}, all = {0};

	(void)state;
	assert_int_equal(hist_percentile(&all, 500), 0);
	hist_add(&a, 100, 3);
	hist_add(&b, 5000, 1);
	hist_add(&b, 1u << 20, 0); /* none: no maximum either */
	hist_merge(&all, &a);
	hist_merge(&all, &b);
	assert_int_equal(hist_count(&all), 4);
	assert_int_equal(all.sum, 5300);
	assert_int_equal(all.max, 5000);
	assert_int_equal(hist_percentile(&all, 500), 111);
	assert_int_equal(hist_percentile(&all, 750), 111);
	assert_int_equal(hist_percentile(&all, 751), 5000);
}

/* A copy taken while the writer was between a bucket and the maximum. */
static void an_older_maximum_does_not_hide_a_bucket(void **state)
{
	struct hist h = {0};

	(void)state;
	hist_add(&h, 10, 1);
	h.bucket[hist_bucket(1000)]++;
	assert_int_equal(hist_bucket(hist_percentile(&h, 1000)), hist_bucket(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buckets_cover_all_numbers),
	    cmocka_unit_test(percentiles_are_those_of_the_sorted_numbers),
	    cmocka_unit_test(several_are_merged_and_added_at_once),
	    cmocka_unit_test(an_older_maximum_does_not_hide_a_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
