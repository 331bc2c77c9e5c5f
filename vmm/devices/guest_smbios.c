/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_smbios.c: a guest's SMBIOS tables (DSP0134 2.8: 5.2.1 the entry point, 7.1, 7.2, 7.4). */
#include <string.h>
#include "vmm/devices/guest_smbios.h"
#include "lib/bytes.h"

#define ENTRY_SIZE 0x1f
#define TABLE_AT   0x20 /* offset of the structures, after the entry point */

#define VENDOR "Patio"
/* Linux ignores the ACPI windows of a firmware dated before 2008. */
#define DATE "01/01/2026"

#define BIOS_NO_CHARACTERISTICS 0x08
#define BIOS_ACPI               0x01
#define BIOS_VIRTUAL            0x10
#define BIOS_NO_RELEASE         0xff
#define WAKE_UP_UNKNOWN         2
#define CHASSIS_OTHER           1
#define STATE_SAFE              3
#define SECURITY_NONE           3

struct table {
	uint8_t *at;
	unsigned used, n, longest;
};

/* Appends a structure: its formatted part (type and length first), then its strings, each with its
 * NUL; `strings` ends with an empty one. */
static void put_structure(struct table *t, const uint8_t *formatted, const char *strings)
{
	unsigned length = formatted[1], size = 0;
	uint8_t *s = t->at + t->used;

	while (strings[size])
		size += (unsigned)strlen(strings + size) + 1;
	if (!size)
		size = 1; /* a structure without strings ends with two NULs, too */
	memcpy(s, formatted, length);
	put_le16(s + 2, t->n++); /* handle */
	memcpy(s + length, strings, size);
	s[length + size] = 0;
	size += length + 1;
	t->used += size;
	t->longest = size > t->longest ? size : t->longest;
}

static void put_structures(struct table *t)
{
	static const uint8_t bios[0x18] = {
	    [1] = sizeof bios,
	    [4] = 1,    /* vendor */
	    [5] = 2,    /* version */
	    [7] = 0xf0, /* segment F000h */
	    [8] = 3,    /* date */
	    [10] = BIOS_NO_CHARACTERISTICS,
	    [18] = BIOS_ACPI,
	    [19] = BIOS_VIRTUAL,
	    [20] = BIOS_NO_RELEASE,
	    [21] = BIOS_NO_RELEASE,
	    [22] = BIOS_NO_RELEASE,
	    [23] = BIOS_NO_RELEASE,
	};
	static const uint8_t system[0x1b] = {
	    [0] = 1,
	    [1] = sizeof system,
	    [4] = 1, /* manufacturer */
	    [5] = 2, /* product; an all-zero UUID means none */
	    [24] = WAKE_UP_UNKNOWN,
	};
	static const uint8_t chassis[0x15] = {
	    [0] = 3,
	    [1] = sizeof chassis,
	    [4] = 1, /* manufacturer */
	    [5] = CHASSIS_OTHER,
	    [9] = STATE_SAFE,
	    [10] = STATE_SAFE,
	    [11] = STATE_SAFE,
	    [12] = SECURITY_NONE,
	};
	static const uint8_t last[4] = {[0] = 127, [1] = sizeof last};

	put_structure(t, bios, VENDOR "\0001\0" DATE "\0");
	put_structure(t, system, VENDOR "\0Guest\0");
	put_structure(t, chassis, VENDOR "\0");
	put_structure(t, last, "\0");
}

static uint8_t checksum(const uint8_t *p, unsigned n)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += p[i];
	return (uint8_t)-sum;
}

static void put_entry(uint8_t *e, const struct table *t, uint32_t address)
{
	memcpy(e, "_SM_", 4);
	e[5] = ENTRY_SIZE;
	e[6] = 2; /* version 2.8 */
	e[7] = 8;
	put_le16(e + 8, (uint16_t)t->longest);
	memcpy(e + 16, "_DMI_", 5);
	put_le16(e + 22, (uint16_t)t->used);
	put_le32(e + 24, address);
	put_le16(e + 28, (uint16_t)t->n);
	e[30] = 0x28;
	e[21] = checksum(e + 16, 15);
	e[4] = checksum(e, ENTRY_SIZE);
}

const char *guest_smbios_build(const struct gmem *m, uint64_t gpa)
{
	uint8_t *at = gmem_ptr(m, gpa, GUEST_SMBIOS_SIZE);
	struct table t;

	if (!at || gpa % 16 || gpa > UINT32_MAX - GUEST_SMBIOS_SIZE)
		return "SMBIOS: the tables' place is no aligned guest memory below 4 GiB";
	t = (struct table){.at = at + TABLE_AT};
	memset(at, 0, GUEST_SMBIOS_SIZE);
	put_structures(&t);
	put_entry(at, &t, (uint32_t)gpa + TABLE_AT);
	return NULL;
}
