/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.h: what the VMM takes from the firmware's ACPI tables (ACPI 6.5, chapter 5).
 *
 * The parser (acpi_parse.c) touches no hardware and follows no address by itself: it reads
 * memory through a callback only.  No length or address in a table is trusted.
 */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/acpi_tables.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/serial.h"

#define ACPI_RSDP_OLD  offsetof(struct acpi_rsdp, length) /* bytes of ACPI 1.0's */
#define ACPI_TABLE_MAX (1u << 20) /* bytes: a MADT of 4096 x2APICs and 64 I/O APICs has 65 KiB */
#define ACPI_ROOT_MAX  256        /* entries of RSDT or XSDT that are looked at */
#define ACPI_IOAPICS   16

struct acpi_ioapic {
	uint32_t addr, gsi_base;
	uint8_t id;
};

/* A register at a generic address (5.2.3.2), checked: aligned, and of a width the VMM can write. */
enum acpi_space { ACPI_MEMORY, ACPI_IO, ACPI_PCI }; /* numbered as in 5.2.3.2 */
struct acpi_register {
	bool present;
	enum acpi_space space;
	uint8_t bytes;    /* 1 or 2 */
	uint64_t address; /* of PCI, bus 0: device << 32 | function << 16 | offset */
};

/* How the machine is switched off and reset (4.8.3, 5.2.9); the S5 values come from the DSDT or an
 * SSDT (7.4.2). */
struct acpi_power {
	struct acpi_register reset;
	uint8_t reset_value;
	bool has_s5;
	uint8_t s5_type[2];                  /* SLP_TYP for PM1a and PM1b */
	struct acpi_register pm1_control[2]; /* PM1a, PM1b */
	struct acpi_register sleep_control;  /* hardware-reduced machines have this one instead */
	uint16_t smi_port;                   /* 0: the machine is in ACPI mode already */
	uint8_t acpi_enable;                 /* the value to write to smi_port */
};

enum acpi_spcr {
	ACPI_SPCR_ABSENT,
	ACPI_SPCR_OTHER, /* no 16550 at I/O ports */
	ACPI_SPCR_PORT,
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
	struct acpi_power power;
	enum acpi_spcr spcr;
	struct serial_port console; /* with ACPI_SPCR_PORT */
};

/* Returns a pointer to `size` bytes of physical memory at `at`, or NULL unless all of them are
 * memory in which firmware may keep a table. */
typedef const uint8_t *acpi_reader(uint64_t at, uint64_t size);

/* Is this an RSDP?  `size`: how many bytes may be read. */
bool acpi_rsdp_valid(const struct acpi_rsdp *rsdp, size_t size);

/* Finds MADT, FADT and SPCR from the RSDP (an ACPI 1.0 one is padded with zeroes) and fills all of
 * `out`.  false: there is no MADT. */
bool acpi_tables_parse(const struct acpi_rsdp *rsdp, acpi_reader *read, struct acpi_info *out);

/* The table with this signature (4 characters) and a right sum, all of it readable; NULL: none. */
const struct acpi_header *acpi_table_find(const struct acpi_rsdp *rsdp, acpi_reader *read,
                                          const char *signature);

/* Adds one table, header included, to `out`; `size` bytes may be read.  Checksums are ignored.
 * false: the signature is another one or the table is longer than `size`; `out` is unchanged. */
bool acpi_madt_parse(const void *table, size_t size, struct acpi_info *out);
bool acpi_fadt_parse(const void *table, size_t size, struct acpi_info *out);
/* The serial port console redirection table (Microsoft's, revision 1 and up). */
bool acpi_spcr_parse(const void *table, size_t size, struct acpi_info *out);

/* acpi_power.c: reads the power and reset registers from the first `size` bytes of the FADT. */
void acpi_power_parse(const struct acpi_fadt *fadt, size_t size, struct acpi_power *out);

/* Searches the AML of a DSDT or SSDT (`size` bytes after its header) for the package \_S5_ and
 * reads its first two integers.  false: no such package was recognised. */
bool acpi_s5_find(const uint8_t *aml, size_t size, uint8_t type[2]);

/* The index of the I/O APIC with the highest GSI base not above `gsi`, or nioapics.  The MADT does
 * not give pin counts: whether that I/O APIC has the pin, only its version register says. */
unsigned acpi_ioapic_of(const struct acpi_info *info, uint32_t gsi);

/* ---- acpi.c: the tables of this machine ---- */

extern struct acpi_info acpi;

/* Reads the tables into `acpi`; false with a reason.  May be repeated. */
bool acpi_parse(char *why, size_t size);

/* This machine's table with that signature, in firmware's memory; NULL: none.  After acpi_parse(),
 * and before memory is given out: a table may lie in RAM. */
const struct acpi_header *acpi_table(const char *signature);
#endif
