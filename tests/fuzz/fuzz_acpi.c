/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_acpi.c: the firmware's tables with any content.  The input is physical memory, the RSDP
 * first. Each run of bytes that the parser gets is an allocation of its own of exactly that size.
 */
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/acpi.h"

#define BASE  0x7ff00000ull /* where the memory lies */
#define RUNS  4096
#define BYTES (8u << 20)

static const uint8_t *memory;
static size_t memory_size;
static void *run[RUNS];
static unsigned runs;
static size_t run_bytes;

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* A copy of exact size, so that the address sanitizer sees the first byte too many.  What a table
 * may make the parser read is bounded. */
static const uint8_t *read_memory(uint64_t at, uint64_t size)
{
	uint8_t *copy;

	if (at < BASE || at - BASE > memory_size || size > memory_size - (at - BASE))
		return NULL;
	run_bytes += size;
	check(runs < RUNS && run_bytes <= BYTES && size <= ACPI_TABLE_MAX);
	copy = malloc(size);
	memcpy(copy, memory + (at - BASE), size);
	run[runs++] = copy;
	return copy;
}

static void check_register(const struct acpi_register *r, uint8_t bytes)
{
	if (!r->present)
		return;
	check(r->bytes == bytes && r->address % (r->space == ACPI_IO ? 1 : bytes) == 0);
	check(r->space != ACPI_IO || r->address + bytes <= 0x10000);
	check(r->space != ACPI_MEMORY ||
	      (r->address >= 1u << 20 && r->address + bytes <= 1ull << 32));
	check(r->space != ACPI_PCI || r->address >> 32 < 32);
}

static void check_power(const struct acpi_power *p)
{
	check_register(&p->reset, 1);
	check_register(&p->sleep_control, 1);
	check_register(&p->pm1_control[0], 2);
	check_register(&p->pm1_control[1], 2);
	check(p->s5_type[0] < 8 && p->s5_type[1] < 8);
}

static void check_console(const struct acpi_info *info)
{
	const struct serial_port *s = &info->console;

	check(info->spcr <= ACPI_SPCR_PORT);
	if (info->spcr == ACPI_SPCR_PORT)
		check(s->port && s->port <= 0x10000 - 8 && s->divisor <= 12 && s->irq <= 16);
}

static void check_info(const struct acpi_info *info)
{
	check_console(info);
	check(info->ncpus <= CORES_MAX && info->nioapics <= ACPI_IOAPICS);
	check_power(&info->power);
	for (unsigned i = 0; i < info->ncpus; i++)
		for (unsigned k = 0; k < i; k++)
			check(info->apic_id[i] != info->apic_id[k]);
	for (unsigned gsi = 0; gsi < 300; gsi += 37) {
		unsigned i = acpi_ioapic_of(info, gsi);

		check(i <= info->nioapics);
		check(i == info->nioapics || info->ioapic[i].gsi_base <= gsi);
	}
}

/* Found in the middle of anything, a copy of exact size. */
static void s5(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size), type[2] = {0};

	memcpy(copy, data, size);
	if (acpi_s5_find(copy, size, type))
		check(type[0] < 8 && type[1] < 8 && size >= 10);
	free(copy);
}

static void one_table(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size);
	struct acpi_info info, before;

	memcpy(copy, data, size);
	memset(&info, 0, sizeof info);
	before = info;
	if (acpi_madt_parse(copy, size, &info))
		check_info(&info);
	else
		check(!memcmp(&info, &before, sizeof info));
	before = info;
	if (!acpi_fadt_parse(copy, size, &info))
		check(!memcmp(&info, &before, sizeof info));
	check_power(&info.power);
	before = info;
	if (!acpi_spcr_parse(copy, size, &info))
		check(!memcmp(&info, &before, sizeof info));
	check_console(&info);
	free(copy);
	s5(data, size);
}

/* Makes the sum of the bytes zero, so that inputs get behind the check of it. */
static void sum_up(uint8_t *table, size_t size, size_t at)
{
	uint8_t sum = 0;

	table[at] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + table[i]);
	table[at] = (uint8_t)-sum;
}

/* An RSDP that points into the input, with the right sums where the input says so. */
static void whole(uint8_t how, const uint8_t *data, size_t size)
{
	uint8_t rsdp[sizeof(struct acpi_rsdp)] = "RSD PTR ";
	uint8_t *tables = malloc(size);
	struct acpi_info info;
	uint64_t root = BASE;
	uint32_t length, root32 = (uint32_t)BASE;

	memcpy(tables, data, size);
	for (size_t at = 0; how & 1 && at + 36 <= size; at += 64) {
		memcpy(&length, tables + at + 4, 4);
		if (length >= 36 && length <= size - at)
			sum_up(tables + at, length, 9);
	}
	rsdp[15] = how & 2 ? 2 : 0;
	memcpy(rsdp + 16, &root32, 4);
	length = sizeof rsdp;
	memcpy(rsdp + 20, &length, 4);
	memcpy(rsdp + 24, &root, 8);
	sum_up(rsdp, 20, 8);
	sum_up(rsdp, sizeof rsdp, 32);
	if (how & 4)
		memcpy(rsdp, tables, size < sizeof rsdp ? size : sizeof rsdp);
	acpi_rsdp_valid((const void *)rsdp, sizeof rsdp);
	memory = tables;
	memory_size = size;
	if (acpi_tables_parse((const void *)rsdp, read_memory, &info))
		check_info(&info);
	free(tables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	run_bytes = runs = 0;
	if (data[0] & 8)
		one_table(data + 1, size - 1);
	else
		whole(data[0], data + 1, size - 1);
	while (runs)
		free(run[--runs]);
	return 0;
}
