/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_acpi.h: a guest's ACPI tables (ACPI 6.4): RSDP, XSDT, FADT, MADT, DSDT.
 *
 * Hardware-reduced ACPI: no PIC, no PIT interrupt, no RTC.  A full ACPI machine would make the
 * guest wait for PIT interrupts.  Power-off and reset are writes to two I/O ports.
 */
#ifndef VMM_DEVICES_GUEST_ACPI_H
#define VMM_DEVICES_GUEST_ACPI_H
#include <stdint.h>
#include "drivers/bus/gpa.h"

#define GUEST_ACPI_MAX_CPUS 256

/* Emulated devices with an interrupt pin are in these slots, from PIN_SLOT downward, and their pins
 * at the guest's I/O APIC from PIN_GSI upward; the DSDT says so, too. */
#define PIN_SLOT 27
#define PIN_GSI  20

/* A guest that powers off writes SLP_TYP 5 and SLP_EN to the sleep-control port (ACPI 4.8.3.7). */
#define GUEST_ACPI_S5_VALUE    0x34
#define GUEST_ACPI_RESET_VALUE 0x01

/* A PC's reset vector.  With hardware-reduced ACPI and without EFI, Linux reboots by a jump to it
 * in real mode and never tries the reset register (efi_reboot_required()). */
#define GUEST_RESET_VECTOR 0xffff0

struct guest_acpi {
	unsigned n_cpus;
	const uint32_t *apic_ids; /* n_cpus of them; IDs from 255 on get x2APIC entries */
	uint16_t sleep_control_port, sleep_status_port; /* e.g. 0x600, 0x601 */
	uint16_t reset_port; /* e.g. 0x604; receives GUEST_ACPI_RESET_VALUE */
	uint32_t ioapic;     /* the address of its I/O APIC, whose first pin is GSI 0; 0: none */
	/* 0: none.  The specification lets a system ignore the PM timer on hardware-reduced ACPI,
	 * but Xen, LK and memtest need one.  Linux would read it twice a second to watch the TSC,
	 * so it gets none. */
	uint16_t pm_timer_port;
};

/*
 * Writes the tables into guest memory at gpa (16-byte aligned), at most len bytes; the RSDP comes
 * first, so gpa is also its address.  At GUEST_RESET_VECTOR it puts a few instructions that write
 * the reset value to the reset port.  NULL on success, otherwise the reason; nothing is written
 * then.
 */
const char *guest_acpi_build(const struct gmem *m, uint64_t gpa, uint64_t len,
                             const struct guest_acpi *cfg);
#endif
