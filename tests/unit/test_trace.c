/* SPDX-License-Identifier: BSD-2-Clause */
/* test_trace.c: the rings of time stamps, read while they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "lib/trace.h"

#define RECORDS 8

static struct trace_ring *ring_make(void)
{
	struct trace_ring *r = calloc(1, trace_bytes(RECORDS));

	assert_non_null(r);
	trace_ring_init(r, RECORDS, 3);
	return r;
}

static void put(struct trace_ring *r, uint64_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct trace_record record = {.tsc = first + i};

		trace_put(r, &record);
	}
}

static void records_come_in_order(void **state)
{
	struct trace_ring *r = ring_make();
	struct trace_record got[RECORDS];
	uint64_t next = 0, lost = 0;

	(void)state;

	assert_int_equal(trace_read(r, RECORDS, &next, got, RECORDS, &lost), 0);
	put(r, 100, 5);
	assert_int_equal(trace_read(r, RECORDS, &next, got, 3, &lost), 3);
	assert_int_equal(got[0].tsc, 100);
	assert_int_equal(got[2].tsc, 102);
	assert_int_equal(trace_read(r, RECORDS, &next, got, RECORDS, &lost), 2);
	assert_int_equal(got[1].tsc, 104);
	assert_int_equal(trace_read(r, RECORDS, &next, got, RECORDS, &lost), 0);
	assert_int_equal(lost, 0);
	free(r);
}

static void the_oldest_are_lost_and_counted(void **state)
{
	struct trace_ring *r = ring_make();
	struct trace_record got[RECORDS];
	uint64_t next = 0, lost = 0;
	unsigned n;

	(void)state;

	put(r, 0, RECORDS + 4);
	n = trace_read(r, RECORDS, &next, got, RECORDS, &lost);
	/* One less than the ring holds: its slot may be being overwritten. */
	assert_int_equal(n, RECORDS - 1);
	assert_int_equal(got[0].tsc, 5);
	assert_int_equal(got[n - 1].tsc, RECORDS + 3);
	assert_int_equal(n + lost, RECORDS + 4);
	free(r);
}

/* A guest that writes its ring may write anything into it. */
static void a_count_set_back_or_ahead_harms_no_reader(void **state)
{
	struct trace_ring *r = ring_make();
	struct trace_record got[RECORDS];
	uint64_t next = 0, lost = 0;

	(void)state;

	put(r, 0, 6);
	assert_int_equal(trace_read(r, RECORDS, &next, got, RECORDS, &lost), 6);
	atomic_store(&r->written, 2);
	assert_int_equal(trace_read(r, RECORDS, &next, got, RECORDS, &lost), 2);
	assert_int_equal(got[0].tsc, 0);
	r->records = 1u << 31; /* the reader goes by what it found to fit */
	atomic_store(&r->written, UINT64_MAX);
	assert_int_equal(trace_read(r, RECORDS, &next, got, RECORDS, &lost), RECORDS - 1);
	assert_int_equal(next, UINT64_MAX);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_come_in_order),
	    cmocka_unit_test(the_oldest_are_lost_and_counted),
	    cmocka_unit_test(a_count_set_back_or_ahead_harms_no_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
