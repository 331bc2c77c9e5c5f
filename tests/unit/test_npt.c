/* SPDX-License-Identifier: BSD-2-Clause */
/* Nested page tables: every page of a mapping is looked up as the CPU does. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/hvm/npt.c"

#define TABLES 600

static void *table[TABLES];
static unsigned tables, limit;
static bool with_gib, with_small_fetch;

void *mem_zalloc(size_t size)
{
	void *p;

	if (tables == limit)
		return NULL;
	size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	p = aligned_alloc(PAGE_SIZE, size);
	assert_non_null(p);
	return table[tables++] = memset(p, 0, size);
}

void mem_zfree(void *p, size_t size)
{
	(void)size;
	for (unsigned i = 0; i < tables; i++) {
		if (table[i] != p)
			continue;
		free(p);
		table[i] = table[--tables];
		return;
	}
	fail_msg("%p was freed twice", p);
}

static bool gib(void)
{
	return with_gib;
}

static bool small_fetch(void)
{
	return with_small_fetch;
}

static const struct npt_format format = {.present = 1,
                                         .large = 0x80,
                                         .table = 7,
                                         .ram = 7,
                                         .device = 7 | 0x18 | 1ul << 63,
                                         .shown = 5 | 1ul << 63,
                                         .shared = 7 | 1ul << 63,
                                         .gib_pages = gib,
                                         .small_fetch = small_fetch};

/* As EPT: read, write and execute, and the memory type. */
static const struct npt_format ept = {.present = 7,
                                      .large = 0x80,
                                      .table = 7,
                                      .ram = 7 | 6 << 3,
                                      .device = 3,
                                      .shared = 3 | 6 << 3,
                                      .gib_pages = gib,
                                      .fetch = 4,
                                      .small_fetch = small_fetch};

struct found {
	uint64_t hpa, leaf; /* leaf: the bits that are no address */
	unsigned shift;     /* of the page; 0: nothing there */
};

static struct found walk(uint64_t root, uint64_t gpa)
{
	uint64_t *t = (uint64_t *)root;

	for (unsigned level = 39;; level -= 9) {
		uint64_t entry = t[gpa >> level & 511], offset = (1ul << level) - 1;

		if (!(entry & 1))
			return (struct found){0};
		if (level == 12 || (entry & 0x80))
			return (struct found){(entry & NPT_ADDR & ~offset) | (gpa & offset),
			                      entry & ~NPT_ADDR, level};
		assert_int_equal(entry & ~NPT_ADDR, 7);
		t = (uint64_t *)(entry & NPT_ADDR);
	}
}

static int begin(void **state)
{
	(void)state;
	tables = 0;
	limit = TABLES;
	with_gib = true;
	with_small_fetch = false;
	return 0;
}

static void map_and_walk(uint64_t gpa, uint64_t hpa, uint64_t size)
{
	uint64_t root = npt_create();

	assert_true(npt_map(&format, root, gpa, hpa, size, NPT_RAM));
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		struct found f = walk(root, gpa + at + 0x123);

		assert_int_equal(f.hpa, hpa + at + 0x123);
		assert_int_equal(f.leaf & ~0x80ul, 7);
	}
	assert_int_equal(walk(root, gpa - 1).shift, 0);
	assert_int_equal(walk(root, gpa + size).shift, 0);
	npt_destroy(&format, root);
	assert_int_equal(tables, 0);
}

static void test_translates(void **state)
{
	(void)state;
	map_and_walk(0x100000, 0x40000000, 0x800000);           /* differently aligned */
	map_and_walk(0x3ffff000, 0xbffff000, GIB + 2 * 0x1000); /* 4 KiB, 1 GiB, 4 KiB */
	map_and_walk(0x1000, 0x7000, 0x3000);                   /* within one table */
	map_and_walk(0x7fffffe00000, 0x200000, 0x200000 * 3ul); /* across a root entry */
	with_gib = false;
	map_and_walk(GIB, 2 * GIB, GIB + 0x1000);
}

static void test_largest_pages(void **state)
{
	uint64_t root = npt_create();

	(void)state;
	assert_true(npt_map(&format, root, GIB - 0x201000, 3 * GIB - 0x201000, 2 * GIB, NPT_RAM));
	assert_int_equal(walk(root, GIB - 0x201000).shift, 12);
	assert_int_equal(walk(root, GIB - 0x200000).shift, 21);
	assert_int_equal(walk(root, GIB).shift, 30);
	assert_int_equal(walk(root, 2 * GIB).shift, 21);
	assert_int_equal(walk(root, 3 * GIB - 0x202000).shift, 12);
	npt_destroy(&format, root);
	with_gib = false;
	root = npt_create();
	assert_true(npt_map(&format, root, GIB, 2 * GIB, GIB, NPT_RAM));
	assert_int_equal(walk(root, GIB).shift, 21);
	npt_destroy(&format, root);
	assert_int_equal(tables, 0);
}

static void test_device(void **state)
{
	uint64_t root = npt_create();

	(void)state;
	assert_true(npt_map(&format, root, 0xfebc0000, 0xfebc0000, 0x20000, NPT_DEVICE));
	assert_int_equal(walk(root, 0xfebdffff).leaf, 7 | 0x18 | NOT_RAM | 1ul << 63);
	npt_destroy(&format, root);
}

/* Memory of the VMM's: large pages too, never executable, and only `shared` writable. */
static void test_shown(void **state)
{
	uint64_t root = npt_create();

	(void)state;
	assert_true(npt_map(&format, root, 0xe0000000, 0x40000000, 0x201000, NPT_SHOWN));
	assert_true(npt_map(&format, root, 0xe0400000, 0x50000000, 0x1000, NPT_SHARED));
	assert_int_equal(walk(root, 0xe0000000).leaf, 5 | 0x80 | NOT_RAM | 1ul << 63);
	assert_int_equal(walk(root, 0xe0200000).leaf, 5 | NOT_RAM | 1ul << 63);
	assert_int_equal(walk(root, 0xe0400000).leaf, 7 | NOT_RAM | 1ul << 63);
	assert_false(npt_allow_fetch(&format, root, 0xe0200000));
	npt_destroy(&format, root);
	assert_int_equal(tables, 0);
}

/* What was mapped goes, and nothing else; mapping it again takes no memory. */
static void test_unmap(void **state)
{
	uint64_t root = npt_create();
	unsigned made;

	(void)state;
	assert_true(npt_map(&format, root, 0xe0000000, 0x40000000, 0x201000, NPT_SHOWN));
	assert_true(npt_map(&format, root, 0xe0201000, 0x50000000, 0x1000, NPT_SHARED));
	npt_unmap(&format, root, 0xe0000000, 0x40000000, 0x201000);
	assert_int_equal(walk(root, 0xe0000000).shift, 0);
	assert_int_equal(walk(root, 0xe01ff000).shift, 0);
	assert_int_equal(walk(root, 0xe0200000).shift, 0);
	assert_int_equal(walk(root, 0xe0201000).hpa, 0x50000000);
	made = tables;
	assert_true(npt_map(&format, root, 0xe0000000, 0x40000000, 0x201000, NPT_SHOWN));
	assert_int_equal(walk(root, 0xe0200000).hpa, 0x40200000);
	assert_int_equal(tables, made);
	npt_unmap(&format, root, 0, 0x40000000, 1ul << 40); /* nothing of it is mapped so */
	assert_int_equal(walk(root, 0xe0000000).hpa, 0x40000000);
	npt_destroy(&format, root);
	assert_int_equal(tables, 0);
}

/* A mapping that met another one is undone: the other one stays. */
static void test_unmap_part(void **state)
{
	uint64_t root = npt_create();

	(void)state;
	assert_true(npt_map(&format, root, 0xe0003000, 0x50000000, 0x1000, NPT_DEVICE));
	assert_false(npt_map(&format, root, 0xe0001000, 0x40000000, 0x4000, NPT_SHOWN));
	assert_int_equal(walk(root, 0xe0002000).hpa, 0x40001000);
	npt_unmap(&format, root, 0xe0001000, 0x40000000, 0x4000);
	assert_int_equal(walk(root, 0xe0001000).shift, 0);
	assert_int_equal(walk(root, 0xe0002000).shift, 0);
	assert_int_equal(walk(root, 0xe0003000).hpa, 0x50000000);
	/* Part of a large page stays with the rest of it. */
	assert_true(npt_map(&format, root, 0xe0200000, 0x60000000, 0x200000, NPT_SHOWN));
	npt_unmap(&format, root, 0xe0200000, 0x60000000, 0x1ff000);
	npt_unmap(&format, root, 0xe0201000, 0x60001000, 0x400000);
	assert_int_equal(walk(root, 0xe0200000).hpa, 0x60000000);
	npt_destroy(&format, root);
	assert_int_equal(tables, 0);
}

/* Where smaller pages were, large ones are mapped as small ones: their table stays. */
static void test_map_over_a_table(void **state)
{
	uint64_t root = npt_create();
	unsigned made;

	(void)state;
	assert_true(npt_map(&format, root, 0xe0203000, 0x50000000, 0x1000, NPT_SHARED));
	npt_unmap(&format, root, 0xe0203000, 0x50000000, 0x1000);
	made = tables;
	assert_true(npt_map(&format, root, 0xe0000000, 0x40000000, 0x600000, NPT_SHOWN));
	assert_int_equal(tables, made);
	assert_int_equal(walk(root, 0xe0000000).shift, 21);
	assert_int_equal(walk(root, 0xe0200000).shift, 12);
	assert_int_equal(walk(root, 0xe03ff000).hpa, 0x403ff000);
	assert_int_equal(walk(root, 0xe0400000).shift, 21);
	npt_unmap(&format, root, 0xe0000000, 0x40000000, 0x600000);
	for (uint64_t at = 0; at < 0x600000; at += 0x1000)
		assert_int_equal(walk(root, 0xe0000000 + at).shift, 0);
	npt_destroy(&format, root);
	assert_int_equal(tables, 0);
}

static void test_nothing_twice(void **state)
{
	uint64_t root = npt_create();

	(void)state;
	assert_true(npt_map(&format, root, 0, 0, 0x400000, NPT_RAM));
	assert_false(
	    npt_map(&format, root, 0x200000, 0x800000, 0x1000, NPT_RAM)); /* in a large one */
	assert_false(npt_map(&format, root, 0x200000, 0x800000, 0x200000, NPT_RAM));
	assert_true(npt_map(&format, root, 0x400000, 0x800000, 0x1000, NPT_RAM));
	assert_false(npt_map(&format, root, 0x400000, 0x900000, 0x1000, NPT_RAM));
	assert_false(npt_map(&format, root, 0, 0, GIB, NPT_RAM)); /* tables are there */
	assert_int_equal(walk(root, 0x400000).hpa, 0x800000);
	npt_destroy(&format, root);
	assert_int_equal(tables, 0);
}

static void test_short_of_memory(void **state)
{
	(void)state;
	for (limit = 0; limit < 4; limit++) {
		uint64_t root = npt_create();

		assert_int_equal(!!root, limit > 0);
		if (!root)
			continue;
		assert_false(npt_map(&format, root, 0x1000, 0x1000, 0x1000, NPT_RAM));
		npt_destroy(&format, root);
		assert_int_equal(tables, 0);
	}
}

/* The page at gpa: its size, and whether it can be executed; it leads where it led before. */
static void is_page(uint64_t root, uint64_t gpa, uint64_t hpa, unsigned shift, bool executable)
{
	struct found f = walk(root, gpa);

	assert_int_equal(f.shift, shift);
	assert_int_equal(f.hpa, hpa);
	assert_int_equal(f.leaf, (executable ? 7 : 3) | 6 << 3 | (shift > 12 ? 0x80 : 0));
}

static void test_fetch_splits(void **state)
{
	uint64_t root;
	unsigned all;

	(void)state;
	with_small_fetch = true;
	root = npt_create();
	assert_true(npt_map(&ept, root, GIB, 3 * GIB, GIB + 0x201000, NPT_RAM));
	all = tables;
	is_page(root, GIB, 3 * GIB, 30, false);
	is_page(root, 2 * GIB, 4 * GIB, 21, false);
	is_page(root, 2 * GIB + 0x200000, 4 * GIB + 0x200000, 12, true);
	assert_true(npt_allow_fetch(&ept, root, GIB + 0x345678));
	for (uint64_t at = 0; at < 0x200000; at += 0x1000)
		is_page(root, GIB + 0x200000 + at, 3 * GIB + 0x200000 + at, 12, true);
	is_page(root, GIB, 3 * GIB, 21, false);
	is_page(root, GIB + 0x400000, 3 * GIB + 0x400000, 21, false);
	assert_true(npt_allow_fetch(&ept, root, 2 * GIB + 0x1000));
	is_page(root, 2 * GIB, 4 * GIB, 12, true);
	assert_int_equal(tables, all); /* nothing is allocated for a guest that runs */
	npt_destroy(&ept, root);
	assert_int_equal(tables, 0);
}

/* A guest that executes in every page of its memory uses up what was taken aside, exactly. */
static void test_fetch_everywhere(void **state)
{
	uint64_t root;
	unsigned all;

	(void)state;
	with_small_fetch = true;
	root = npt_create();
	assert_true(npt_map(&ept, root, 0, GIB, GIB + 0x600000, NPT_RAM));
	all = tables;
	for (uint64_t gpa = 0; gpa < GIB + 0x600000; gpa += 0x200000) {
		assert_true(npt_allow_fetch(&ept, root, gpa + 0x1234));
		assert_true(npt_allow_fetch(&ept, root, gpa)); /* again: another vCPU's fault */
	}
	assert_null(((struct npt *)root)->spare);
	assert_int_equal(tables, all);
	npt_destroy(&ept, root);
	assert_int_equal(tables, 0);
}

#define VCPUS 4

struct fetcher {
	uint64_t root;
	unsigned refused, start;
};

static void *fetch_all(void *ctx)
{
	struct fetcher *me = ctx;

	for (unsigned i = 0; i < 512; i++)
		if (!npt_allow_fetch(&ept, me->root, ((i + me->start) % 512) * 0x200000ul))
			me->refused++;
	return NULL;
}

/* Several vCPUs meet in the same pages: each is split once, and none sees a half-made table. */
static void test_fetch_at_once(void **state)
{
	pthread_t thread[VCPUS];
	struct fetcher f[VCPUS];
	uint64_t root;

	(void)state;
	with_small_fetch = true;
	root = npt_create();
	assert_true(npt_map(&ept, root, 0, GIB, GIB, NPT_RAM));
	for (unsigned i = 0; i < VCPUS; i++) {
		f[i] = (struct fetcher){.root = root, .start = i};
		assert_int_equal(pthread_create(&thread[i], NULL, fetch_all, &f[i]), 0);
	}
	for (unsigned i = 0; i < VCPUS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(f[i].refused, 0);
	}
	assert_null(((struct npt *)root)->spare);
	for (uint64_t at = 0; at < GIB; at += 0x1000)
		is_page(root, at, GIB + at, 12, true);
	npt_destroy(&ept, root);
	assert_int_equal(tables, 0);
}

static void test_fetch_refused(void **state)
{
	uint64_t root;

	(void)state;
	with_small_fetch = true;
	root = npt_create();
	assert_true(npt_map(&ept, root, 0, GIB, 0x400000, NPT_RAM));
	assert_true(npt_map(&ept, root, 0x80000000, 0x80000000, 0x200000, NPT_DEVICE));
	assert_true(npt_map(&ept, root, 0x80200000, 0x80200000, 0x1000, NPT_DEVICE));
	assert_false(npt_allow_fetch(&ept, root, 0x80000000)); /* devices stay as they are */
	assert_int_equal(walk(root, 0x80000000).shift, 21);
	assert_int_equal(walk(root, 0x80000000).leaf, 3 | 0x80 | NOT_RAM);
	assert_false(npt_allow_fetch(&ept, root, 0x80200000));
	/* memory in common, as large pages: as RAM, but for good */
	assert_true(npt_map(&ept, root, 4 * GIB, 2 * GIB, GIB + 0x200000, NPT_SHARED));
	assert_false(npt_allow_fetch(&ept, root, 4 * GIB));
	assert_false(npt_allow_fetch(&ept, root, 5 * GIB + 0x1000));
	assert_int_equal(walk(root, 4 * GIB).shift, 30);
	assert_int_equal(walk(root, 5 * GIB).leaf, 3 | 6 << 3 | 0x80 | NOT_RAM);
	assert_false(npt_allow_fetch(&ept, root, 0x400000)); /* nothing is there */
	assert_false(npt_allow_fetch(&ept, root, 1ul << 46));
	npt_destroy(&ept, root);
	assert_int_equal(tables, 0);
}

/* Elsewhere large pages are executable, and nothing is taken aside. */
static void test_fetch_free(void **state)
{
	uint64_t root = npt_create();

	(void)state;
	assert_true(npt_map(&ept, root, 0, GIB, GIB, NPT_RAM));
	assert_int_equal(tables, 2);
	is_page(root, 0, GIB, 30, true);
	assert_true(npt_allow_fetch(&ept, root, 0));
	is_page(root, 0, GIB, 30, true);
	npt_destroy(&ept, root);
	assert_int_equal(tables, 0);
}

static void test_fetch_short_of_memory(void **state)
{
	uint64_t root;

	(void)state;
	with_small_fetch = true;
	limit = 500; /* of 513 */
	root = npt_create();
	assert_false(npt_map(&ept, root, 0, GIB, GIB, NPT_RAM));
	npt_destroy(&ept, root);
	assert_int_equal(tables, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_translates, begin),
	    cmocka_unit_test_setup(test_largest_pages, begin),
	    cmocka_unit_test_setup(test_device, begin),
	    cmocka_unit_test_setup(test_shown, begin),
	    cmocka_unit_test_setup(test_unmap, begin),
	    cmocka_unit_test_setup(test_unmap_part, begin),
	    cmocka_unit_test_setup(test_map_over_a_table, begin),
	    cmocka_unit_test_setup(test_nothing_twice, begin),
	    cmocka_unit_test_setup(test_short_of_memory, begin),
	    cmocka_unit_test_setup(test_fetch_splits, begin),
	    cmocka_unit_test_setup(test_fetch_everywhere, begin),
	    cmocka_unit_test_setup(test_fetch_at_once, begin),
	    cmocka_unit_test_setup(test_fetch_refused, begin),
	    cmocka_unit_test_setup(test_fetch_free, begin),
	    cmocka_unit_test_setup(test_fetch_short_of_memory, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
