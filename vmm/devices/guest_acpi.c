/* guest_acpi.c: writes a guest's ACPI tables (ACPI 6.4, chapter 5). */
#include <string.h>
#include "vmm/devices/dsdt.h"
#include "vmm/devices/guest_acpi.h"
#include "lib/bytes.h"

#define RSDP_SIZE    36
#define HEADER_SIZE  36
#define XSDT_SIZE    (HEADER_SIZE + 2 * 8)
#define FADT_SIZE    276
#define MADT_SIZE    (HEADER_SIZE + 8)
#define LAPIC_ENTRY  8
#define X2APIC_ENTRY 16
#define IOAPIC_ENTRY 12

#define LAPIC_ADDRESS 0xfee00000
#define LAPIC_IDS     255 /* ids from here on need an x2APIC entry */

#define BOOT_ARCH_NO_VGA  0x04
#define BOOT_ARCH_NO_CMOS 0x20

#define FADT_WBINVD        (1 << 0)
#define FADT_NO_PWR_BUTTON (1 << 4)
#define FADT_NO_SLP_BUTTON (1 << 5)
#define FADT_RESET_REG     (1 << 10)
#define FADT_TMR_VAL_EXT   (1 << 8) /* the PM timer has 32 bits */
#define FADT_HW_REDUCED    (1 << 20)

#define GAS_IO 1 /* address space: system I/O */

/* The byte that makes a table's sum 0. */
static uint8_t checksum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return (uint8_t)-sum;
}

static void put_header(uint8_t *t, const char *signature, uint32_t length, uint8_t revision)
{
	memcpy(t, signature, 4);
	put_le32(t + 4, length);
	t[8] = revision;
	memcpy(t + 10, "PATIO GUEST   ", 14);
	put_le32(t + 24, 1);
	memcpy(t + 28, "PATI", 4);
	put_le32(t + 32, 1);
}

static void seal(uint8_t *t)
{
	t[9] = checksum(t, le32(t + 4));
}

static void put_rsdp(uint8_t *t, uint64_t xsdt)
{
	memcpy(t, "RSD PTR ", 8);
	memcpy(t + 9, "PATIO ", 6);
	t[15] = 2;
	put_le32(t + 20, RSDP_SIZE);
	put_le64(t + 24, xsdt);
	t[8] = checksum(t, 20); /* the part that ACPI 1.0 knows */
	t[32] = checksum(t, RSDP_SIZE);
}

/* A generic address structure: a register in system I/O space; the sizes that it may be accessed by
 * are numbered 1 for a byte, 3 for four. */
static void put_register(uint8_t *gas, uint16_t port, uint8_t bits, uint8_t access)
{
	gas[0] = GAS_IO;
	gas[1] = bits;
	gas[3] = access;
	put_le64(gas + 4, port);
}

static void put_port(uint8_t *gas, uint16_t port)
{
	put_register(gas, port, 8, 1);
}

static void put_pm_timer(uint8_t *fadt, uint16_t port)
{
	put_le32(fadt + 76, port);
	fadt[91] = 4; /* bytes */
	put_le32(fadt + 112, le32(fadt + 112) | FADT_TMR_VAL_EXT);
	put_register(fadt + 208, port, 32, 3);
}

static void put_fadt(uint8_t *t, uint64_t dsdt, const struct guest_acpi *cfg)
{
	put_header(t, "FACP", FADT_SIZE, 6);
	put_le32(t + 40, (uint32_t)dsdt);
	put_le16(t + 109, BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_CMOS);
	put_le32(t + 112, FADT_WBINVD | FADT_NO_PWR_BUTTON | FADT_NO_SLP_BUTTON | FADT_RESET_REG |
	                      FADT_HW_REDUCED);
	put_port(t + 116, cfg->reset_port);
	t[128] = GUEST_ACPI_RESET_VALUE;
	t[131] = 4; /* minor version: ACPI 6.4 */
	put_le64(t + 140, dsdt);
	put_port(t + 244, cfg->sleep_control_port);
	put_port(t + 256, cfg->sleep_status_port);
	if (cfg->pm_timer_port)
		put_pm_timer(t, cfg->pm_timer_port);
	memcpy(t + 268, "Patio", 5);
	seal(t);
}

static uint32_t madt_size(const struct guest_acpi *cfg)
{
	uint32_t size = MADT_SIZE + (cfg->ioapic ? IOAPIC_ENTRY : 0);
	for (unsigned i = 0; i < cfg->n_cpus; i++)
		size += cfg->apic_ids[i] < LAPIC_IDS ? LAPIC_ENTRY : X2APIC_ENTRY;
	return size;
}

static uint8_t *put_cpu(uint8_t *e, uint32_t uid, uint32_t apic_id)
{
	if (apic_id < LAPIC_IDS) {
		e[0] = 0; /* processor local APIC */
		e[1] = LAPIC_ENTRY;
		e[2] = (uint8_t)uid;
		e[3] = (uint8_t)apic_id;
		put_le32(e + 4, 1); /* enabled */
		return e + LAPIC_ENTRY;
	}
	e[0] = 9; /* processor local x2APIC */
	e[1] = X2APIC_ENTRY;
	put_le32(e + 4, apic_id);
	put_le32(e + 8, 1);
	put_le32(e + 12, uid);
	return e + X2APIC_ENTRY;
}

static void put_madt(uint8_t *t, const struct guest_acpi *cfg)
{
	uint8_t *e = t + MADT_SIZE;
	put_header(t, "APIC", madt_size(cfg), 5);
	put_le32(t + 36, LAPIC_ADDRESS);
	for (unsigned i = 0; i < cfg->n_cpus; i++)
		e = put_cpu(e, i, cfg->apic_ids[i]);
	if (cfg->ioapic) {
		e[0] = 1; /* I/O APIC, ID 0 */
		e[1] = IOAPIC_ENTRY;
		put_le32(e + 4, cfg->ioapic);
	}
	seal(t);
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
	if (!cfg->n_cpus || cfg->n_cpus > GUEST_ACPI_MAX_CPUS)
		return "ACPI: no processors, or more than the tables name";
	uint32_t xsdt = align16(RSDP_SIZE), fadt = align16(xsdt + XSDT_SIZE);
	uint32_t madt = align16(fadt + FADT_SIZE), dsdt = align16(madt + madt_size(cfg));
	uint32_t size = dsdt + guest_dsdt_size;
	uint8_t *t = gmem_ptr(m, gpa, size), *vector = gmem_ptr(m, GUEST_RESET_VECTOR, 16);
	if (size > len)
		return "ACPI: the tables do not fit into their place";
	if (!t || gpa % 16 || gpa > UINT32_MAX - size)
		return "ACPI: the tables' place is no aligned guest memory below 4 GiB";
	if (!vector)
		return "ACPI: the guest has no memory at the reset vector";
	memset(t, 0, size);
	put_reset_vector(vector, cfg->reset_port);
	put_rsdp(t, gpa + xsdt);
	put_header(t + xsdt, "XSDT", XSDT_SIZE, 1);
	put_le64(t + xsdt + HEADER_SIZE, gpa + fadt);
	put_le64(t + xsdt + HEADER_SIZE + 8, gpa + madt);
	seal(t + xsdt);
	memcpy(t + dsdt, guest_dsdt, guest_dsdt_size);
	put_fadt(t + fadt, gpa + dsdt, cfg);
	put_madt(t + madt, cfg);
	return NULL;
}
