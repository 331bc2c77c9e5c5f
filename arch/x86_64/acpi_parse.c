/* MADT (cores, I/O APICs, overrides), FADT (PM timer; ACPI 6.5, 5.2), and SPCR. */
#include <string.h>
#include "arch/x86_64/acpi.h"

#define SDT_LENGTH      4 /* offsets in every table's header (5.2.6) */
#define SDT_HEADER      36
#define RSDP_REVISION   15
#define RSDP_RSDT       16
#define RSDP_XSDT       24
#define MADT_RECORDS    44
#define MADT_LAPIC      0
#define MADT_IOAPIC     1
#define MADT_OVERRIDE   2
#define MADT_X2APIC     9
#define CPU_ENABLED     1u
#define FADT_OLD        116 /* bytes of ACPI 1.0's */
#define TMR_VAL_EXT     (1u << 8)
#define FADT_DSDT       40
#define FADT_X_DSDT     140
#define SSDTS           64 /* that are looked at */
#define SPACE_IO        1
#define SPCR_SIZE       80
#define SPCR_TYPE       36 /* 0: 16550; 1: a 16450 with a FIFO's register; 12h: 16550 by its GAS */
#define SPCR_SPACE      40
#define SPCR_ACCESS     43 /* bytes at once: 0 and 1 for a port */
#define SPCR_ADDRESS    44
#define SPCR_INTERRUPTS 52 /* bit 0: the 8259's, bit 1: the I/O APIC's */
#define SPCR_IRQ        53
#define SPCR_GSI        54
#define SPCR_BAUD       58
#define SERIAL_PORTS    8
#define NO_IRQ          16

static uint32_t rd32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

static bool sum_ok(const uint8_t *p, size_t n)
{
	uint8_t s = 0;
	for (size_t i = 0; i < n; i++)
		s += p[i];
	return s == 0;
}

bool acpi_rsdp_valid(const uint8_t *rsdp, size_t size)
{
	return size >= ACPI_RSDP_OLD && !memcmp(rsdp, "RSD PTR ", 8) && sum_ok(rsdp, ACPI_RSDP_OLD);
}

/* --- MADT ----------------------------------------------------------------------------------- */

/* The broadcast ID of either form names no core: an INIT to it would reset them all. */
static void add_cpu(struct acpi_info *out, uint32_t id, uint32_t broadcast, uint32_t flags)
{
	if (!(flags & CPU_ENABLED) || id == broadcast)
		return;
	for (unsigned i = 0; i < out->ncpus; i++)
		if (out->apic_id[i] == id) /* listed in both forms: started once */
			return;
	if (out->ncpus < CORES_MAX)
		out->apic_id[out->ncpus++] = id;
	else
		out->left_out++;
}

/* Its registers' address ends in 00h (82093AA data sheet, 3.0). */
static void add_ioapic(struct acpi_info *out, uint32_t addr, uint32_t gsi_base)
{
	if (!addr || addr & 0xFF)
		return;
	for (unsigned i = 0; i < out->nioapics; i++)
		if (out->ioapic[i].addr == addr)
			return;
	if (out->nioapics < ACPI_IOAPICS)
		out->ioapic[out->nioapics++] = (struct acpi_ioapic){addr, gsi_base};
	else
		out->ioapics_left_out++;
}

static void add_override(struct acpi_info *out, const uint8_t *e)
{
	uint8_t bus = e[2], irq = e[3];
	if (bus != 0 || irq >= 16)
		return;
	out->isa_irq[irq].gsi = rd32(e + 4);
	memcpy(&out->isa_irq[irq].flags, e + 8, 2);
}

static void add_record(struct acpi_info *out, const uint8_t *e, size_t size)
{
	if (e[0] == MADT_LAPIC && size >= 8)
		add_cpu(out, e[3], 0xFF, rd32(e + 4));
	else if (e[0] == MADT_X2APIC && size >= 16)
		add_cpu(out, rd32(e + 4), 0xFFFFFFFF, rd32(e + 8));
	else if (e[0] == MADT_IOAPIC && size >= 12)
		add_ioapic(out, rd32(e + 4), rd32(e + 8));
	else if (e[0] == MADT_OVERRIDE && size >= 10)
		add_override(out, e);
}

/* The bytes of the table by its own header, or 0 when `size` bytes do not hold all of it. */
static size_t table_length(const uint8_t *t, size_t size, const char *signature)
{
	if (size < SDT_HEADER || memcmp(t, signature, 4) || rd32(t + SDT_LENGTH) > size)
		return 0;
	return rd32(t + SDT_LENGTH);
}

/* A record that does not fit ends the list; what came before it counts. */
bool acpi_madt_parse(const void *table, size_t size, struct acpi_info *out)
{
	const uint8_t *t = table;
	size = table_length(t, size, "APIC");
	if (size < MADT_RECORDS)
		return false;
	for (size_t at = MADT_RECORDS; size - at >= 2;) {
		size_t length = t[at + 1];
		if (length < 2 || length > size - at)
			break;
		add_record(out, t + at, length);
		at += length;
	}
	return true;
}

unsigned acpi_ioapic_of(const struct acpi_info *info, uint32_t gsi)
{
	unsigned found = info->nioapics;
	for (unsigned i = 0; i < info->nioapics; i++)
		if (info->ioapic[i].gsi_base <= gsi &&
		    (found == info->nioapics ||
		     info->ioapic[i].gsi_base > info->ioapic[found].gsi_base))
			found = i;
	return found;
}

/* --- FADT ----------------------------------------------------------------------------------- */

bool acpi_fadt_parse(const void *table, size_t size, struct acpi_info *out)
{
	const uint8_t *f = table;
	size = table_length(f, size, "FACP");
	if (size < FADT_OLD)
		return false;
	uint32_t flags = rd32(f + 112);
	if (f[91] == 4)
		out->pm_timer_port = (uint16_t)rd32(f + 76);
	out->pm_timer_32bit = flags & TMR_VAL_EXT;
	acpi_power_parse(f, size, &out->power);
	return true;
}

/* --- SPCR ----------------------------------------------------------------------------------- */

/* The divisor of a code for the speed; 0: as it is.  False: no such code. */
static bool spcr_divisor(uint8_t code, uint16_t *divisor)
{
	static const uint16_t of[8] = {[3] = 12, [4] = 6, [6] = 2, [7] = 1};
	*divisor = code < 8 ? of[code] : 0;
	return !code || *divisor;
}

bool acpi_spcr_parse(const void *table, size_t size, struct acpi_info *out)
{
	const uint8_t *t = table;
	struct serial_port s = {.irq = NO_IRQ};
	uint64_t address;
	size = table_length(t, size, "SPCR");
	if (size < SPCR_SIZE)
		return false;
	memcpy(&address, t + SPCR_ADDRESS, 8);
	out->spcr = ACPI_SPCR_OTHER;
	if ((t[SPCR_TYPE] > 1 && t[SPCR_TYPE] != 0x12) || t[SPCR_SPACE] != SPACE_IO ||
	    t[SPCR_ACCESS] > 1 || !address || address > 0x10000 - SERIAL_PORTS ||
	    !spcr_divisor(t[SPCR_BAUD], &s.divisor))
		return true;
	s.port = (uint16_t)address;
	s.has_gsi = t[SPCR_INTERRUPTS] & 2;
	s.gsi = rd32(t + SPCR_GSI);
	if (t[SPCR_INTERRUPTS] & 1 && t[SPCR_IRQ] < NO_IRQ)
		s.irq = t[SPCR_IRQ];
	out->console = s;
	out->spcr = ACPI_SPCR_PORT;
	return true;
}

/* --- the way to them ------------------------------------------------------------------------ */

/* The whole table at an address that another table gave; its length is believed only below
 * ACPI_TABLE_MAX, and only when all of that can be read.  NULL: there is none, or a broken one. */
static const uint8_t *table_at(acpi_reader *read, uint64_t at, const char *signature)
{
	const uint8_t *t = read(at, SDT_HEADER);
	if (!t || memcmp(t, signature, 4))
		return NULL;
	uint32_t length = rd32(t + SDT_LENGTH);
	if (length < SDT_HEADER || length > ACPI_TABLE_MAX)
		return NULL;
	t = read(at, length);
	return t && sum_ok(t, length) ? t : NULL;
}

static uint32_t root_entries(const uint8_t *root, size_t width)
{
	uint32_t entries = (rd32(root + SDT_LENGTH) - SDT_HEADER) / (uint32_t)width;
	return entries < ACPI_ROOT_MAX ? entries : ACPI_ROOT_MAX;
}

/* The table that entry *i of the root, or one after it, leads to; *i is then the entry behind. */
static const uint8_t *next_table(acpi_reader *read, const uint8_t *root, size_t width,
                                 const char *signature, uint32_t *i)
{
	while (*i < root_entries(root, width)) {
		uint64_t at = 0;
		memcpy(&at, root + SDT_HEADER + (*i)++ * width, width);
		const uint8_t *t = table_at(read, at, signature);
		if (t)
			return t;
	}
	return NULL;
}

static const uint8_t *find_table(acpi_reader *read, const uint8_t *root, size_t width,
                                 const char *signature)
{
	uint32_t i = 0;
	return next_table(read, root, width, signature, &i);
}

static bool s5_in(const uint8_t *table, struct acpi_power *out)
{
	return table && acpi_s5_find(table + SDT_HEADER, rd32(table + SDT_LENGTH) - SDT_HEADER,
	                             out->s5_type);
}

/* In the DSDT, else in an SSDT.  The FADT's newer pointer counts if it leads anywhere (5.2.9). */
static void find_s5(acpi_reader *read, const uint8_t *root, size_t width, const uint8_t *fadt,
                    struct acpi_power *out)
{
	const uint8_t *dsdt = NULL;
	uint64_t at = 0;
	uint32_t entry = 0;
	if (rd32(fadt + SDT_LENGTH) >= FADT_X_DSDT + 8)
		memcpy(&at, fadt + FADT_X_DSDT, 8);
	if (at)
		dsdt = table_at(read, at, "DSDT");
	if (!dsdt)
		dsdt = table_at(read, rd32(fadt + FADT_DSDT), "DSDT");
	out->has_s5 = s5_in(dsdt, out);
	for (unsigned n = 0; n < SSDTS && !out->has_s5; n++) {
		const uint8_t *ssdt = next_table(read, root, width, "SSDT", &entry);
		if (!ssdt)
			return;
		out->has_s5 = s5_in(ssdt, out);
	}
}

/* The XSDT where there is a good one (5.2.5.3), else the RSDT; `width`: bytes of an entry. */
static const uint8_t *find_root(acpi_reader *read, const uint8_t *rsdp, size_t *width)
{
	const uint8_t *root = NULL;
	uint64_t at;
	memcpy(&at, rsdp + RSDP_XSDT, 8);
	*width = 8;
	if (rsdp[RSDP_REVISION] >= 2 && sum_ok(rsdp, ACPI_RSDP_SIZE))
		root = table_at(read, at, "XSDT");
	if (root)
		return root;
	*width = 4;
	return table_at(read, rd32(rsdp + RSDP_RSDT), "RSDT");
}

bool acpi_tables_parse(const uint8_t *rsdp, acpi_reader *read, struct acpi_info *out)
{
	size_t width;
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < 16; i++)
		out->isa_irq[i].gsi = i;
	const uint8_t *root = find_root(read, rsdp, &width);
	const uint8_t *madt = root ? find_table(read, root, width, "APIC") : NULL;
	if (!madt || !acpi_madt_parse(madt, rd32(madt + SDT_LENGTH), out))
		return false;
	const uint8_t *fadt = find_table(read, root, width, "FACP");
	if (fadt && acpi_fadt_parse(fadt, rd32(fadt + SDT_LENGTH), out))
		find_s5(read, root, width, fadt, &out->power);
	const uint8_t *spcr = find_table(read, root, width, "SPCR");
	if (spcr)
		acpi_spcr_parse(spcr, rd32(spcr + SDT_LENGTH), out);
	return true;
}
