/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's page tables, walked as the CPU would: access of each page, before and after splitting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/hostmap.c"

#define TABLES 64
#define USER   4ul

static void *table[TABLES];
static unsigned tables;
static uint64_t *map;

void *mem_zalloc_below(size_t size, uint64_t limit)
{
	void *p;

	assert_int_equal(limit, 4 * GIB);
	assert_true(tables < TABLES);
	p = aligned_alloc(PAGE_SIZE, size);
	assert_non_null(p);
	return table[tables++] = memset(p, 0, size);
}

void panic(const char *fmt, ...)
{
	(void)fmt;
	fail_msg("panic");
	abort();
}

static int set_up(void **state)
{
	(void)state;
	map = hostmap_create();
	hostmap_add(map, 4 * GIB, 30, true);
	for (paddr_t at = 0; at < 16 * MIB; at += 2 * MIB)
		hostmap_add(map, at, 21, at < 8 * MIB);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (tables)
		free(table[--tables]);
	return 0;
}

/* The access that the map gives to an address: the first entry without PTE_P, or the leaf, decides.
 */
static enum host_access access_at(paddr_t at)
{
	const uint64_t *t = map;

	for (unsigned shift = TOP;; shift -= 9) {
		uint64_t entry = t[at >> shift & 511];

		if (!(entry & PTE_P))
			return HOST_NONE;
		if (is_leaf(entry, shift))
			return entry & PTE_W    ? HOST_WRITE
			       : entry & PTE_NX ? HOST_READ
			                        : HOST_EXECUTE;
		t = table_in(entry);
	}
}

/* The leaf's entry for an address; its size goes to `*shift`. */
static uint64_t leaf(paddr_t at, unsigned *shift)
{
	const uint64_t *t = map;

	for (*shift = TOP;; *shift -= 9) {
		uint64_t entry = t[at >> *shift & 511];

		assert_false(entry & USER);
		if (!(entry & PTE_P) || *shift == PAGE || entry & PTE_PS)
			return entry;
		assert_true(entry & PTE_W && !(entry & PTE_NX)); /* the leaf decides */
		t = (const uint64_t *)(entry & PTE_ADDR);
	}
}

static void expect(paddr_t at, unsigned shift, enum host_access access, uint64_t type)
{
	unsigned found;
	uint64_t entry = leaf(at, &found);

	assert_int_equal(found, shift);
	assert_int_equal(access_at(at), access);
	if (access == HOST_NONE) {
		assert_int_equal(entry, 0);
		return;
	}
	assert_int_equal(entry & PTE_ADDR & ~((1ul << shift) - 1), at & ~((1ul << shift) - 1));
	assert_int_equal(entry & PTE_UC, type);
	assert_int_equal(!!(entry & PTE_W), access == HOST_WRITE);
	assert_int_equal(!(entry & PTE_NX), access == HOST_EXECUTE);
	assert_int_equal(!!(entry & PTE_PS), shift > PAGE);
}

static void test_added(void **state)
{
	(void)state;
	expect(5 * MIB, 21, HOST_WRITE, 0);
	expect(9 * MIB, 21, HOST_WRITE, PTE_UC);
	expect(4 * GIB + 123 * MIB, 30, HOST_WRITE, 0);
	assert_int_equal(access_at(16 * MIB), HOST_NONE);
	assert_int_equal(access_at(6 * GIB), HOST_NONE);
	assert_int_equal(access_at(1ul << 40), HOST_NONE);
}

/* The pages that the range touches, and no other one. */
static void test_split(void **state)
{
	(void)state;
	hostmap_protect(map, MIB + 5, MIB + PAGE_SIZE + 1, HOST_EXECUTE);
	expect(MIB - PAGE_SIZE, 12, HOST_WRITE, 0);
	expect(MIB, 12, HOST_EXECUTE, 0);
	expect(MIB + PAGE_SIZE, 12, HOST_EXECUTE, 0);
	expect(MIB + 2 * PAGE_SIZE, 12, HOST_WRITE, 0);
	expect(2 * MIB, 21, HOST_WRITE, 0);
	hostmap_protect(map, 10 * MIB, 10 * MIB + PAGE_SIZE, HOST_READ);
	expect(10 * MIB, 12, HOST_READ, PTE_UC);
	expect(10 * MIB + PAGE_SIZE, 12, HOST_WRITE, PTE_UC);
}

/* A large page that lies in the range whole stays one. */
static void test_large(void **state)
{
	(void)state;
	hostmap_protect(map, 2 * MIB, 6 * MIB + PAGE_SIZE, HOST_READ);
	expect(2 * MIB, 21, HOST_READ, 0);
	expect(4 * MIB, 21, HOST_READ, 0);
	expect(6 * MIB, 12, HOST_READ, 0);
	expect(6 * MIB + PAGE_SIZE, 12, HOST_WRITE, 0);
}

/* 1 GiB becomes 2 MiB, and one of those 4 KiB. */
static void test_huge(void **state)
{
	paddr_t at = 4 * GIB + 6 * MIB + 3 * PAGE_SIZE;

	(void)state;
	hostmap_protect(map, at, at + PAGE_SIZE, HOST_NONE);
	expect(at, 12, HOST_NONE, 0);
	expect(at - PAGE_SIZE, 12, HOST_WRITE, 0);
	expect(at + PAGE_SIZE, 12, HOST_WRITE, 0);
	expect(4 * GIB + 8 * MIB, 21, HOST_WRITE, 0);
	expect(5 * GIB - 1, 21, HOST_WRITE, 0);
	hostmap_protect(map, at, at + PAGE_SIZE, HOST_WRITE);
	expect(at, 12, HOST_WRITE, 0);
}

/* Across what is not mapped: that stays so, and what follows is met. */
static void test_holes(void **state)
{
	(void)state;
	hostmap_protect(map, 14 * MIB, 5 * GIB, HOST_READ);
	expect(14 * MIB, 21, HOST_READ, PTE_UC);
	assert_int_equal(access_at(16 * MIB), HOST_NONE);
	assert_int_equal(access_at(3 * GIB), HOST_NONE);
	expect(4 * GIB, 30, HOST_READ, 0);
	hostmap_protect(map, 3 * MIB, 3 * MIB, HOST_NONE);
	expect(3 * MIB, 21, HOST_WRITE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_added, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_split, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_large, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_huge, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_holes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
