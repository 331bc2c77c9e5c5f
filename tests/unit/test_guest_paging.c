/* SPDX-License-Identifier: BSD-2-Clause */
/* Translation by guest page tables: three formats, page sizes, rights, and every fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/guest_paging.h"
#include "lib/bytes.h"

#define P  1ull
#define W  2ull
#define U  4ull
#define PS 0x80ull
#define NX (1ull << 63)

#define CR0_PG   0x80000001
#define CR0_WP   0x10000
#define CR4_PSE  0x10
#define CR4_PAE  0x20
#define CR4_LA57 0x1000
#define CR4_SMEP 0x100000
#define EFER_LMA 0x500
#define EFER_NXE 0x800

static uint8_t ram[0x20000];
static struct gmem m;

static void reset(void)
{
	memset(ram, 0, sizeof ram);
	m = (struct gmem){0};
	assert_true(gmem_add(&m, 0, sizeof ram, ram));
}

static void entry8(unsigned table, unsigned index, uint64_t v)
{
	put_le64(ram + table + 8 * index, v);
}

static void entry4(unsigned table, unsigned index, uint32_t v)
{
	put_le32(ram + table + 4 * index, v);
}

static void maps(const struct guest_paging *p, uint64_t gva, unsigned access, uint64_t want)
{
	uint64_t gpa = 0;

	assert_int_equal(guest_translate(&m, p, gva, access, &gpa), PAGING_OK);
	assert_int_equal(gpa, want);
}

static void faults(const struct guest_paging *p, uint64_t gva, unsigned access,
                   enum paging_fault want)
{
	uint64_t gpa = 77;

	assert_int_equal(guest_translate(&m, p, gva, access, &gpa), want);
	assert_int_equal(gpa, 77);
}

/* GVA 0: a 4 KiB page at 0x9000; 2 MiB at 2 MiB: 0xe0200000; 1 GiB at 1 GiB: 0x40000000. */
static struct guest_paging four_levels(void)
{
	reset();
	entry8(0x1000, 0, 0x2000 | P | W | U);
	entry8(0x2000, 0, 0x3000 | P | W | U);
	entry8(0x2000, 1, 0x40000000 | P | W | PS);
	entry8(0x3000, 0, 0x4000 | P | W | U);
	entry8(0x3000, 1, 0xe0200000 | P | U | PS);
	entry8(0x4000, 0, 0x9000 | P | W | U);
	entry8(0x4000, 1, 0xa000 | P | W | U | NX);
	return (struct guest_paging){CR0_PG, 0x1018, CR4_PAE, EFER_LMA | EFER_NXE};
}

static void four_level_pages(void **state)
{
	struct guest_paging p = four_levels();

	(void)state;
	maps(&p, 0x123, ACCESS_WRITE | ACCESS_USER | ACCESS_FETCH, 0x9123);
	maps(&p, 0x212345, ACCESS_USER, 0xe0212345);
	maps(&p, 0x40123456, ACCESS_WRITE, 0x40123456);
	faults(&p, 0x2000, 0, PAGING_NOT_PRESENT);
	faults(&p, 0x8000000000, 0, PAGING_NOT_PRESENT);
	faults(&p, 0x800000000000, 0, PAGING_NON_CANONICAL);
	entry8(0x1000, 511, 0x2000 | P | W);
	maps(&p, 0xffffff8000000010, 0, 0x9010);
	p.cr4 |= CR4_LA57;
	faults(&p, 0, 0, PAGING_FIVE_LEVEL);
}

static void rights(void **state)
{
	struct guest_paging p = four_levels();

	(void)state;
	maps(&p, 0x212345, ACCESS_WRITE, 0xe0212345);
	p.cr0 |= CR0_WP;
	faults(&p, 0x212345, ACCESS_WRITE, PAGING_PROTECTION);
	faults(&p, 0x212345, ACCESS_WRITE | ACCESS_USER, PAGING_PROTECTION);
	faults(&p, 0x40000000, ACCESS_USER, PAGING_PROTECTION);
	faults(&p, 0x1000, ACCESS_FETCH, PAGING_PROTECTION);
	maps(&p, 0x1000, 0, 0xa000);
	maps(&p, 0, ACCESS_FETCH, 0x9000);
	p.cr4 |= CR4_SMEP;
	faults(&p, 0, ACCESS_FETCH, PAGING_PROTECTION);
	maps(&p, 0, ACCESS_FETCH | ACCESS_USER, 0x9000);
}

static void reserved_bits_and_missing_tables(void **state)
{
	struct guest_paging p = four_levels();

	(void)state;
	p.efer &= ~EFER_NXE;
	faults(&p, 0x1000, 0, PAGING_RESERVED_BIT);
	entry8(0x3000, 1, 0xe0202000 | P | PS);
	faults(&p, 0x200000, 0, PAGING_RESERVED_BIT);
	entry8(0x2000, 1, 0x40200000 | P | PS);
	faults(&p, 0x40000000, 0, PAGING_RESERVED_BIT);
	entry8(0x1000, 1, P | PS);
	faults(&p, 0x8000000000, 0, PAGING_RESERVED_BIT);
	entry8(0x1000, 2, 0x20000 | P);
	faults(&p, 0x10000000000, 0, PAGING_NO_MEMORY);
	p.cr3 = 0xfffffffffffff000;
	faults(&p, 0, 0, PAGING_NO_MEMORY);
}

static void pae_pages(void **state)
{
	struct guest_paging p;

	(void)state;
	reset();
	entry8(0x1020, 3, 0x3000 | P);
	entry8(0x3000, 511, 0x4000 | P | W | U);
	entry8(0x3000, 1, 0x123e00000 | P | W | PS);
	entry8(0x4000, 511, 0x9000 | P | W | U);
	p = (struct guest_paging){CR0_PG | CR0_WP, 0x1020, CR4_PAE, 0};
	maps(&p, 0xfffff123, ACCESS_WRITE | ACCESS_USER, 0x9123);
	maps(&p, 0x100000000 + 0xfffff123, 0, 0x9123);
	maps(&p, 0xc0234567, ACCESS_WRITE, 0x123e34567);
	faults(&p, 0, 0, PAGING_NOT_PRESENT);
}

static void legacy_pages(void **state)
{
	struct guest_paging p;

	(void)state;
	reset();
	entry4(0x1000, 1023, 0x2000 | P | W | U);
	entry4(0x2000, 1023, 0x9000 | P | W);
	entry4(0x1000, 1, 0x0040e000 | P | PS | W);
	entry4(0x1000, 2, 0x00600000 | P | PS | W);
	p = (struct guest_paging){CR0_PG, 0x1000, CR4_PSE, 0};
	maps(&p, 0xfffff123, 0, 0x9123);
	faults(&p, 0xfffff123, ACCESS_USER, PAGING_PROTECTION);
	maps(&p, 0x512345, ACCESS_WRITE, 0x700512345);
	faults(&p, 0x800000, 0, PAGING_RESERVED_BIT);
	p.cr4 = 0;
	faults(&p, 0x512345, 0, PAGING_NO_MEMORY);
	p.cr0 = 1;
	maps(&p, 0x100001234, ACCESS_USER | ACCESS_WRITE, 0x1234);
}

static void copies_go_page_by_page(void **state)
{
	struct guest_paging p = four_levels();
	uint8_t in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, code[15];
	size_t got;

	(void)state;
	entry8(0x4000, 1, 0x5000 | P | W);
	memcpy(ram + 0x9ffd, in, 3);
	memcpy(ram + 0x5000, in + 3, 5);
	assert_int_equal(guest_fetch(&m, &p, 0xffd, code, &got), PAGING_OK);
	assert_int_equal(got, 15);
	assert_memory_equal(code, in, 8);
	assert_int_equal(guest_fetch(&m, &p, 0x1ffd, code, &got), PAGING_OK);
	assert_int_equal(got, 3);
	assert_int_equal(guest_fetch(&m, &p, 0x200000, code, &got), PAGING_NO_MEMORY);
	assert_int_equal(got, 0);
	assert_int_equal(guest_fetch(&m, &p, 0x2000, code, &got), PAGING_NOT_PRESENT);
	assert_int_equal(got, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(four_level_pages),
	    cmocka_unit_test(rights),
	    cmocka_unit_test(reserved_bits_and_missing_tables),
	    cmocka_unit_test(pae_pages),
	    cmocka_unit_test(legacy_pages),
	    cmocka_unit_test(copies_go_page_by_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
