/* SPDX-License-Identifier: BSD-2-Clause */
/* How ACPI switches a machine off and resets it: the FADT's registers and \_S5_ (ACPI 6.5). */
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/acpi_tables.h"

#define SLP_TYP_MAX 7

/* --- registers ------------------------------------------------------------------------------ */

/* A memory register must be aligned, above 1 MiB and below 4 GiB, where the VMM maps devices.  The
 * code that writes it checks that the address is not RAM (power.c). */
static bool address_fits(const struct acpi_register *r)
{
	uint64_t at = r->address;

	switch (r->space) {
	case ACPI_IO:
		return at && at <= 0x10000u - r->bytes;
	case ACPI_MEMORY:
		return at >= 1u << 20 && at <= (1ull << 32) - r->bytes && at % r->bytes == 0;
	case ACPI_PCI:
		return at >> 32 <= 31 && (at >> 16 & 0xffff) <= 7 &&
		       (at & 0xffff) + r->bytes <= 256 && at % r->bytes == 0;
	}
	return false;
}

/* Converts a generic address to a register of `bytes`; absent if it is narrower or does not start
 * at bit 0. */
static struct acpi_register register_from_gas(const struct acpi_address *gas, uint8_t bytes)
{
	struct acpi_register r = {.bytes = bytes, .address = gas->address};

	if (gas->space > ACPI_PCI || gas->bits < 8 * bytes || gas->offset)
		return (struct acpi_register){0};
	r.space = (enum acpi_space)gas->space;
	r.present = address_fits(&r);
	return r;
}

/* PM1a control (i = 0) or PM1b control (1) from the 32-bit field: an I/O port. */
static struct acpi_register register_from_port(const struct acpi_fadt *fadt, unsigned i)
{
	struct acpi_register r = {.space = ACPI_IO, .bytes = 2, .address = fadt->pm1_control[i]};

	r.present = fadt->pm1_control_bytes >= r.bytes && address_fits(&r);
	return r;
}

static struct acpi_register pm1_control(const struct acpi_fadt *fadt, size_t size, unsigned i)
{
	struct acpi_register r = {0};

	if (ACPI_REACHES(size, struct acpi_fadt, x_pm1_control[i]))
		r = register_from_gas(&fadt->x_pm1_control[i], 2);
	return r.present ? r : register_from_port(fadt, i);
}

void acpi_power_parse(const struct acpi_fadt *fadt, size_t size, struct acpi_power *out)
{
	uint32_t smi;

	if (ACPI_REACHES(size, struct acpi_fadt, reset_value) && fadt->flags & FADT_RESET_REG_SUP) {
		out->reset = register_from_gas(&fadt->reset, 1);
		out->reset_value = fadt->reset_value;
	}
	if (fadt->flags & FADT_HW_REDUCED) {
		if (ACPI_REACHES(size, struct acpi_fadt, sleep_control))
			out->sleep_control = register_from_gas(&fadt->sleep_control, 1);
		return;
	}
	smi = fadt->smi_cmd;
	if (smi && smi <= 0xffff && fadt->acpi_enable) {
		out->smi_port = (uint16_t)smi;
		out->acpi_enable = fadt->acpi_enable;
	}
	for (unsigned i = 0; i < 2; i++)
		out->pm1_control[i] = pm1_control(fadt, size, i);
}

/* --- \_S5_ ---------------------------------------------------------------------------------- */

#define AML_ZERO    0x00 /* opcodes (20.3) */
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c
#define AML_QWORD   0x0e
#define AML_PACKAGE 0x12
#define AML_ROOT    0x5c /* '\' */

static uint64_t load_le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, p, bytes);
	return v;
}

/* The AML bytes not read yet. */
struct aml {
	const uint8_t *at, *end;
};

static bool read_le(struct aml *a, uint64_t *v, unsigned bytes)
{
	if ((size_t)(a->end - a->at) < bytes)
		return false;
	*v = load_le(a->at, bytes);
	a->at += bytes;
	return true;
}

/* Reads PkgLength (20.2.4), which includes its own bytes, and limits `a` to the package. */
static bool enter_package(struct aml *a)
{
	const uint8_t *start = a->at;
	uint64_t lead, more = 0;
	unsigned follow;
	uint64_t length;

	if (!read_le(a, &lead, 1))
		return false;
	follow = (unsigned)lead >> 6;
	if (follow && lead & 0x30)
		return false;
	if (!read_le(a, &more, follow))
		return false;
	length = follow ? (lead & 15) | more << 4 : lead;
	if (length < 1 + follow || length > (uint64_t)(a->end - start))
		return false;
	a->end = start + length;
	return true;
}

/* A constant integer (20.2.3). */
static bool read_integer(struct aml *a, uint64_t *v)
{
	if (!read_le(a, v, 1))
		return false;
	switch (*v) {
	case AML_ZERO:
	case AML_ONE:
		return true;
	case AML_BYTE:
		return read_le(a, v, 1);
	case AML_WORD:
		return read_le(a, v, 2);
	case AML_DWORD:
		return read_le(a, v, 4);
	case AML_QWORD:
		return read_le(a, v, 8);
	default:
		return false;
	}
}

/* NameOp, perhaps a root prefix, the name, a package whose first two elements are SLP_TYP values.
 */
static bool parse_s5(struct aml a, uint8_t type[2])
{
	uint64_t v, first, second;

	if (!read_le(&a, &v, 1) || v != AML_NAME)
		return false;
	if (a.at < a.end && *a.at == AML_ROOT)
		a.at++;
	if (a.end - a.at < 4 || memcmp(a.at, "_S5_", 4))
		return false;
	a.at += 4;
	if (!read_le(&a, &v, 1) || v != AML_PACKAGE || !enter_package(&a))
		return false;
	if (!read_le(&a, &v, 1) || v < 2 || !read_integer(&a, &first) || !read_integer(&a, &second))
		return false;
	if (first > SLP_TYP_MAX || second > SLP_TYP_MAX)
		return false;
	type[0] = (uint8_t)first;
	type[1] = (uint8_t)second;
	return true;
}

/* The AML is not parsed but searched for the byte pattern of the definition, which other code is
 * most unlikely to contain by chance. */
bool acpi_s5_find(const uint8_t *aml, size_t size, uint8_t type[2])
{
	struct aml a = {aml, aml + size};

	for (; a.at < a.end; a.at++)
		if (*a.at == AML_NAME && parse_s5(a, type))
			return true;
	return false;
}
