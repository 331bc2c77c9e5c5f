/* SPDX-License-Identifier: BSD-2-Clause */
/* test_window.c: the parts of the observation window: where they lie, and what is in them at first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/capture.h"
#include "lib/trace.h"
#include "vmm/window.c"

#define MIB      (1ull << 20)
#define RECORDS  2048 /* of a trace ring, and what a capture's ring has at least: vmm/control */
#define RING_MIN (1ull << 16)
#define PORTS    1024

unsigned ncores;
uint64_t tsc_khz = 1000000;

void *mem_zalloc(size_t size)
{
	void *p = aligned_alloc(WINDOW_PAGE, size);

	assert_non_null(p);
	return memset(p, 0, size);
}

static int setup(void **state)
{
	(void)state;
	ncores = 4;
	assert_true(window_make());
	return 0;
}

static void make(unsigned cores)
{
	free(window);
	window = NULL;
	ncores = cores;
	assert_true(window_make());
}

static int teardown(void **state)
{
	(void)state;
	free(window);
	window = NULL;
	return 0;
}

static void test_header(void **state)
{
	(void)state;
	assert_int_equal(window->magic, WINDOW_MAGIC);
	assert_int_equal(window->size, 8 * MIB); /* 1 MiB, and 1.25 for each core */
	assert_int_equal(window->self, (uint64_t)window);
	assert_true(window_make()); /* there is one already */
}

/* Parts lie side by side; the first gap that is large enough is used again. */
static void test_places(void **state)
{
	uint8_t *a = window_add(WINDOW_trace, 7, "a", 1);
	uint8_t *b = window_add(WINDOW_trace, 8, "b", WINDOW_PAGE + 1);
	uint8_t *c = window_add(WINDOW_capture, 9, "c", WINDOW_PAGE);

	(void)state;
	assert_ptr_equal(a, (uint8_t *)window + WINDOW_PAGE);
	assert_ptr_equal(b, a + WINDOW_PAGE);
	assert_ptr_equal(c, b + 2 * WINDOW_PAGE);
	assert_int_equal(window->parts, 3);
	assert_int_equal(window->part[1].owner, 8);
	assert_int_equal(window->part[1].size, 2 * WINDOW_PAGE);
	assert_string_equal(window->part[2].name, "c");
	window_remove(b);
	assert_int_equal(window->part[1].size, 0);
	assert_ptr_equal(window_add(WINDOW_ports, 0, "large", 3 * WINDOW_PAGE), c + WINDOW_PAGE);
	assert_ptr_equal(window_add(WINDOW_ports, 0, "small", WINDOW_PAGE), b);
}

/* Whoever adds and removes a part writes one page of it, however large it is: others wait for the
 * lock of control requests meanwhile. */
static void test_one_page_is_cleared(void **state)
{
	uint8_t *p = window_add(WINDOW_capture, 0, "one", 4 * MIB);

	(void)state;
	assert_non_null(p);
	memset(p, 0xa5, 4 * MIB);
	window_remove(p);
	assert_ptr_equal(window_add(WINDOW_capture, 0, "two", 4 * MIB), p);
	for (unsigned i = 0; i < WINDOW_PAGE; i++)
		assert_int_equal(p[i], 0);
	for (unsigned i = WINDOW_PAGE; i < 4 * MIB; i += WINDOW_PAGE)
		assert_int_equal(p[i], 0xa5);
}

static void test_full(void **state)
{
	void *p = window_add(WINDOW_capture, 0, "all", 8 * MIB - WINDOW_PAGE);

	(void)state;
	assert_non_null(p);
	assert_null(window_add(WINDOW_trace, 0, "one more", 1));
	window_remove(p);
	assert_null(window_add(WINDOW_trace, 0, "too large", 8 * MIB));
	assert_null(window_add(WINDOW_trace, 0, "it wraps", ~0ull - WINDOW_PAGE));
	for (unsigned i = 0; i < WINDOW_PARTS; i++)
		assert_non_null(window_add(WINDOW_trace, i, "ring", 1));
	assert_null(window_add(WINDOW_trace, 0, "no entry", 1));
}

/* The bytes of a core's ring in the largest capture for which there is room. */
static uint64_t capture_ring(void)
{
	for (uint64_t ring = 1 << 20; ring >= RING_MIN; ring /= 2)
		if (window_add(WINDOW_capture, 0, "capture",
		               CAPTURE_PAGE + ncores * (sizeof(struct capture_ring) + ring)))
			return ring;
	return 0;
}

/* With any number of cores all parts fit, and a guest's PCI window (128 MiB) has room for a BAR
 * that shows it beside those of other devices, also at the next multiple of its size. */
static void test_all_parts_fit(void **state)
{
	(void)state;
	for (unsigned cores = 1; cores <= CORES_MAX; cores++) {
		make(cores);
		assert_true(window->size <= VPCI_MEM_SIZE / 4);
		assert_int_equal(window->size & (window->size - 1), 0);
		assert_non_null(
		    window_add(WINDOW_ports, 0, "ports", PORTS * sizeof(struct window_port)));
		for (unsigned i = 0; i < cores; i++)
			assert_non_null(window_add(WINDOW_trace, i, "core", trace_bytes(RECORDS)));
		assert_true(capture_ring() >= (cores < 30 ? 1u << 20 : 1u << 18));
	}
}

/* As many parts as the list has entries. */
static void test_no_more_parts_than_entries(void **state)
{
	(void)state;
	make(8);
	for (unsigned i = 0; i < WINDOW_PARTS; i++)
		assert_non_null(window_add(WINDOW_trace, i, "part", 1));
	assert_null(window_add(WINDOW_trace, 0, "part", 1));
	window_remove((uint8_t *)window + window->part[3].offset);
	assert_non_null(window_add(WINDOW_trace, 0, "part", 1));
	assert_int_equal(window->parts, WINDOW_PARTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_header, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_places, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_one_page_is_cleared, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_all_parts_fit, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_more_parts_than_entries, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
