/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_acpi.c: writes a guest's ACPI tables (ACPI 6.4, chapter 5). */
#include <string.h>
#include "arch/x86_64/acpi_tables.h"
#include "lib/bytes.h"
#include "vmm/devices/dsdt.h"
#include "vmm/devices/guest_acpi.h"

#define LAPIC_ADDRESS 0xfee00000
#define LAPIC_IDS     255 /* ids from here on need an x2APIC entry */

#define BOOT_ARCH_NO_VGA  0x04
#define BOOT_ARCH_NO_CMOS 0x20

#define FADT_WBINVD        (1 << 0)
#define FADT_NO_PWR_BUTTON (1 << 4)
#define FADT_NO_SLP_BUTTON (1 << 5)

#define SPACE_IO 1 /* address space ID of a generic address */

struct guest_xsdt {
	struct acpi_header header;
	uint64_t fadt, madt;
} __attribute__((packed));

/* The byte that makes a table's sum 0. */
static uint8_t checksum(const void *table, size_t n)
{
	const uint8_t *p = table;
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return (uint8_t)-sum;
}

static void put_header(struct acpi_header *h, const char *signature, uint32_t length,
                       uint8_t revision)
{
	memcpy(h->signature, signature, sizeof h->signature);
	h->length = length;
	h->revision = revision;
	memcpy(h->oem_id, "PATIO ", sizeof h->oem_id);
	memcpy(h->oem_table_id, "GUEST   ", sizeof h->oem_table_id);
	h->oem_revision = 1;
	memcpy(h->creator_id, "PATI", sizeof h->creator_id);
	h->creator_revision = 1;
}

static void set_checksum(struct acpi_header *h)
{
	h->checksum = checksum(h, h->length);
}

static void put_rsdp(struct acpi_rsdp *r, uint64_t xsdt)
{
	memcpy(r->signature, "RSD PTR ", sizeof r->signature);
	memcpy(r->oem_id, "PATIO ", sizeof r->oem_id);
	r->revision = 2;
	r->length = sizeof *r;
	r->xsdt = xsdt;
	r->checksum = checksum(r, offsetof(struct acpi_rsdp, length)); /* of ACPI 1.0's part */
	r->extended_checksum = checksum(r, sizeof *r);
}

static void put_xsdt(struct guest_xsdt *x, uint64_t fadt, uint64_t madt)
{
	put_header(&x->header, "XSDT", sizeof *x, 1);
	x->fadt = fadt;
	x->madt = madt;
	set_checksum(&x->header);
}

/* A register in system I/O space.  Access sizes are numbered: 1 is a byte, 3 four bytes. */
static struct acpi_address io_register(uint16_t port, uint8_t bits, uint8_t access)
{
	return (struct acpi_address){
	    .space = SPACE_IO, .bits = bits, .access = access, .address = port};
}

static void put_pm_timer(struct acpi_fadt *f, uint16_t port)
{
	f->pm_timer = port;
	f->pm_timer_bytes = 4;
	f->flags |= FADT_TMR_VAL_EXT; /* a 32-bit timer */
	f->x_pm_timer = io_register(port, 32, 3);
}

static void put_fadt(struct acpi_fadt *f, uint64_t dsdt, const struct guest_acpi *cfg)
{
	put_header(&f->header, "FACP", sizeof *f, 6);
	f->dsdt = (uint32_t)dsdt;
	f->boot_flags = BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_CMOS;
	f->flags = FADT_WBINVD | FADT_NO_PWR_BUTTON | FADT_NO_SLP_BUTTON | FADT_RESET_REG_SUP |
	           FADT_HW_REDUCED;
	f->reset = io_register(cfg->reset_port, 8, 1);
	f->reset_value = GUEST_ACPI_RESET_VALUE;
	f->minor = 4; /* ACPI 6.4 */
	f->x_dsdt = dsdt;
	f->sleep_control = io_register(cfg->sleep_control_port, 8, 1);
	f->sleep_status = io_register(cfg->sleep_status_port, 8, 1);
	if (cfg->pm_timer_port)
		put_pm_timer(f, cfg->pm_timer_port);
	memcpy(&f->hypervisor, "Patio", 5);
	set_checksum(&f->header);
}

static uint32_t madt_size(const struct guest_acpi *cfg)
{
	size_t size = sizeof(struct acpi_madt);

	for (unsigned i = 0; i < cfg->n_cpus; i++)
		size += cfg->apic_ids[i] < LAPIC_IDS ? sizeof(struct madt_lapic)
		                                     : sizeof(struct madt_x2apic);
	return (uint32_t)(size + (cfg->ioapic ? sizeof(struct madt_ioapic) : 0));
}

/* Returns the address of the next record. */
static uint8_t *put_cpu(uint8_t *e, uint32_t uid, uint32_t apic_id)
{
	struct madt_lapic *lapic = (void *)e;
	struct madt_x2apic *x2apic = (void *)e;

	if (apic_id < LAPIC_IDS) {
		*lapic = (struct madt_lapic){.record = {MADT_LAPIC, sizeof *lapic},
		                             .uid = (uint8_t)uid,
		                             .apic_id = (uint8_t)apic_id,
		                             .flags = MADT_ENABLED};
		return e + sizeof *lapic;
	}
	*x2apic = (struct madt_x2apic){.record = {MADT_X2APIC, sizeof *x2apic},
	                               .apic_id = apic_id,
	                               .flags = MADT_ENABLED,
	                               .uid = uid};
	return e + sizeof *x2apic;
}

static void put_madt(struct acpi_madt *t, const struct guest_acpi *cfg)
{
	uint8_t *e = t->records;

	put_header(&t->header, "APIC", madt_size(cfg), 5);
	t->lapic = LAPIC_ADDRESS;
	for (unsigned i = 0; i < cfg->n_cpus; i++)
		e = put_cpu(e, i, cfg->apic_ids[i]);
	if (cfg->ioapic)
		*(struct madt_ioapic *)e = (struct madt_ioapic){
		    .record = {MADT_IOAPIC, sizeof(struct madt_ioapic)}, .address = cfg->ioapic};
	set_checksum(&t->header);
}

/* mov dx, port; mov al, value; out dx, al; then hlt for ever: the VMM ends the guest at the OUT. */
static void put_reset_vector(uint8_t *at, uint16_t port)
{
	static const uint8_t code[] = {0xba, 0,    0,    0xb0, GUEST_ACPI_RESET_VALUE,
	                               0xee, 0xf4, 0xeb, 0xfd};

	_Static_assert(sizeof code <= 16, "the reset vector ends with the first MiB");
	memcpy(at, code, sizeof code);
	put_le16(at + 1, port);
}

static uint32_t align16(uint32_t n)
{
	return (n + 15) & ~15u;
}

const char *guest_acpi_build(const struct gmem *m, uint64_t gpa, uint64_t len,
                             const struct guest_acpi *cfg)
{
	uint32_t xsdt, fadt, madt, dsdt, size;
	uint8_t *t, *vector;

	if (!cfg->n_cpus || cfg->n_cpus > GUEST_ACPI_MAX_CPUS)
		return "ACPI: no processors, or more than the tables name";
	xsdt = align16(sizeof(struct acpi_rsdp));
	fadt = align16(xsdt + (uint32_t)sizeof(struct guest_xsdt));
	madt = align16(fadt + (uint32_t)sizeof(struct acpi_fadt));
	dsdt = align16(madt + madt_size(cfg));
	size = dsdt + guest_dsdt_size;
	t = gmem_ptr(m, gpa, size);
	vector = gmem_ptr(m, GUEST_RESET_VECTOR, 16);
	if (size > len)
		return "ACPI: the tables do not fit into their place";
	if (!t || gpa % 16 || gpa > UINT32_MAX - size)
		return "ACPI: the tables' place is no aligned guest memory below 4 GiB";
	if (!vector)
		return "ACPI: the guest has no memory at the reset vector";
	memset(t, 0, size);
	put_reset_vector(vector, cfg->reset_port);
	put_rsdp((void *)t, gpa + xsdt);
	put_xsdt((void *)(t + xsdt), gpa + fadt, gpa + madt);
	memcpy(t + dsdt, guest_dsdt, guest_dsdt_size);
	put_fadt((void *)(t + fadt), gpa + dsdt, cfg);
	put_madt((void *)(t + madt), cfg);
	return NULL;
}
