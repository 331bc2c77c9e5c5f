/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi_tables.h: the layout of the ACPI tables that the VMM reads, or builds for guests (ACPI 6.5,
 * chapter 5).
 *
 * An older revision may be shorter than its structure: a field is present if the table's length
 * covers it.  Tables may be unaligned.
 */
#ifndef ARCH_ACPI_TABLES_H
#define ARCH_ACPI_TABLES_H
#include <stddef.h>
#include <stdint.h>

/* Does a table of `size` bytes have this field? */
#define ACPI_REACHES(size, type, field)                                                            \
	((size) >= offsetof(type, field) + sizeof(((type *)NULL)->field))

/* 5.2.5.3; revision 0 ends after `rsdt` */
struct acpi_rsdp {
	char signature[8]; /* "RSD PTR " */
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_rsdp) == 36, "5.2.5.3");
_Static_assert(offsetof(struct acpi_rsdp, length) == 20, "5.2.5.3");

/* The head of every other table (5.2.6) */
struct acpi_header {
	char signature[4];
	uint32_t length; /* of the whole table */
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_header) == 36, "5.2.6");

/* A generic address (5.2.3.2) */
struct acpi_address {
	uint8_t space;  /* enum acpi_space and others */
	uint8_t bits;   /* of the register */
	uint8_t offset; /* of its first bit */
	uint8_t access; /* access size: 0: any, else log2(bytes) + 1 */
	uint64_t address;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_address) == 12, "5.2.3.2");

/* --- MADT, 5.2.12 --------------------------------------------------------------------------- */

struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic, flags;
	uint8_t records[];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt) == 44, "5.2.12");

enum madt_type { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };

#define MADT_ENABLED 1u /* of an APIC's flags */

struct madt_record {
	uint8_t type, length;
} __attribute__((packed));

struct madt_lapic {
	struct madt_record record;
	uint8_t uid, apic_id;
	uint32_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct madt_lapic) == 8, "5.2.12.2");

struct madt_ioapic {
	struct madt_record record;
	uint8_t id, reserved;
	uint32_t address, gsi_base;
} __attribute__((packed));
_Static_assert(sizeof(struct madt_ioapic) == 12, "5.2.12.3");

struct madt_override {
	struct madt_record record;
	uint8_t bus, irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct madt_override) == 10, "5.2.12.5");

struct madt_x2apic {
	struct madt_record record;
	uint16_t reserved;
	uint32_t apic_id, flags, uid;
} __attribute__((packed));
_Static_assert(sizeof(struct madt_x2apic) == 16, "5.2.12.12");

/* --- FADT, 5.2.9 ---------------------------------------------------------------------------- */

#define FADT_TMR_VAL_EXT   (1u << 8) /* of its flags */
#define FADT_RESET_REG_SUP (1u << 10)
#define FADT_HW_REDUCED    (1u << 20)

struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl, dsdt;
	uint8_t reserved1, profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1_event[2], pm1_control[2], pm2_control, pm_timer, gpe0, gpe1;
	uint8_t pm1_event_bytes, pm1_control_bytes, pm2_control_bytes, pm_timer_bytes;
	uint8_t gpe0_bytes, gpe1_bytes, gpe1_base, cst_cnt;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_flags;
	uint8_t reserved2;
	uint32_t flags; /* ACPI 1.0's ends here */
	struct acpi_address reset;
	uint8_t reset_value;
	uint16_t arm_boot_flags;
	uint8_t minor;
	uint64_t x_firmware_ctrl, x_dsdt;
	struct acpi_address x_pm1_event[2], x_pm1_control[2], x_pm2_control, x_pm_timer;
	struct acpi_address x_gpe0, x_gpe1, sleep_control, sleep_status;
	uint64_t hypervisor;
} __attribute__((packed));
_Static_assert(offsetof(struct acpi_fadt, smi_cmd) == 48, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, pm1_control) == 64, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, pm_timer) == 76, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, pm1_control_bytes) == 89, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, pm_timer_bytes) == 91, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, boot_flags) == 109, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, reset_value) == 128, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, x_dsdt) == 140, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, x_pm1_control) == 172, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "5.2.9");
_Static_assert(sizeof(struct acpi_fadt) == 276, "5.2.9");

/* --- SPCR (Microsoft, Serial Port Console Redirection Table) -------------------------------- */

struct acpi_spcr_table {
	struct acpi_header header;
	uint8_t type; /* 0: 16550; 1: 16550 subset (16450); 12h: 16550 at a generic address */
	uint8_t reserved[3];
	struct acpi_address base;
	uint8_t interrupts; /* bit 0: 8259 IRQ valid, bit 1: GSI valid */
	uint8_t irq;
	uint32_t gsi;
	uint8_t baud, parity, stop_bits, flow_control, terminal, language;
	uint16_t pci_device, pci_vendor;
	uint8_t pci_bus, pci_slot, pci_function;
	uint32_t pci_flags;
	uint8_t pci_segment;
	uint32_t clock;
} __attribute__((packed));
_Static_assert(offsetof(struct acpi_spcr_table, base) == 40, "SPCR, table 1");
_Static_assert(offsetof(struct acpi_spcr_table, gsi) == 54, "SPCR, table 1");
_Static_assert(offsetof(struct acpi_spcr_table, baud) == 58, "SPCR, table 1");
_Static_assert(sizeof(struct acpi_spcr_table) == 80, "SPCR, table 1");
#endif
