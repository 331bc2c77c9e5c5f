/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends the node: by an emulator's exit port, ACPI, or the PC's older reset methods. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/pci.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/stop.h"
#include "lib/log.h"
#include "lib/x86.h"

#define QEMU_EXIT_PORT   0xf4   /* isa-debug-exit */
#define BOCHS_EXIT_PORT  0x8900 /* present if Bochs's debug port is */
#define BOCHS_DEBUG_PORT 0xe9
#define KBC_COMMAND      0x64
#define KBC_BUSY         2u
#define KBC_RESET        0xfe
#define RESET_CONTROL    0xcf9 /* reset control of PC chip sets */
#define SCI_EN           1u    /* PM1 control (ACPI 6.5, 4.8.3.2.1) */
#define SLP_TYP_SHIFT    10
#define SLP_TYP_MASK     (7u << SLP_TYP_SHIFT)
#define SLP_EN           (1u << 13)
#define SLEEP_TYP_SHIFT  2 /* sleep control (4.8.3.7) */
#define SLEEP_EN         0x20u
#define ACPI_MODE_MS     3000 /* how long firmware may take to switch to ACPI mode */
#define ACT_MS           500  /* how long a reset or sleep register may take to act */
#define PANIC_SECONDS    10   /* default delay before the reset */

static enum node_panic panic_act = NODE_PANIC_EMULATOR;
static unsigned panic_seconds = PANIC_SECONDS;

static void halt_forever(void) __attribute__((noreturn));
static void halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* Prints without the terminal's lock: no other core runs any more, and a stopped one may hold it.
 */
static void print_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void print_line(const char *fmt, ...)
{
	char line[128] = "patio: ";
	size_t n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	n += (size_t)vsnprintf(line + n, sizeof line - n - 2, fmt, ap);
	va_end(ap);
	memcpy(line + n, "\r\n", 2);
	log_end(line, n + 2, true);
}

/* The last line, printed at any log level: Bochs returns no status of ours. */
static void print_status(uint8_t status)
{
	print_line("ends with status %u", status);
}

/* --- emulators ------------------------------------------------------------------------------ */

/* QEMU's device takes the status and reads as 0; where there is no device, all ones are read. */
static void emulator_exit(uint8_t status)
{
	if (inb(QEMU_EXIT_PORT) == 0)
		outb(QEMU_EXIT_PORT, status);
	if (inb(BOCHS_DEBUG_PORT) == BOCHS_DEBUG_PORT)
		for (const char *s = "Shutdown"; *s; s++)
			outb(BOCHS_EXIT_PORT, (uint8_t)*s);
}

/* --- ACPI's registers ----------------------------------------------------------------------- */

/* A memory register must not be RAM: a broken table would have the VMM overwrite data. */
static bool register_usable(const struct acpi_register *r)
{
	return r->present && (r->space != ACPI_MEMORY || !holds_ram_at(r->address));
}

static uint16_t pci_function(const struct acpi_register *r)
{
	return (uint16_t)(r->address >> 32 << 3 | (r->address >> 16 & 7));
}

static void write_register(const struct acpi_register *r, uint16_t v)
{
	if (r->space == ACPI_PCI)
		pci_write(pci_function(r), (uint8_t)r->address, r->bytes, v);
	else if (r->space == ACPI_IO && r->bytes == 1)
		outb((uint16_t)r->address, (uint8_t)v);
	else if (r->space == ACPI_IO)
		outw((uint16_t)r->address, v);
	else if (r->bytes == 1)
		*(volatile uint8_t *)r->address = (uint8_t)v;
	else
		*(volatile uint16_t *)r->address = v;
}

static uint16_t read_register16(const struct acpi_register *r)
{
	if (r->space == ACPI_PCI)
		return (uint16_t)pci_read(pci_function(r), (uint8_t)r->address, 2);
	return r->space == ACPI_IO ? inw((uint16_t)r->address) : *(volatile uint16_t *)r->address;
}

/* --- off ------------------------------------------------------------------------------------ */

/* Firmware may own the power button and these registers until the OS enables ACPI mode (4.8.2.5).
 */
static void enter_acpi_mode(const struct acpi_power *p)
{
	const struct acpi_register *r = &p->pm1_control[0];

	if (!p->smi_port || read_register16(r) & SCI_EN)
		return;
	outb(p->smi_port, p->acpi_enable);
	for (unsigned ms = 0; ms < ACPI_MODE_MS && !(read_register16(r) & SCI_EN); ms++)
		stop_delay_us(1000);
}

/* SLP_TYP first, then SLP_EN with it, as ACPICA does. */
static void sleep_pm1(const struct acpi_power *p)
{
	enter_acpi_mode(p);
	for (unsigned step = 0; step < 2; step++)
		for (unsigned i = 0; i < 2; i++) {
			const struct acpi_register *r = &p->pm1_control[i];
			unsigned v;

			if (!register_usable(r))
				continue;
			v = read_register16(r) & ~(SLP_TYP_MASK | SLP_EN);
			v |= (unsigned)p->s5_type[i] << SLP_TYP_SHIFT | (step ? SLP_EN : 0);
			write_register(r, (uint16_t)v);
		}
}

/* ACPI's methods (_PTS, _GTS) are not run: the VMM has no AML interpreter. */
static void power_off(void)
{
	const struct acpi_power *p = &acpi.power;

	if (!p->has_s5)
		return;
	if (register_usable(&p->sleep_control))
		write_register(&p->sleep_control,
		               (uint16_t)(p->s5_type[0] << SLEEP_TYP_SHIFT | SLEEP_EN));
	else if (register_usable(&p->pm1_control[0]))
		sleep_pm1(p);
	stop_delay_us(ACT_MS * 1000);
}

/* --- reset ---------------------------------------------------------------------------------- */

static void reset_by_keyboard_controller(void)
{
	for (unsigned ms = 0; ms < 100 && inb(KBC_COMMAND) & KBC_BUSY; ms++)
		stop_delay_us(1000);
	outb(KBC_COMMAND, KBC_RESET);
	stop_delay_us(ACT_MS * 1000);
}

static void reset_by_chip_set(void)
{
	outb(RESET_CONTROL, 2); /* select a hard reset */
	outb(RESET_CONTROL, 6); /* do it */
	stop_delay_us(ACT_MS * 1000);
}

static void triple_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

static void reset_machine(void) __attribute__((noreturn));
static void reset_machine(void)
{
	__asm__ volatile("wbinvd" : : : "memory"); /* write a panic's text back to memory */
	if (register_usable(&acpi.power.reset)) {
		write_register(&acpi.power.reset, acpi.power.reset_value);
		stop_delay_us(ACT_MS * 1000);
	}
	reset_by_chip_set(); /* resets everything; the keyboard controller may reset only the CPU */
	reset_by_keyboard_controller();
	triple_fault();
	halt_forever();
}

/* --- public functions ----------------------------------------------------------------------- */

void node_exit(uint8_t status)
{
	if (stop_all_others()) {
		print_status(status);
		stop_devices();
	}
	emulator_exit(status);
	power_off();
	print_line("this machine could not be switched off by ACPI: it is halted");
	halt_forever();
}

void node_refuse(uint8_t status)
{
	if (stop_all_others()) {
		print_status(status);
		stop_devices();
	}
	emulator_exit(status);
	halt_forever();
}

void node_reboot(void)
{
	if (stop_all_others()) {
		log_end("", 0, true);
		stop_devices();
	}
	reset_machine();
}

void node_panic_act(enum node_panic act, unsigned seconds)
{
	panic_act = act;
	panic_seconds = seconds;
}

void node_panicked(void)
{
	static bool again;

	if (!again) {
		again = true;
		stop_devices();
	}
	if (panic_act == NODE_PANIC_EMULATOR) {
		print_status(PANIC_STATUS);
		emulator_exit(PANIC_STATUS);
	}
	if (panic_act == NODE_PANIC_HALT) {
		print_status(PANIC_STATUS);
		halt_forever();
	}
	print_line("resets in %u s; `show last-panic` will have this text", panic_seconds);
	for (unsigned s = 0; s < panic_seconds; s++)
		stop_delay_us(1000000);
	reset_machine();
}
