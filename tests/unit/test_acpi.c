/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI tables in a model of physical memory: valid ones, and malformed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/acpi.h"

#define MEMORY 0x10000u
#define BASE   0x7ff0000ul /* the model's first physical address */
#define RSDT   0x100u      /* offsets in it */
#define XSDT   0x200u
#define MADT   0x400u
#define FADT   0x800u
#define SPCR   0xc00u

static uint8_t *memory; /* from malloc(): the sanitizer watches both ends */
static uint64_t bytes_read;
static uint8_t rsdp[sizeof(struct acpi_rsdp)];
static struct acpi_info info;

static const uint8_t *model(uint64_t at, uint64_t size)
{
	if (at < BASE || at - BASE > MEMORY || size > MEMORY - (at - BASE))
		return NULL;
	bytes_read += size;
	return memory + (at - BASE);
}

static void put(void *at, uint64_t v, size_t n)
{
	memcpy(at, &v, n);
}

/* The last byte of `n` that makes their sum zero goes to `at`. */
static void sum_up(uint8_t *t, size_t n, size_t at)
{
	uint8_t s = 0;

	t[at] = 0;
	for (size_t i = 0; i < n; i++)
		s += t[i];
	t[at] = (uint8_t)-s;
}

static uint8_t *table(unsigned off, const char *signature, uint32_t length)
{
	uint8_t *t = memory + off;

	memcpy(t, signature, 4);
	put(t + 4, length, 4);
	return t;
}

static void seal(unsigned off)
{
	uint32_t length;

	memcpy(&length, memory + off + 4, 4);
	sum_up(memory + off, length, 9);
}

static const uint8_t records[] = {
    0, 8,  0, 0,    1,    0,    0,    0,                               /* a core */
    0, 8,  1, 1,    0,    0,    0,    0,                               /* one that is off */
    0, 8,  2, 0xff, 1,    0,    0,    0,                               /* broadcast */
    9, 16, 0, 0,    0,    0,    0,    0,    1,    0, 0, 0, 0, 0, 0, 0, /* the first one again */
    9, 16, 0, 0,    0,    1,    0,    0,    1,    0, 0, 0, 0, 0, 0, 0, /* 0x100 */
    9, 16, 0, 0,    0xff, 0xff, 0xff, 0xff, 1,    0, 0, 0, 0, 0, 0, 0, /* broadcast */
    1, 12, 0, 0,    0,    0,    0xc0, 0xfe, 0,    0, 0, 0,             /* I/O APICs: GSI 0 */
    1, 12, 1, 0,    0,    0x10, 0xc0, 0xfe, 24,   0, 0, 0,             /* 24 */
    1, 12, 2, 0,    0,    0x20, 0xc0, 0xfe, 120,  0, 0, 0,             /* 120 */
    1, 12, 3, 0,    0,    0x10, 0xc0, 0xfe, 9,    0, 0, 0,             /* an address again */
    2, 10, 0, 9,    9,    0,    0,    0,    0x0d, 0,                   /* IRQ 9 level */
    2, 10, 0, 0,    2,    0,    0,    0,    0,    0,                   /* IRQ 0 at GSI 2 */
    2, 10, 0, 16,   3,    0,    0,    0,    0,    0,                   /* no ISA IRQ */
    2, 10, 1, 5,    3,    0,    0,    0,    0,    0,                   /* no ISA bus */
};

static void put_madt(void)
{
	uint8_t *t = table(MADT, "APIC", 44 + sizeof records);

	memcpy(t + 44, records, sizeof records);
	seal(MADT);
}

static void put_fadt(uint32_t length)
{
	uint8_t *t = table(FADT, "FACP", length);

	put(t + 76, 0x608, 4);
	t[91] = 4;
	put(t + 112, 1 << 10 | 1 << 8, 4);
	t[116] = 1;
	t[117] = 8;
	put(t + 120, 0xcf9, 8);
	t[128] = 6;
	seal(FADT);
}

static int set_up(void **state)
{
	(void)state;
	memory = calloc(1, MEMORY);
	bytes_read = 0;
	memset(rsdp, 0, sizeof rsdp);
	memcpy(rsdp, "RSD PTR ", 8);
	put(rsdp + 16, BASE + RSDT, 4);
	sum_up(rsdp, 20, 8);
	put(table(RSDT, "RSDT", 36 + 8) + 36, BASE + FADT, 4);
	put(memory + RSDT + 40, BASE + MADT, 4);
	seal(RSDT);
	put(table(XSDT, "XSDT", 36 + 16) + 36, BASE + MADT, 8);
	put(memory + XSDT + 44, BASE + FADT, 8);
	seal(XSDT);
	put_madt();
	put_fadt(129);
	return !memory;
}

static int tear_down(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static bool parse(void)
{
	return acpi_tables_parse((const void *)rsdp, model, &info);
}

static void use_xsdt(uint64_t at)
{
	rsdp[15] = 2;
	put(rsdp + 20, 36, 4);
	put(rsdp + 24, at, 8);
	sum_up(rsdp, 20, 8);
	sum_up(rsdp, 36, 32);
}

static void test_all_found(void **state)
{
	(void)state;
	assert_true(acpi_rsdp_valid((const void *)rsdp, sizeof rsdp));
	assert_true(parse());
	assert_int_equal(info.ncpus, 2);
	assert_int_equal(info.apic_id[1], 0x100);
	assert_int_equal(info.isa_irq[9].flags, 0x0d);
	assert_int_equal(info.isa_irq[0].gsi, 2);
	assert_int_equal(info.isa_irq[5].gsi, 5);
	assert_int_equal(info.pm_timer_port, 0x608);
	assert_true(info.power.reset.present && info.pm_timer_32bit);
	assert_int_equal(info.power.reset.address, 0xcf9);
	assert_int_equal(info.power.reset_value, 6);
	use_xsdt(BASE + XSDT);
	assert_true(parse());
	assert_int_equal(info.ncpus, 2);
}

/* Each GSI is its I/O APIC's, whatever their order; below the first one's base it is nobody's. */
static void test_ioapics(void **state)
{
	static const struct {
		uint32_t gsi, owner;
	} c[] = {{0, 0}, {23, 0}, {24, 1}, {119, 1}, {120, 2}, {0xffffffff, 2}};

	(void)state;
	assert_true(parse());
	assert_int_equal(info.nioapics, 3);
	assert_int_equal(info.ioapic[1].addr, 0xfec01000);
	for (unsigned i = 0; i < sizeof c / sizeof c[0]; i++)
		assert_int_equal(acpi_ioapic_of(&info, c[i].gsi), c[i].owner);
	info.ioapic[0].gsi_base = 200;
	assert_int_equal(acpi_ioapic_of(&info, 3), 3);
	assert_int_equal(acpi_ioapic_of(&info, 130), 2);
	assert_int_equal(acpi_ioapic_of(&info, 201), 0);
}

/* One more than the tables hold is counted, not written. */
static void test_too_many(void **state)
{
	uint32_t cpus = CORES_MAX + 3, ioapics = ACPI_IOAPICS + 2;
	uint8_t *t = table(0x4000, "APIC", 44 + 16 * cpus + 12 * ioapics), *r = t + 44;

	(void)state;
	for (uint32_t i = 0; i < cpus; i++, r += 16) {
		r[0] = 9;
		r[1] = 16;
		put(r + 4, i, 4);
		r[8] = 1;
	}
	for (uint32_t i = 0; i < ioapics; i++, r += 12) {
		r[0] = 1;
		r[1] = 12;
		put(r + 4, 0xfec00000 + i * 0x1000, 4);
	}
	memset(&info, 0, sizeof info);
	assert_true(acpi_madt_parse(t, MEMORY - 0x4000, &info));
	assert_int_equal(info.ncpus, CORES_MAX);
	assert_int_equal(info.left_out, 3);
	assert_int_equal(info.nioapics, ACPI_IOAPICS);
	assert_int_equal(info.ioapics_left_out, 2);
}

/* A table says more than there is, or less than it needs: it is not summed, and not walked. */
static void test_lengths(void **state)
{
	static const uint32_t bad[] = {0, 1, 8, 35, 43, MEMORY, ACPI_TABLE_MAX + 1, 1u << 31, ~0u};

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put(memory + MADT + 4, bad[i], 4);
		bytes_read = 0;
		assert_false(parse());
		assert_true(bytes_read < 0x1000);
	}
	put_madt();
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put(memory + RSDT + 4, bad[i], 4);
		assert_false(parse());
	}
}

/* Each shorter MADT in a buffer of its own: no byte behind it is read. */
static void test_truncated(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 44 + sizeof records; n++) {
		uint8_t *t = malloc(n ? n : 1);

		memcpy(t, memory + MADT, n);
		memset(&info, 0, sizeof info);
		assert_false(acpi_madt_parse(t, n, &info)); /* its header says more */
		assert_int_equal(info.ncpus, 0);
		if (n >= 8)
			put(t + 4, n, 4);
		assert_int_equal(acpi_madt_parse(t, n, &info), n >= 44);
		free(t);
	}
	for (uint32_t n = 0; n < 129; n++) {
		uint8_t *t = malloc(n ? n : 1);

		memcpy(t, memory + FADT, n);
		if (n >= 8)
			put(t + 4, n, 4);
		memset(&info, 0, sizeof info);
		assert_int_equal(acpi_fadt_parse(t, n, &info), n >= 116);
		assert_false(info.power.reset.present);
		free(t);
	}
}

/* A record of no length would be met for ever; one that is too long ends the list. */
static void test_records(void **state)
{
	static const uint8_t bad[] = {0, 1, 0xff};

	(void)state;
	for (unsigned i = 0; i < sizeof bad; i++) {
		put_madt();
		memory[MADT + 44 + 8 + 1] = bad[i];
		seal(MADT);
		if (bad[i] == 0xff)
			put(memory + MADT + 4, 44 + 16, 4), seal(MADT);
		assert_true(parse());
		assert_int_equal(info.ncpus, 1);
		assert_int_equal(info.nioapics, 0);
	}
}

static void test_pointers(void **state)
{
	static const uint64_t bad[] = {0,    1,         BASE - 1, BASE + MEMORY, BASE + MEMORY - 35,
	                               ~0ul, ~0ul - 35, 1ul << 63};

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		use_xsdt(bad[i]);
		assert_true(parse()); /* by the RSDT */
		use_xsdt(BASE + XSDT);
		put(memory + XSDT + 36, bad[i], 8);
		seal(XSDT);
		assert_false(parse());
	}
}

static void test_checksums(void **state)
{
	(void)state;
	memory[FADT + 100]++;
	assert_true(parse());
	assert_int_equal(info.pm_timer_port, 0);
	memory[MADT + 50]++;
	assert_false(parse());
	rsdp[3]++;
	assert_false(acpi_rsdp_valid((const void *)rsdp, sizeof rsdp));
	assert_false(acpi_rsdp_valid((const void *)rsdp, 19));
}

/* A table for a 16550 at `port` with this code for the speed. */
static uint8_t *put_spcr(uint64_t port, uint8_t baud)
{
	uint8_t *t = table(SPCR, "SPCR", 80);

	t[40] = 1;
	put(t + 44, port, 8);
	t[52] = 3;
	t[53] = 3;
	put(t + 54, 19, 4);
	t[58] = baud;
	put(memory + RSDT + 4, 36 + 12, 4);
	put(memory + RSDT + 44, BASE + SPCR, 4);
	return t;
}

static bool parse_spcr(void)
{
	seal(SPCR);
	seal(RSDT);
	return parse();
}

static void test_console(void **state)
{
	static const struct {
		uint8_t code;
		uint16_t divisor;
	} speed[] = {{0, 0}, {3, 12}, {4, 6}, {6, 2}, {7, 1}};

	(void)state;
	assert_true(parse());
	assert_int_equal(info.spcr, ACPI_SPCR_ABSENT);
	for (unsigned i = 0; i < sizeof speed / sizeof speed[0]; i++) {
		put_spcr(0x2f8, speed[i].code);
		assert_true(parse_spcr());
		assert_int_equal(info.spcr, ACPI_SPCR_PORT);
		assert_int_equal(info.console.port, 0x2f8);
		assert_int_equal(info.console.divisor, speed[i].divisor);
		assert_int_equal(info.console.irq, 3);
		assert_true(info.console.has_gsi);
		assert_int_equal(info.console.gsi, 19);
	}
	put_spcr(0x3e8, 7)[52] = 0; /* without an interrupt */
	assert_true(parse_spcr());
	assert_false(info.console.has_gsi);
	assert_int_equal(info.console.irq, 16);
}

/* What is no 16550 at I/O ports is known to be there, and not used. */
static void test_other_consoles(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
	} other[] = {{36, 3}, {36, 0xff}, {40, 0}, {43, 3}, {46, 1}, {51, 1}, {58, 1}, {58, 8}};

	(void)state;
	for (unsigned i = 0; i < sizeof other / sizeof other[0]; i++) {
		put_spcr(0x3f8, 7)[other[i].at] = other[i].value;
		memory[SPCR + 45] = other[i].at == 46 ? 0xff : 3; /* FFF8h fits, 1xxxxh does not */
		assert_true(parse_spcr());
		assert_int_equal(info.spcr, ACPI_SPCR_OTHER);
		memset(memory + SPCR, 0, 80);
	}
	put_spcr(0xfff9, 7);
	assert_true(parse_spcr());
	assert_int_equal(info.spcr, ACPI_SPCR_OTHER);
	put_spcr(0, 7);
	assert_true(parse_spcr());
	assert_int_equal(info.spcr, ACPI_SPCR_OTHER);
	put(put_spcr(0x3f8, 7) + 4, 79, 4); /* too short */
	assert_true(parse_spcr());
	assert_int_equal(info.spcr, ACPI_SPCR_ABSENT);
	put_spcr(0x3f8, 7);
	parse_spcr();
	memory[SPCR + 70]++; /* a wrong sum */
	assert_true(parse());
	assert_int_equal(info.spcr, ACPI_SPCR_ABSENT);
}

static void test_console_option(void **state)
{
	static const char *const bad[] = {
	    "",          "com",    "com0",    "com5",       "com11",       "com2,",
	    "com2,0",    "com2,7", "com1,x",  "com1,9600x", "com1,115201", "com1,99999999999",
	    "com1:9600", "ttyS0",  "nonesuch"};
	struct serial_port s = {.port = 1};

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(serial_option(bad[i], &s), SERIAL_BAD);
	assert_int_equal(serial_option("none", &s), SERIAL_NONE);
	assert_int_equal(serial_option("spcr", &s), SERIAL_SPCR);
	assert_int_equal(s.port, 1);
	assert_int_equal(serial_option("com2,57600", &s), SERIAL_COM);
	assert_int_equal(s.port, 0x2f8);
	assert_int_equal(s.irq, 3);
	assert_int_equal(s.divisor, 2);
	assert_int_equal(serial_option("com3", &s), SERIAL_COM);
	assert_int_equal(s.port, 0x3e8);
	assert_int_equal(s.divisor, 1);
	assert_int_equal(serial_option("com4,300", &s), SERIAL_COM);
	assert_int_equal(s.port, 0x2e8);
	assert_int_equal(s.divisor, 384);
	s = serial_default();
	assert_int_equal(s.port, 0x3f8);
	assert_int_equal(s.irq, 4);
	assert_int_equal(s.divisor, 1);
}

/* A root that fills its whole length with one broken table: it costs no more than it may. */
static void test_long_root(void **state)
{
	uint32_t length = MEMORY - 0x1000;
	uint8_t *t = table(0x1000, "RSDT", length);

	(void)state;
	for (uint32_t i = 36; i + 4 <= length; i += 4)
		put(t + i, BASE + 0x1000, 4);
	seal(0x1000);
	put(rsdp + 16, BASE + 0x1000, 4);
	assert_false(parse());
	assert_true(bytes_read <= MEMORY + 2 * ACPI_ROOT_MAX * 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_all_found, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_ioapics, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_lengths, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_truncated, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_records, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_pointers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_checksums, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_console, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_other_consoles, set_up, tear_down),
	    cmocka_unit_test(test_console_option),
	    cmocka_unit_test_setup_teardown(test_long_root, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
