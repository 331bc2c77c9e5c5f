/* SPDX-License-Identifier: BSD-2-Clause */
/* MADT (cores, I/O APICs, overrides), FADT (PM timer; ACPI 6.5, 5.2), and SPCR. */
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/acpi_tables.h"

#define PM_TIMER_BYTES 4
#define SSDTS          64 /* searched at most */
#define SPACE_IO       1
#define SPCR_PIC       1 /* of `interrupts` */
#define SPCR_APIC      2
#define SERIAL_PORTS   8
#define NO_IRQ         16

static bool sum_ok(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint8_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += p[i];
	return s == 0;
}

bool acpi_rsdp_valid(const struct acpi_rsdp *rsdp, size_t size)
{
	return size >= ACPI_RSDP_OLD && !memcmp(rsdp->signature, "RSD PTR ", 8) &&
	       sum_ok(rsdp, ACPI_RSDP_OLD);
}

/* --- MADT ----------------------------------------------------------------------------------- */

/* An entry with the broadcast APIC ID is skipped: an INIT to it would reset all cores. */
static void add_cpu(struct acpi_info *out, uint32_t id, uint32_t broadcast, uint32_t flags)
{
	if (!(flags & MADT_ENABLED) || id == broadcast)
		return;
	for (unsigned i = 0; i < out->ncpus; i++)
		if (out->apic_id[i] == id) /* listed in both forms: started once */
			return;
	if (out->ncpus < CORES_MAX)
		out->apic_id[out->ncpus++] = id;
	else
		out->left_out++;
}

/* An I/O APIC's base address ends in 00h (82093AA data sheet, 3.0). */
static void add_ioapic(struct acpi_info *out, uint32_t addr, uint32_t gsi_base, uint8_t id)
{
	if (!addr || addr & 0xff)
		return;
	for (unsigned i = 0; i < out->nioapics; i++)
		if (out->ioapic[i].addr == addr)
			return;
	if (out->nioapics < ACPI_IOAPICS)
		out->ioapic[out->nioapics++] = (struct acpi_ioapic){addr, gsi_base, id};
	else
		out->ioapics_left_out++;
}

static void add_override(struct acpi_info *out, const struct madt_override *o)
{
	if (o->bus != 0 || o->irq >= 16)
		return;
	out->isa_irq[o->irq].gsi = o->gsi;
	out->isa_irq[o->irq].flags = o->flags;
}

/* `size`: the record's length.  Records too short for their type are skipped. */
static void add_record(struct acpi_info *out, const struct madt_record *r, size_t size)
{
	const struct madt_lapic *lapic = (const void *)r;
	const struct madt_x2apic *x2apic = (const void *)r;
	const struct madt_ioapic *ioapic = (const void *)r;

	if (r->type == MADT_LAPIC && size >= sizeof *lapic)
		add_cpu(out, lapic->apic_id, 0xff, lapic->flags);
	else if (r->type == MADT_X2APIC && size >= sizeof *x2apic)
		add_cpu(out, x2apic->apic_id, 0xffffffff, x2apic->flags);
	else if (r->type == MADT_IOAPIC && size >= sizeof *ioapic)
		add_ioapic(out, ioapic->address, ioapic->gsi_base, ioapic->id);
	else if (r->type == MADT_OVERRIDE && size >= sizeof(struct madt_override))
		add_override(out, (const void *)r);
}

/* The length in the table's header, or 0 when the signature differs or the length exceeds `size`.
 */
static size_t table_length(const void *table, size_t size, const char *signature)
{
	const struct acpi_header *h = table;

	if (size < sizeof *h || memcmp(h->signature, signature, 4) || h->length > size)
		return 0;
	return h->length;
}

/* Parsing stops at a record that overruns the table; the records before it are kept. */
bool acpi_madt_parse(const void *table, size_t size, struct acpi_info *out)
{
	const uint8_t *t = table;

	size = table_length(t, size, "APIC");
	if (size < sizeof(struct acpi_madt))
		return false;
	for (size_t at = sizeof(struct acpi_madt); size - at >= sizeof(struct madt_record);) {
		const struct madt_record *r = (const void *)(t + at);

		if (r->length < sizeof *r || r->length > size - at)
			break;
		add_record(out, r, r->length);
		at += r->length;
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
	const struct acpi_fadt *f = table;

	size = table_length(f, size, "FACP");
	if (!ACPI_REACHES(size, struct acpi_fadt, flags))
		return false;
	if (f->pm_timer_bytes == PM_TIMER_BYTES)
		out->pm_timer_port = (uint16_t)f->pm_timer;
	out->pm_timer_32bit = f->flags & FADT_TMR_VAL_EXT;
	acpi_power_parse(f, size, &out->power);
	return true;
}

/* --- SPCR ----------------------------------------------------------------------------------- */

/* The divisor for a baud-rate code; 0: keep the current speed.  False: unknown code. */
static bool spcr_divisor(uint8_t code, uint16_t *divisor)
{
	static const uint16_t of[8] = {[3] = 12, [4] = 6, [6] = 2, [7] = 1};

	*divisor = code < 8 ? of[code] : 0;
	return !code || *divisor;
}

bool acpi_spcr_parse(const void *table, size_t size, struct acpi_info *out)
{
	const struct acpi_spcr_table *t = table;
	struct serial_port s = {.irq = NO_IRQ};
	uint64_t address;

	size = table_length(t, size, "SPCR");
	if (size < sizeof *t)
		return false;
	address = t->base.address;
	out->spcr = ACPI_SPCR_OTHER;
	if ((t->type > 1 && t->type != 0x12) || t->base.space != SPACE_IO || t->base.access > 1 ||
	    !address || address > 0x10000 - SERIAL_PORTS || !spcr_divisor(t->baud, &s.divisor))
		return true;
	s.port = (uint16_t)address;
	s.has_gsi = t->interrupts & SPCR_APIC;
	s.gsi = t->gsi;
	if (t->interrupts & SPCR_PIC && t->irq < NO_IRQ)
		s.irq = t->irq;
	out->console = s;
	out->spcr = ACPI_SPCR_PORT;
	return true;
}

/* --- finding the tables --------------------------------------------------------------------- */

/* The table at an address from another table.  NULL: the signature differs, or its length is above
 * ACPI_TABLE_MAX or not all readable. */
static const struct acpi_header *table_at(acpi_reader *read, uint64_t at, const char *signature)
{
	const struct acpi_header *t = (const void *)read(at, sizeof *t);
	uint32_t length;

	if (!t || memcmp(t->signature, signature, 4))
		return NULL;
	length = t->length;
	if (length < sizeof *t || length > ACPI_TABLE_MAX)
		return NULL;
	t = (const void *)read(at, length);
	return t && sum_ok(t, length) ? t : NULL;
}

/* The XSDT or RSDT: addresses of `width` bytes behind its header. */
struct root {
	const struct acpi_header *table;
	size_t width;
};

static uint32_t root_entries(const struct root *root)
{
	uint32_t entries = (uint32_t)((root->table->length - sizeof *root->table) / root->width);

	return entries < ACPI_ROOT_MAX ? entries : ACPI_ROOT_MAX;
}

/* The next table with this signature, from root entry *i on; sets *i to the entry after it. */
static const void *next_table(acpi_reader *read, const struct root *root, const char *signature,
                              uint32_t *i)
{
	const uint8_t *entry = (const uint8_t *)(root->table + 1);

	while (*i < root_entries(root)) {
		uint64_t at = 0;
		const struct acpi_header *t;

		memcpy(&at, entry + (*i)++ * root->width, root->width);
		t = table_at(read, at, signature);
		if (t)
			return t;
	}
	return NULL;
}

static const void *find_table(acpi_reader *read, const struct root *root, const char *signature)
{
	uint32_t i = 0;

	return next_table(read, root, signature, &i);
}

static bool s5_in(const struct acpi_header *t, struct acpi_power *out)
{
	return t && acpi_s5_find((const uint8_t *)(t + 1), t->length - sizeof *t, out->s5_type);
}

/* Searches the DSDT, then the SSDTs.  X_DSDT is preferred if it points to a DSDT (5.2.9). */
static void find_s5(acpi_reader *read, const struct root *root, const struct acpi_fadt *fadt,
                    struct acpi_power *out)
{
	const struct acpi_header *dsdt = NULL;
	uint32_t entry = 0;

	if (ACPI_REACHES(fadt->header.length, struct acpi_fadt, x_dsdt) && fadt->x_dsdt)
		dsdt = table_at(read, fadt->x_dsdt, "DSDT");
	if (!dsdt)
		dsdt = table_at(read, fadt->dsdt, "DSDT");
	out->has_s5 = s5_in(dsdt, out);
	for (unsigned n = 0; n < SSDTS && !out->has_s5; n++) {
		const void *ssdt = next_table(read, root, "SSDT", &entry);

		if (!ssdt)
			return;
		out->has_s5 = s5_in(ssdt, out);
	}
}

/* The XSDT if it is valid (5.2.5.3), else the RSDT; `table` is NULL if neither is. */
static struct root find_root(acpi_reader *read, const struct acpi_rsdp *rsdp)
{
	struct root root = {NULL, 8};

	if (rsdp->revision >= 2 && sum_ok(rsdp, sizeof *rsdp))
		root.table = table_at(read, rsdp->xsdt, "XSDT");
	if (!root.table)
		root = (struct root){table_at(read, rsdp->rsdt, "RSDT"), 4};
	return root;
}

bool acpi_tables_parse(const struct acpi_rsdp *rsdp, acpi_reader *read, struct acpi_info *out)
{
	struct root root;
	const struct acpi_header *madt;
	const struct acpi_fadt *fadt;
	const struct acpi_header *spcr;

	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < 16; i++)
		out->isa_irq[i].gsi = i;
	root = find_root(read, rsdp);
	madt = root.table ? find_table(read, &root, "APIC") : NULL;
	if (!madt || !acpi_madt_parse(madt, madt->length, out))
		return false;
	fadt = find_table(read, &root, "FACP");
	if (fadt && acpi_fadt_parse(fadt, fadt->header.length, out))
		find_s5(read, &root, fadt, &out->power);
	spcr = find_table(read, &root, "SPCR");
	if (spcr)
		acpi_spcr_parse(spcr, spcr->length, out);
	return true;
}

const struct acpi_header *acpi_table_find(const struct acpi_rsdp *rsdp, acpi_reader *read,
                                          const char *signature)
{
	struct root root = find_root(read, rsdp);

	return root.table ? find_table(read, &root, signature) : NULL;
}
