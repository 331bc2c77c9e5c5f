/*
 * acpi.h: what the VMM takes from the firmware's ACPI tables (ACPI 6.5, chapter 5).
 *
 * The parser (acpi_parse.c) touches no hardware and follows no address by itself: it asks a reader
 * for each run of bytes.  Every length and address in a table is taken for hostile.
 */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/core.h"

#define ACPI_RSDP_OLD  20         /* bytes of ACPI 1.0's */
#define ACPI_RSDP_SIZE 36         /* of the newer one */
#define ACPI_TABLE_MAX (1u << 20) /* bytes: a MADT of 4096 x2APICs and 64 I/O APICs has 65 KiB */
#define ACPI_ROOT_MAX  256        /* entries of RSDT or XSDT that are looked at */
#define ACPI_IOAPICS   16

struct acpi_ioapic {
	uint32_t addr, gsi_base;
};

struct acpi_info {
	unsigned ncpus, left_out; /* left out: beyond CORES_MAX */
	uint32_t apic_id[CORES_MAX];
	unsigned nioapics, ioapics_left_out;
	struct acpi_ioapic ioapic[ACPI_IOAPICS];
	struct {
		uint32_t gsi;
		uint16_t flags;
	} isa_irq[16];          /* identity unless overridden */
	uint16_t pm_timer_port; /* 0: none */
	bool pm_timer_32bit;
	bool has_reset;
	uint16_t reset_port;
	uint8_t reset_value;
};

/* The `size` bytes of physical memory at `at`, or NULL when they are not all memory in which
 * firmware may keep a table. */
typedef const uint8_t *acpi_reader(uint64_t at, uint64_t size);

/* Is this an RSDP?  `size` bytes may be read. */
bool acpi_rsdp_valid(const uint8_t *rsdp, size_t size);

/* Finds MADT and FADT by way of the RSDP (ACPI_RSDP_SIZE bytes, zeroes behind an old one's) and
 * fills all of `out`.  false: there is no MADT. */
bool acpi_tables_parse(const uint8_t *rsdp, acpi_reader *read, struct acpi_info *out);

/* One table, header and all, in `size` bytes that may be read; added to `out`.  Checksums are not
 * looked at.  false: it is no such table, or longer than that, and nothing was taken. */
bool acpi_madt_parse(const void *table, size_t size, struct acpi_info *out);
bool acpi_fadt_parse(const void *table, size_t size, struct acpi_info *out);

/* The I/O APIC whose pins may include this GSI: that with the highest base not above it; its number
 * in `info`, or nioapics.  How many pins it has, only the hardware says. */
unsigned acpi_ioapic_of(const struct acpi_info *info, uint32_t gsi);
#endif
