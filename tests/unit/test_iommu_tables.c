/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's tables of IOMMUs: what is read from good ones, and that a bad one is refused as a
 * whole, with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/iommu/tables.h"

#define TABLE_MAX 4096

static uint8_t *table; /* from malloc(), of exactly the size that the parser may read */
static size_t size;
static struct iommu_tables t;

static void put(size_t at, uint64_t v, size_t n)
{
	memcpy(table + at, &v, n);
}

static void begin_table(const char *signature)
{
	size = 48;
	memset(table, 0, TABLE_MAX);
	memcpy(table, signature, 4);
	put(4, size, 4);
}

static size_t add(const void *bytes, size_t n)
{
	size_t at = size;

	memcpy(table + at, bytes, n);
	size += n;
	put(4, size, 4);
	return at;
}

static int set_up(void **state)
{
	(void)state;
	table = malloc(TABLE_MAX);
	memset(&t, 0xee, sizeof t);
	return !table;
}

static int tear_down(void **state)
{
	(void)state;
	free(table);
	return 0;
}

/* A parser sees a copy of exact size: the sanitizer sees each byte too many. */
static const char *parse_exact(bool dmar, iommu_bridge *bridge)
{
	void *copy = malloc(size ? size : 1);
	const char *bad;

	memcpy(copy, table, size);
	bad = dmar ? iommu_dmar_parse(copy, size, bridge, &t) : iommu_ivrs_parse(copy, size, &t);
	free(copy);
	return bad;
}

static const char *ivrs(void)
{
	return parse_exact(false, NULL);
}

/* The reason is that, and nothing of the table was taken. */
static void refused(const char *bad, const char *why)
{
	struct iommu_tables untouched;

	memset(&untouched, 0xee, sizeof untouched);
	assert_non_null(bad);
	assert_string_equal(bad, why);
	assert_memory_equal(&t, &untouched, sizeof t);
}

/* --- IVRS ----------------------------------------------------------------------------------- */

/* An IVHD block with these device entries. */
static size_t add_ivhd(uint8_t type, uint64_t registers, uint16_t segment, const uint8_t *entry,
                       size_t n)
{
	size_t head = type == 0x10 ? 24 : 40;
	uint8_t b[1024] = {type};
	uint16_t length = (uint16_t)(head + n);

	memcpy(b + 2, &length, 2);
	memcpy(b + 8, &registers, 8);
	memcpy(b + 16, &segment, 2);
	memcpy(b + head, entry, n);
	return add(b, length);
}

static size_t add_ivmd(uint8_t type, uint16_t first, uint16_t last, uint64_t start, uint64_t bytes)
{
	uint8_t b[32] = {type, 0, 32};

	memcpy(b + 4, &first, 2);
	memcpy(b + 6, &last, 2);
	memcpy(b + 16, &start, 8);
	memcpy(b + 24, &bytes, 8);
	return add(b, sizeof b);
}

static const uint8_t entries[] = {
    1,    0,    0, 0,                    /* all functions */
    2,    0x08, 0, 0,                    /* one */
    0x42, 0x10, 1, 0, 0,   0xf0, 0,   0, /* 01:02.0 as 00:1e.0 */
    0x43, 0x00, 2, 0, 0,   0xe8, 0,   0, /* 02:00.0 to ... as 00:1d.0 */
    4,    0xff, 2, 0,                    /* 02:1f.7 */
    3,    0x00, 3, 0, 4,   0xff, 3,   0, /* a range without an alias */
    0x48, 0,    0, 0, 7,   0xa0, 0,   1, /* I/O APIC 7 */
    0x48, 0,    0, 0, 0,   0xa1, 0,   2, /* HPET 0 */
    0xf0, 0,    0, 0, 'A', 'M',  'D', 'I', '0', '0', '0', '1', 0,
    0,    0,    0, 0, 0,   0,    0,   1,   3,   'a', 'b', 'c', /* by its ACPI name */
    2,    0x18, 0, 0};

static void ivrs_is_read(void **state)
{
	uint16_t function = 0;

	(void)state;
	begin_table("IVRS");
	add_ivhd(0x10, 0xfed80000, 0, entries, sizeof entries);
	add_ivmd(0x20, 0, 0, 0x1000, 0x1000);
	assert_null(ivrs());
	assert_int_equal(t.units, 1);
	assert_int_equal(t.unit[0].registers, 0xfed80000);
	assert_true(t.remaps_interrupts);
	assert_int_equal(iommu_requester(&t, 0x110), 0xf0);
	assert_int_equal(iommu_requester(&t, 0x1ff), 0x1ff);
	assert_int_equal(iommu_requester(&t, 0x200), 0xe8);
	assert_int_equal(iommu_requester(&t, 0x2ff), 0xe8);
	assert_int_equal(iommu_requester(&t, 0x300), 0x300);
	assert_int_equal(t.aliases, 2);
	assert_true(iommu_ioapic_source(&t, 7, &function));
	assert_int_equal(function, 0xa0);
	assert_false(iommu_ioapic_source(&t, 0, &function));
	assert_int_equal(iommu_reserved_for(&t, 0x1234)->start, 0x1000);
}

/* The same IOMMU is there once for each kind of system: only the highest type is read. */
static void highest_type_counts(void **state)
{
	(void)state;
	begin_table("IVRS");
	add_ivhd(0x10, 0xfed80000, 0, entries, sizeof entries);
	add_ivhd(0x40, 0xfed80000, 0, entries, sizeof entries);
	add_ivhd(0x11, 0xfed80000, 0, entries, sizeof entries);
	add_ivhd(0x40, 0xfed90000, 1, (const uint8_t[]){0xf0}, 1);
	assert_null(ivrs());
	assert_int_equal(t.units, 2);
	assert_int_equal(t.unit[1].segment, 1); /* whose entries are not read */
	assert_int_equal(t.aliases, 2);
}

/* A unit in a block of a lower type alone would be left out. */
static void no_unit_is_left_out(void **state)
{
	(void)state;
	begin_table("IVRS");
	add_ivhd(0x11, 0xfed80000, 0, entries, sizeof entries);
	add_ivhd(0x10, 0xfeb80000, 0, entries, sizeof entries);
	refused(ivrs(), "names an IOMMU only in a block of a lower type");
}

static void ivmd_names_its_functions(void **state)
{
	(void)state;
	begin_table("IVRS");
	add_ivhd(0x11, 0xfed80000, 0, entries, 4);
	add_ivmd(0x21, 0x10, 0, 0x5000, 0x2000);
	add_ivmd(0x22, 0x20, 0x2f, 0x8000, 0x1000);
	assert_null(ivrs());
	assert_int_equal(iommu_reserved_for(&t, 0x10)->size, 0x2000);
	assert_null(iommu_reserved_for(&t, 0x11));
	assert_null(iommu_reserved_for(&t, 0x1f));
	assert_int_equal(iommu_reserved_for(&t, 0x2f)->start, 0x8000);
	assert_null(iommu_reserved_for(&t, 0x30));
}

static void bad_ivrs(void **state)
{
	static const struct {
		const uint8_t entry[12];
		size_t n;
		const char *why;
	} c[] = {
	    {{2, 0, 0}, 3, "has an entry that overruns its block"},
	    {{0x42, 0, 0, 0, 0, 0, 0}, 7, "has an entry that overruns its block"},
	    {{0xf0, 0, 0, 0}, 4, "has an entry that overruns its block"},
	    {{0x43, 0, 1, 0, 0, 0, 0, 0}, 8, "has a range of functions without an end"},
	    {{0x43, 0, 1, 0, 0, 0, 0, 0, 4, 0xff, 0, 0},
	     12,
	     "has a range of functions that ends before it begins"},
	};
	size_t at;

	(void)state;
	for (unsigned i = 0; i < sizeof c / sizeof c[0]; i++) {
		begin_table("IVRS");
		add_ivhd(0x10, 0xfed80000, 0, c[i].entry, c[i].n);
		refused(ivrs(), c[i].why);
	}
	begin_table("IVRS");
	refused(ivrs(), "names no IOMMU");
	begin_table("DMAR");
	refused(ivrs(), "is no IVRS");
	begin_table("IVRS");
	put(4, 49, 4);
	refused(ivrs(), "is no IVRS");
	begin_table("IVRS");
	at = add_ivhd(0x10, 0xfed80000, 0, entries, 4);
	put(at + 2, 300, 2);
	refused(ivrs(), "has a block that overruns it");
	put(at + 2, 3, 2);
	refused(ivrs(), "has a block that overruns it");
	put(at + 2, 12, 2);
	refused(ivrs(), "has a block that is too short");
}

static void ivrs_of_wrong_addresses(void **state)
{
	static const uint64_t wrong[] = {0, 0xfed80001, 0xfed82000};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		begin_table("IVRS");
		add_ivhd(0x10, wrong[i], 0, entries, 4);
		refused(ivrs(), "names an IOMMU at an address that cannot be");
	}
	begin_table("IVRS");
	add_ivhd(0x10, 0xfed80000, 0, entries, 4);
	add_ivhd(0x10, 0xfed80000, 0, entries, 4);
	refused(ivrs(), "names an IOMMU twice");
	begin_table("IVRS");
	for (uint64_t i = 0; i <= IOMMU_UNITS; i++)
		add_ivhd(0x10, 0xfed80000 + (i << 14), 0, entries, 4);
	refused(ivrs(), "names too many IOMMUs");
	begin_table("IVRS");
	add_ivhd(0x10, 0xfed80000, 0, entries, 4);
	add_ivmd(0x20, 0, 0, ~0ull - 4095, 0x2000);
	refused(ivrs(), "reserves memory that cannot be");
}

/* --- DMAR ----------------------------------------------------------------------------------- */

/* The bridges: 00:1c.0 to buses 4 to 6, 04:00.0 to bus 5. */
static bool bridge(uint16_t function, uint8_t *secondary, uint8_t *subordinate)
{
	if (function != 0xe0 && function != 0x400)
		return false;
	*secondary = function == 0xe0 ? 4 : 5;
	*subordinate = function == 0xe0 ? 6 : 5;
	return true;
}

static const char *dmar(void)
{
	return parse_exact(true, bridge);
}

static size_t add_drhd(uint64_t registers, uint16_t segment, const uint8_t *scope, size_t n)
{
	uint8_t b[512] = {0, 0, (uint8_t)(16 + n), (uint8_t)((16 + n) >> 8), 1};

	memcpy(b + 6, &segment, 2);
	memcpy(b + 8, &registers, 8);
	memcpy(b + 16, scope, n);
	return add(b, 16 + n);
}

static size_t add_rmrr(uint64_t start, uint64_t last, const uint8_t *scope, size_t n)
{
	uint8_t b[512] = {1, 0, (uint8_t)(24 + n)};

	memcpy(b + 8, &start, 8);
	memcpy(b + 16, &last, 8);
	memcpy(b + 24, scope, n);
	return add(b, 24 + n);
}

static void dmar_is_read(void **state)
{
	static const uint8_t ioapic[] = {3, 8, 0, 0, 2, 0xf0, 0x1f, 0,  /* at f0:1f.0 */
	                                 4, 8, 0, 0, 0, 0,    0x1e, 1}; /* an HPET */
	static const uint8_t endpoint[] = {1, 10, 0, 0, 0, 0, 0x1c, 0, 3, 1};
	static const uint8_t behind[] = {2, 8, 0, 0, 0, 0, 0x1c, 0};
	static const uint8_t nowhere[] = {1, 10, 0, 0, 0, 0, 0x1d, 0, 0, 0};
	uint16_t function;

	(void)state;
	begin_table("DMAR");
	put(37, 1, 1);
	add_drhd(0xfed90000, 0, ioapic, sizeof ioapic);
	add_drhd(0xfed91000, 1, ioapic, sizeof ioapic);
	add_rmrr(0x7000, 0x8fff, endpoint, sizeof endpoint);
	add_rmrr(0xa000, 0xafff, behind, sizeof behind);
	add_rmrr(0xb000, 0xbfff, nowhere, sizeof nowhere);
	add((const uint8_t[]){2, 0, 8, 0, 0, 0, 0, 0}, 8); /* ATSR */
	assert_null(dmar());
	assert_int_equal(t.units, 2);
	assert_int_equal(t.unit[1].segment, 1);
	assert_true(t.remaps_interrupts);
	assert_int_equal(t.sources, 2);
	assert_true(iommu_ioapic_source(&t, 2, &function));
	assert_int_equal(function, 0xf0f8);
	assert_int_equal(t.reserved, 2);
	assert_int_equal(iommu_reserved_for(&t, 0x419)->size, 0x2000);
	assert_int_equal(iommu_reserved_for(&t, 0x400)->start, 0xa000);
	assert_int_equal(iommu_reserved_for(&t, 0x6ff)->start, 0xa000);
	assert_null(iommu_reserved_for(&t, 0x700));
	put(37, 0, 1);
	assert_null(dmar());
	assert_false(t.remaps_interrupts);
}

static void bad_dmar(void **state)
{
	static const uint8_t scope[] = {3, 8, 0, 0, 2, 0, 0x1f, 0};
	size_t at;

	(void)state;
	begin_table("DMAR");
	refused(dmar(), "names no IOMMU");
	begin_table("IVRS");
	refused(dmar(), "is no DMAR");
	for (unsigned length = 0; length < 12; length++) {
		begin_table("DMAR");
		at = add_drhd(0xfed90000, 0, scope, sizeof scope);
		put(at + 17, length, 1);
		if (length != 8)
			refused(dmar(), "has a device scope that is malformed");
	}
	begin_table("DMAR");
	at = add_drhd(0xfed90000, 0, scope, 7);
	refused(dmar(), "has a device scope that is malformed");
	put(at + 2, 12, 2);
	refused(dmar(), "has a block that is too short");
	put(at + 2, 2, 2);
	refused(dmar(), "has a block that overruns it");
	put(at + 2, 99, 2);
	refused(dmar(), "has a block that overruns it");
	begin_table("DMAR");
	add_drhd(0xfed90010, 0, scope, sizeof scope);
	refused(dmar(), "names an IOMMU at an address that cannot be");
	begin_table("DMAR");
	add_drhd(0xfed90000, 0, scope, sizeof scope);
	at = add_rmrr(0x2000, 0x1000, scope, sizeof scope);
	refused(dmar(), "reserves memory that cannot be");
	put(at + 8, 0, 8);
	put(at + 16, ~0ull, 8);
	refused(dmar(), "reserves memory that cannot be");
	begin_table("DMAR");
	add_drhd(0xfed90000, 0, scope, sizeof scope);
	add_drhd(0xfed90000, 0, scope, sizeof scope);
	refused(dmar(), "names an IOMMU twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(ivrs_is_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(highest_type_counts, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_unit_is_left_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(ivmd_names_its_functions, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(bad_ivrs, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(ivrs_of_wrong_addresses, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(dmar_is_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(bad_dmar, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
