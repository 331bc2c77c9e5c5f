/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables for devices' DMA, in both vendors' formats: each is walked as the IOMMU does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/iommu/pages.c"

#define TABLES 64
#define MIB    (1ul << 20)
#define GIB    (1ul << 30)
#define LIMIT  (4 * GIB)

static void *table[TABLES];
static unsigned tables, limit;

void *mem_zalloc(size_t size)
{
	void *p;

	assert_int_equal(size, PAGE_BYTES);
	if (tables == limit)
		return NULL;
	p = aligned_alloc(PAGE_BYTES, size);
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

#define AMD_RW (3ul << 61)

/* AMD's host page tables: a level in each entry. */
static const struct iommu_format amd = {
    .present = 1, .leaf = 1 | AMD_RW | 1ul << 60, .table = 1 | AMD_RW, .level = 9};
/* Intel's second-level ones: a bit for large pages. */
static const struct iommu_format intel = {.present = 3, .leaf = 3, .large = 0x80, .table = 3};

static struct iommu_pages p;

static void begin(const struct iommu_format *f, unsigned levels)
{
	tables = 0;
	limit = TABLES;
	p = (struct iommu_pages){.format = f, .levels = levels, .mib2 = true, .gib = true};
	assert_true(iommu_pages_init(&p));
}

static void end(void)
{
	iommu_pages_free(&p);
	assert_int_equal(tables, 0);
}

/* The physical address that a device's address leads to, ~0: nowhere; *shift: of the page. */
static uint64_t walk(uint64_t at, unsigned *shift)
{
	const uint64_t *t = p.root;

	for (unsigned s = 12 + 9 * (p.levels - 1);; s -= 9) {
		uint64_t e = t[at >> s & 511], next = e >> 9 & 7, offset = (1ul << s) - 1;

		*shift = s;
		if (!(e & p.format->present)) {
			assert_int_equal(e, 0);
			return ~0ul;
		}
		if (p.format == &amd ? !next : s == 12 || e & 0x80) {
			assert_int_equal(e & p.format->leaf, p.format->leaf);
			assert_int_equal(e & offset & ADDRESS, 0);
			return (e & ADDRESS) | (at & offset);
		}
		if (p.format == &amd)
			assert_int_equal(next, (s - 12) / 9);
		t = (const uint64_t *)(e & ADDRESS);
	}
}

static void maps(uint64_t at, uint64_t to, unsigned page)
{
	unsigned shift;

	assert_int_equal(walk(at, &shift), to);
	assert_int_equal(shift, page);
}

static void absent(uint64_t at)
{
	unsigned shift;

	assert_int_equal(walk(at, &shift), ~0ul);
}

static void exactly_the_range(const struct iommu_format *f, unsigned levels)
{
	begin(f, levels);
	assert_true(iommu_pages_map(&p, 2 * MIB - 4096, 10 * MIB - 4096, 4 * MIB + 8192));
	absent(2 * MIB - 4097);
	maps(2 * MIB - 4096, 10 * MIB - 4096, 12);
	maps(2 * MIB - 1, 10 * MIB - 1, 12);
	maps(2 * MIB, 10 * MIB, 21);
	maps(6 * MIB - 1, 14 * MIB - 1, 21);
	maps(6 * MIB + 4095, 14 * MIB + 4095, 12);
	absent(6 * MIB + 4096);
	absent(0xfee00000);
	end();
}

static void range_is_mapped(void **state)
{
	(void)state;
	for (unsigned levels = 3; levels <= 4; levels++) {
		exactly_the_range(&amd, levels);
		exactly_the_range(&intel, levels);
	}
}

static void largest_pages(void **state)
{
	(void)state;
	begin(&amd, 4);
	assert_true(iommu_pages_map(&p, GIB, 3 * GIB, 2 * GIB + 2 * MIB));
	maps(GIB + 5, 3 * GIB + 5, 30);
	maps(3 * GIB, 5 * GIB, 21);
	end();
	begin(&intel, 4);
	p.gib = false;
	assert_true(iommu_pages_map(&p, GIB, 3 * GIB, GIB));
	maps(GIB, 3 * GIB, 21);
	end();
	begin(&intel, 3);
	p.mib2 = p.gib = false;
	assert_true(iommu_pages_map(&p, GIB, 3 * GIB, 2 * MIB));
	maps(GIB + MIB, 3 * GIB + MIB, 12);
	end();
}

/* What a mapping took is free again, for pages of other sizes, too. */
static void unmapped_is_absent(void **state)
{
	(void)state;
	begin(&amd, 4);
	assert_true(iommu_pages_map(&p, 0, 16 * MIB, 4096));
	iommu_pages_unmap(&p, 0, 16 * MIB, 4096);
	absent(0);
	assert_true(iommu_pages_map(&p, 0, 32 * MIB, 4 * MIB));
	maps(0, 32 * MIB, 12); /* the table was left */
	maps(2 * MIB, 34 * MIB, 21);
	iommu_pages_unmap(&p, 0, 48 * MIB, 4 * MIB); /* another mapping stays */
	maps(MIB, 33 * MIB, 12);
	iommu_pages_unmap(&p, 0, 32 * MIB, 4 * MIB);
	absent(0);
	absent(3 * MIB);
	end();
}

static void refused(void **state)
{
	(void)state;
	begin(&intel, 3);
	assert_false(iommu_pages_map(&p, 512 * GIB, 0, 4096));
	assert_false(iommu_pages_map(&p, 512 * GIB - 4096, 0, 8192));
	assert_true(iommu_pages_map(&p, 512 * GIB - 4096, 0, 4096));
	assert_false(iommu_pages_map(&p, 512 * GIB - 4096, 4096, 4096)); /* mapped already */
	end();
	begin(&intel, 4);
	assert_true(iommu_pages_map(&p, 0, 0, GIB));
	assert_false(iommu_pages_map(&p, MIB, 8 * GIB, 4096)); /* inside a large page */
	maps(MIB, MIB, 30);
	end();
}

/* Out of memory at each possible place: what had been mapped can be taken back. */
static void no_memory(void **state)
{
	bool done = false;

	(void)state;
	for (unsigned n = 1; !done; n++) {
		begin(&amd, 4);
		limit = n;
		done = iommu_pages_map(&p, GIB - 4096, 0x1000, 8192);
		iommu_pages_unmap(&p, GIB - 4096, 0x1000, 8192);
		absent(GIB - 4096);
		absent(GIB);
		end();
		assert_true(n < TABLES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(range_is_mapped),    cmocka_unit_test(largest_pages),
	    cmocka_unit_test(unmapped_is_absent), cmocka_unit_test(refused),
	    cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
