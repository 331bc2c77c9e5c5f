/* MADT (cores, I/O APIC, overrides) and FADT (PM timer, reset register); ACPI 6.5, 5.2. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/platform.h"

#define FADT_OLD 116 /* bytes of ACPI 1.0's */

struct acpi_info acpi;

struct sdt {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[26];
} __attribute__((packed));
_Static_assert(sizeof(struct sdt) == 36, "ACPI 6.5, 5.2.6");

static uint32_t rd32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

static bool sum_ok(const void *p, size_t n)
{
	uint8_t s = 0;
	for (size_t i = 0; i < n; i++)
		s += ((const uint8_t *)p)[i];
	return s == 0;
}

static const uint8_t *scan_rsdp(paddr_t from, paddr_t to)
{
	for (paddr_t p = from; p + 20 <= to; p += 16)
		if (!memcmp((void *)p, "RSD PTR ", 8) && sum_ok((void *)p, 20))
			return (void *)p;
	return NULL;
}

/* UEFI leaves nothing below 1 MiB: there the loader's copy is the only way. */
static const uint8_t *find_rsdp(void)
{
	if (!memcmp(boot.rsdp, "RSD PTR ", 8) && sum_ok(boot.rsdp, 20))
		return boot.rsdp;
	uint16_t ebda;
	memcpy(&ebda, (void *)(paddr_t)0x40E, 2);
	const uint8_t *r = ebda ? scan_rsdp((paddr_t)ebda << 4, ((paddr_t)ebda << 4) + 1024) : NULL;
	return r ? r : scan_rsdp(0xE0000, 0x100000);
}

/* The VMM's map ends at 4 GiB, or where memory ends above that. */
static bool mapped(uint64_t at, uint64_t size)
{
	uint64_t top = 4 * GIB;
	for (unsigned i = 0; i < boot.nram; i++)
		if (boot.ram[i].start + boot.ram[i].size > top)
			top = boot.ram[i].start + boot.ram[i].size;
	return at && at < top && size <= top - at;
}

/* The table at an address that another table gave, when it is whole there. */
static const struct sdt *table_at(uint64_t at)
{
	const struct sdt *t = (void *)at;
	if (!mapped(at, sizeof *t) || t->length < sizeof *t || !mapped(at, t->length))
		return NULL;
	return sum_ok(t, t->length) ? t : NULL;
}

static const struct sdt *find_table(const uint8_t *rsdp, const char *signature)
{
	bool xsdt = rsdp[15] >= 2;
	uint64_t root = rd32(rsdp + 16);
	if (xsdt)
		memcpy(&root, rsdp + 24, 8);
	const struct sdt *t = table_at(root);
	size_t width = xsdt ? 8 : 4;
	for (size_t i = sizeof *t; t && i + width <= t->length; i += width) {
		uint64_t entry = 0;
		memcpy(&entry, (const uint8_t *)t + i, width);
		const struct sdt *s = table_at(entry);
		if (s && !memcmp(s->signature, signature, 4))
			return s;
	}
	return NULL;
}

static void add_cpu(uint32_t id, uint32_t flags)
{
	if (!(flags & 1))
		return;
	for (unsigned i = 0; i < acpi.ncpus; i++)
		if (acpi.apic_id[i] == id) /* listed in both forms: started once */
			return;
	if (acpi.ncpus < CORES_MAX)
		acpi.apic_id[acpi.ncpus++] = id;
	else
		acpi.left_out++;
}

static void add_override(const uint8_t *e)
{
	if (e[3] >= 16)
		return;
	acpi.isa_irq[e[3]].gsi = rd32(e + 4);
	memcpy(&acpi.isa_irq[e[3]].flags, e + 8, 2);
}

static void parse_madt(const struct sdt *t)
{
	const uint8_t *p = (const uint8_t *)t + 44, *end = (const uint8_t *)t + t->length;
	for (; p + 2 <= end && p[1] >= 2 && p + p[1] <= end; p += p[1]) {
		if (p[0] == 0 && p[1] >= 8)
			add_cpu(p[3], rd32(p + 4));
		else if (p[0] == 9 && p[1] >= 16)
			add_cpu(rd32(p + 4), rd32(p + 8));
		else if (p[0] == 1 && p[1] >= 12 && !acpi.ioapic_addr) {
			acpi.ioapic_addr = rd32(p + 4);
			acpi.ioapic_gsi_base = rd32(p + 8);
		} else if (p[0] == 2 && p[1] >= 10)
			add_override(p);
	}
}

static void parse_fadt(const struct sdt *t)
{
	const uint8_t *f = (const uint8_t *)t;
	if (t->length < FADT_OLD)
		return;
	uint32_t flags = rd32(f + 112);
	if (f[91] == 4)
		acpi.pm_timer_port = (uint16_t)rd32(f + 76);
	acpi.pm_timer_32bit = flags & 1 << 8;
	/* RESET_REG_SUP, and the register is an I/O port */
	if (t->length >= 129 && (flags & 1 << 10) && f[116] == 1) {
		acpi.has_reset = true;
		acpi.reset_port = (uint16_t)rd32(f + 120);
		acpi.reset_value = f[128];
	}
}

bool acpi_parse(char *why, size_t size)
{
	for (unsigned i = 0; i < 16; i++)
		acpi.isa_irq[i].gsi = i;
	const uint8_t *rsdp = find_rsdp();
	const struct sdt *madt = rsdp ? find_table(rsdp, "APIC") : NULL;
	if (!madt) {
		snprintf(why, size,
		         rsdp ? "no ACPI MADT found: switch ACPI on in the firmware"
		              : "no ACPI RSDP found: switch ACPI on in the firmware; under UEFI, "
		                "load by GRUB's multiboot2 command");
		return false;
	}
	parse_madt(madt);
	const struct sdt *fadt = find_table(rsdp, "FACP");
	if (fadt)
		parse_fadt(fadt);
	return true;
}
