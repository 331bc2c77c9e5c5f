/* SPDX-License-Identifier: BSD-2-Clause */
/* The guests' ACPI tables: checksums, addresses, and disassembly by iasl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vmm/devices/guest_acpi.h"
#include "lib/bytes.h"
#include "vmm/load/load.h"

static uint8_t ram[0x100000];

static struct gmem memory(void)
{
	struct gmem m = {0};

	memset(ram, 0xcc, sizeof ram);
	assert_true(gmem_add(&m, 0, sizeof ram, ram));
	return m;
}

static const uint32_t ids[4] = {0, 2, 254, 255};
static const struct guest_acpi four = {4, ids, 0x600, 0x601, 0x604, 0, 0};

static void sums_to_zero(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i];
	assert_int_equal(sum, 0);
}

/* The table at a GPA, its signature and checksum verified. */
static const uint8_t *table(uint64_t gpa, const char *signature)
{
	const uint8_t *t;

	assert_in_range(gpa, GUEST_ACPI_GPA, GUEST_ACPI_GPA + GUEST_ACPI_SIZE - 36);
	t = ram + gpa;
	assert_memory_equal(t, signature, 4);
	assert_in_range(le32(t + 4), 36, GUEST_ACPI_SIZE);
	sums_to_zero(t, le32(t + 4));
	return t;
}

static void the_chain_of_tables(void **state)
{
	struct gmem m = memory();
	const uint8_t *rsdp, *xsdt, *fadt, *madt, *dsdt;

	(void)state;
	assert_null(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &four));
	rsdp = ram + GUEST_ACPI_GPA;
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	sums_to_zero(rsdp, 20);
	sums_to_zero(rsdp, 36);
	xsdt = table(le64(rsdp + 24), "XSDT");
	fadt = table(le64(xsdt + 36), "FACP");
	madt = table(le64(xsdt + 44), "APIC");
	dsdt = table(le64(fadt + 140), "DSDT");
	assert_ptr_equal(ram + le32(fadt + 40), dsdt);
	assert_true(le32(fadt + 112) & 1 << 20);
	assert_int_equal(fadt[116], 1);
	assert_int_equal(le64(fadt + 120), 0x604);
	assert_int_equal(le64(fadt + 248), 0x600);
	assert_int_equal(le64(fadt + 260), 0x601);
	assert_int_equal(le32(madt + 4), 44 + 3 * 8 + 16);
	assert_int_equal(madt[44 + 8 + 3], 2);
	assert_int_equal(madt[44 + 24], 9);
	assert_int_equal(le32(madt + 44 + 24 + 4), 255);
	assert_int_equal(le32(madt + 44 + 24 + 12), 3);
}

static void an_io_apic_if_there_is_one(void **state)
{
	struct gmem m = memory();
	struct guest_acpi cfg = {1, ids, 0x600, 0x601, 0x604, 0xfec00000, 0};
	const uint8_t *xsdt, *madt;

	(void)state;
	assert_null(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &cfg));
	xsdt = table(le64(ram + GUEST_ACPI_GPA + 24), "XSDT");
	madt = table(le64(xsdt + 44), "APIC");
	assert_int_equal(le32(madt + 4), 44 + 8 + 12);
	assert_int_equal(le16(madt + 52), 0x0c01); /* type 1, 12 bytes */
	assert_int_equal(le32(madt + 56), 0xfec00000);
	assert_int_equal(le32(madt + 60), 0); /* its first GSI */
}

static void a_pm_timer_if_it_is_named(void **state)
{
	struct gmem m = memory();
	struct guest_acpi cfg = four;

	(void)state;
	for (unsigned port = 0; port < 0x1000; port += 0x608) {
		const uint8_t *xsdt, *fadt;

		cfg.pm_timer_port = (uint16_t)port;
		assert_null(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &cfg));
		xsdt = table(le64(ram + GUEST_ACPI_GPA + 24), "XSDT");
		fadt = table(le64(xsdt + 36), "FACP");
		assert_int_equal(le32(fadt + 76), port);
		assert_int_equal(fadt[91], port ? 4 : 0);
		assert_int_equal(le32(fadt + 112) >> 8 & 1, port != 0);
		assert_int_equal(le32(fadt + 208), port ? 0x03002001 : 0);
		assert_int_equal(le64(fadt + 212), port);
	}
}

static void refusals(void **state)
{
	struct gmem m = memory();
	struct guest_acpi none = four;

	(void)state;
	none.n_cpus = 0;
	assert_string_equal(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &none),
	                    "ACPI: no processors, or more than the tables name");
	assert_string_equal(guest_acpi_build(&m, GUEST_ACPI_GPA, 500, &four),
	                    "ACPI: the tables do not fit into their place");
	assert_string_equal(guest_acpi_build(&m, GUEST_ACPI_GPA + 1, GUEST_ACPI_SIZE, &four),
	                    "ACPI: the tables' place is no aligned guest memory below 4 GiB");
	assert_string_equal(guest_acpi_build(&m, sizeof ram - 256, GUEST_ACPI_SIZE, &four),
	                    "ACPI: the tables' place is no aligned guest memory below 4 GiB");
	for (size_t i = 0; i < sizeof ram; i++)
		assert_int_equal(ram[i], 0xcc);
}

static void the_largest_guest_fits(void **state)
{
	struct gmem m = memory();
	uint32_t many[GUEST_ACPI_MAX_CPUS];
	struct guest_acpi cfg;

	(void)state;
	for (unsigned i = 0; i < GUEST_ACPI_MAX_CPUS; i++)
		many[i] = 1000 + i;
	cfg = (struct guest_acpi){GUEST_ACPI_MAX_CPUS, many, 0x600, 0x601, 0x604, 0, 0};
	assert_null(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &cfg));
	for (size_t i = GUEST_ACPI_GPA + GUEST_ACPI_SIZE; i < GUEST_RESET_VECTOR; i++)
		assert_int_equal(ram[i], 0xcc);
}

static void the_reset_vector_writes_the_reset_port(void **state)
{
	struct gmem m = memory();
	static const uint8_t code[] = {0xba, 0x04, 0x06, 0xb0, 0x01, 0xee, 0xf4, 0xeb, 0xfd, 0xcc};

	(void)state;
	assert_null(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &four));
	assert_memory_equal(ram + GUEST_RESET_VECTOR, code, sizeof code);
	m.region[0].size = GUEST_RESET_VECTOR;
	assert_string_equal(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &four),
	                    "ACPI: the guest has no memory at the reset vector");
}

/* Writes one table to a file, has iasl disassemble it, and looks for `want` in the result. */
static void disassembles(const char *dir, const uint8_t *t, const char *want)
{
	char name[64], command[256], text[65536];
	FILE *f;
	size_t n;

	snprintf(name, sizeof name, "%s/%.4s.dat", dir, (const char *)t);
	f = fopen(name, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(t, 1, le32(t + 4), f), le32(t + 4));
	assert_int_equal(fclose(f), 0);
	snprintf(command, sizeof command, "iasl -d %s 2>&1 && cat %s/%.4s.dsl", name, dir,
	         (const char *)t);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	assert_int_equal(pclose(f), 0);
	assert_null(strstr(text, "ERROR"));
	assert_null(strstr(text, "Invalid"));
	assert_null(strstr(text, "Incorrect checksum"));
	assert_non_null(strstr(text, want));
}

static void iasl_reads_them(void **state)
{
	struct gmem m = memory();
	char dir[] = "/tmp/guest-acpi-XXXXXX", command[64];
	const uint8_t *xsdt, *fadt;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_null(guest_acpi_build(&m, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &four));
	xsdt = table(le64(ram + GUEST_ACPI_GPA + 24), "XSDT");
	fadt = table(le64(xsdt + 36), "FACP");
	disassembles(dir, xsdt, "ACPI Table Address");
	disassembles(dir, fadt, "Hardware Reduced (V5) : 1");
	disassembles(dir, table(le64(xsdt + 44), "APIC"), "Processor x2Apic ID : 000000FF");
	disassembles(dir, table(le64(fadt + 140), "DSDT"), "PNP0A03");
	disassembles(dir, table(le64(fadt + 140), "DSDT"), "PNP0501");
	snprintf(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_chain_of_tables),
	    cmocka_unit_test(an_io_apic_if_there_is_one),
	    cmocka_unit_test(a_pm_timer_if_it_is_named),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(the_largest_guest_fits),
	    cmocka_unit_test(the_reset_vector_writes_the_reset_port),
	    cmocka_unit_test(iasl_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
