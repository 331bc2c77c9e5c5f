/* SPDX-License-Identifier: BSD-2-Clause */
/* The page allocator, compared with a map of single pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lib/mem.c"

#define PAGES 4096u
#define BASE  0x200000ul /* the model's page 0 */

static bool free_page[PAGES];

static int reset(void **state)
{
	(void)state;
	nextents = 0;
	total = lost_bytes = 0;
	vmm_bytes = 0;
	memset(free_page, 0, sizeof free_page);
	return 0;
}

static void mark(uint64_t start, uint64_t bytes, bool is_free)
{
	for (uint64_t i = 0; i < (bytes + PAGE - 1) / PAGE; i++) {
		uint64_t page = (start - BASE) / PAGE + i;

		assert_true(page < PAGES);
		assert_int_equal(free_page[page], !is_free);
		free_page[page] = is_free;
	}
}

static bool fits(unsigned page, unsigned pages)
{
	if (page + pages > PAGES)
		return false;
	for (unsigned i = 0; i < pages; i++)
		if (!free_page[page + i])
			return false;
	return true;
}

/* The highest place that the model has, 0 for none: by the words of mem.h. */
static uint64_t highest(uint64_t bytes, uint64_t align, uint64_t limit)
{
	unsigned pages = (unsigned)((bytes + PAGE - 1) / PAGE);

	for (unsigned p = PAGES; p-- > 0;) {
		uint64_t at = BASE + p * PAGE;

		if (at % align == 0 && (!limit || at + pages * PAGE <= limit) && fits(p, pages))
			return at;
	}
	return 0;
}

static void same_as_model(void)
{
	struct mem_stats s;
	uint64_t pages = 0;

	for (unsigned i = 0; i < PAGES; i++)
		pages += free_page[i];
	mem_stats(&s);
	assert_int_equal(s.free, pages * PAGE);
	assert_int_equal(s.lost, 0);
	for (unsigned i = 0; i + 1 < nextents; i++)
		assert_true(extent[i].end < extent[i + 1].start);
}

static void random_life(unsigned seed)
{
	struct {
		uint64_t at, bytes;
	} held[64] = {{0}};

	srand(seed);
	for (unsigned step = 0; step < 2000; step++) {
		unsigned i = (unsigned)rand() % 64;
		uint64_t bytes, align, limit, want;

		if (held[i].at) {
			mem_free(held[i].at, held[i].bytes);
			mark(held[i].at, held[i].bytes, true);
			held[i].at = 0;
			continue;
		}
		bytes = 1 + (uint64_t)rand() % (rand() % 4 ? 8 * PAGE : 512 * PAGE);
		align = PAGE << rand() % 10;
		limit = rand() % 3 ? 0 : BASE + (uint64_t)rand() % (PAGES * PAGE);
		want = highest(bytes, align, limit);
		held[i].at = mem_alloc(bytes, align, limit);
		held[i].bytes = bytes;
		assert_int_equal(held[i].at, want);
		if (want)
			mark(want, bytes, false);
		same_as_model();
	}
}

static void test_random(void **state)
{
	for (unsigned seed = 1; seed <= 5; seed++) {
		reset(state);
		mem_add(BASE, PAGES * PAGE);
		mark(BASE, PAGES * PAGE, true);
		mem_reserve(BASE + 100 * PAGE + 5, 3 * PAGE);
		mark(BASE + 100 * PAGE, 4 * PAGE, false);
		random_life(seed);
	}
}

static void test_partial_pages(void **state)
{
	(void)state;
	mem_add(BASE + 1, 3 * PAGE);
	assert_int_equal(total, 2 * PAGE);
	assert_int_equal(mem_alloc(PAGE, PAGE, 0), BASE + 2 * PAGE);
	assert_int_equal(mem_alloc(PAGE, PAGE, 0), BASE + PAGE);
	assert_int_equal(mem_alloc(PAGE, PAGE, 0), 0);
	mem_add(UINT64_MAX - PAGE, 2 * PAGE); /* a range that wraps is none */
	assert_int_equal(total, 2 * PAGE);
}

static void test_nothing(void **state)
{
	(void)state;
	mem_add(BASE, 4 * PAGE);
	assert_int_equal(mem_alloc(0, PAGE, 0), 0);
	assert_int_equal(mem_alloc(UINT64_MAX, PAGE, 0), 0);
	assert_int_equal(mem_alloc(5 * PAGE, PAGE, 0), 0);
	assert_int_equal(mem_alloc(PAGE, PAGE, BASE), 0);
}

/* More pieces than the table holds: what does not fit is lost and counted, never given twice. */
static void test_full_table(void **state)
{
	struct mem_stats s;

	(void)state;
	for (uint64_t i = 0; i < EXTENTS + 10; i++)
		mem_free(BASE + 2 * i * PAGE, PAGE);
	mem_stats(&s);
	assert_int_equal(s.free, EXTENTS * PAGE);
	assert_int_equal(s.lost, 10 * PAGE);
	for (unsigned i = 0; i < EXTENTS; i++)
		assert_int_not_equal(mem_alloc(PAGE, PAGE, 0), 0);
	assert_int_equal(mem_alloc(PAGE, PAGE, 0), 0);
}

static void test_zeroed(void **state)
{
	uint8_t *real = aligned_alloc(PAGE, 4 * PAGE);
	uint8_t *p;
	struct mem_stats s;

	(void)state;
	assert_non_null(real);
	memset(real, 0xaa, 4 * PAGE);
	mem_add((uint64_t)real, 4 * PAGE);
	p = mem_zalloc(2 * PAGE + 1);
	assert_ptr_equal(p, real + PAGE);
	for (unsigned i = 0; i <= 2 * PAGE; i++)
		assert_int_equal(p[i], 0);
	mem_stats(&s);
	assert_int_equal(s.vmm, 3 * PAGE);
	mem_zfree(p, 2 * PAGE + 1);
	mem_zfree(NULL, PAGE);
	mem_stats(&s);
	assert_int_equal(s.vmm, 0);
	assert_int_equal(s.largest, 4 * PAGE);
	free(real);
}

/* Large memory lies at a multiple of 2 MiB while there is such a place. */
static void test_large(void **state)
{
	uint8_t *real = aligned_alloc(LARGE, 3 * LARGE);

	(void)state;
	assert_non_null(real);
	mem_add((uint64_t)real + PAGE, 3 * LARGE - 2 * PAGE);
	assert_ptr_equal(mem_zalloc(PAGE), real + 3 * LARGE - 2 * PAGE);
	assert_ptr_equal(mem_zalloc(LARGE), real + LARGE);
	assert_null(mem_zalloc(LARGE));
	mem_free((uint64_t)real + 2 * LARGE, PAGE);
	mem_free((uint64_t)real + LARGE, LARGE);
	mem_alloc(PAGE, LARGE, 0);
	assert_non_null(mem_zalloc(LARGE)); /* at any page */
	free(real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_random, reset),
	    cmocka_unit_test_setup(test_partial_pages, reset),
	    cmocka_unit_test_setup(test_nothing, reset),
	    cmocka_unit_test_setup(test_full_table, reset),
	    cmocka_unit_test_setup(test_zeroed, reset),
	    cmocka_unit_test_setup(test_large, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
