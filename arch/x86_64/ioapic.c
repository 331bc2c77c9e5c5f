/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APICs (82093AA data sheet, 3.2): they route the serial port and passed-through devices.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/iommu/iommu.h"
#include "lib/log.h"
#include "lib/spinlock.h"

#define REG_VERSION  1 /* bits 23 to 16: the last pin's number */
#define REG_REDIR    0x10
#define REDIR_MASKED 0x10000u
#define REDIR_LEVEL  0x8000u
#define REDIR_LOW    0x2000u
#define REDIR_NMI    0x400u
#define PIC_MASK1    0x21 /* of the two 8259s */
#define PIC_MASK2    0xa1

#define PINS_MAX 256

/* Where a pin's interrupt goes. */
struct route {
	uint32_t apic_id;
	uint8_t vector; /* 0: an NMI */
	bool level_low, used;
};

static unsigned pins[ACPI_IOAPICS];
static struct route route[ACPI_IOAPICS][PINS_MAX];
static struct spinlock lock; /* index and data are two accesses, from any core */

static void write_reg(unsigned ioapic, unsigned reg, uint32_t v)
{
	volatile uint32_t *io = (void *)(paddr_t)acpi.ioapic[ioapic].addr;

	spin_lock(&lock);
	io[0] = reg;
	io[4] = v;
	spin_unlock(&lock);
}

static uint32_t read_reg(unsigned ioapic, unsigned reg)
{
	volatile uint32_t *io = (void *)(paddr_t)acpi.ioapic[ioapic].addr;
	uint32_t v;

	spin_lock(&lock);
	io[0] = reg;
	v = io[4];
	spin_unlock(&lock);
	return v;
}

static void mask_pin(unsigned ioapic, unsigned pin)
{
	write_reg(ioapic, REG_REDIR + 2 * pin, REDIR_MASKED);
}

/* If the MADT's address is wrong, nothing answers and all ones are read, which is no version. */
static void init_one(unsigned ioapic)
{
	uint32_t version;

	if (holds_ram_at(acpi.ioapic[ioapic].addr)) {
		log_warn("I/O APIC %u: its address %08x is RAM: not used", ioapic,
		         acpi.ioapic[ioapic].addr);
		return;
	}
	version = read_reg(ioapic, REG_VERSION);
	if (version == ~0u) {
		log_warn("I/O APIC %u: nothing answers at its address %08x: not used", ioapic,
		         acpi.ioapic[ioapic].addr);
		return;
	}
	pins[ioapic] = (version >> 16 & 0xff) + 1;
	for (unsigned i = 0; i < pins[ioapic]; i++)
		mask_pin(ioapic, i);
}

/* Firmware leaves the 8259s unmasked: a guest that unmasks LINT0 would get the node's timer. */
void ioapic_init(void)
{
	outb(PIC_MASK1, 0xff);
	outb(PIC_MASK2, 0xff);
	for (unsigned i = 0; i < acpi.nioapics; i++)
		init_one(i);
	if (acpi.ioapics_left_out)
		log_warn("%u I/O APICs stay as the firmware left them: Patio uses at most %d",
		         acpi.ioapics_left_out, ACPI_IOAPICS);
}

/* False: no I/O APIC has a pin for this GSI. */
static bool find_pin(uint32_t gsi, unsigned *ioapic, unsigned *pin)
{
	*ioapic = acpi_ioapic_of(&acpi, gsi);
	if (*ioapic == acpi.nioapics)
		return false;
	*pin = gsi - acpi.ioapic[*ioapic].gsi_base;
	return *pin < pins[*ioapic];
}

/* By the IOMMU, if there is one that remaps interrupts of I/O APICs, else directly. */
static void write_route(unsigned ioapic, unsigned pin)
{
	const struct route *r = &route[ioapic][pin];
	uint64_t entry;

	if (!iommu_ioapic_entry(ioapic, pin, r->apic_id, r->vector, r->level_low, &entry))
		entry = (uint64_t)r->apic_id << 56 | (r->vector ? r->vector : REDIR_NMI);
	mask_pin(ioapic, pin);
	write_reg(ioapic, REG_REDIR + 1 + 2 * pin, (uint32_t)(entry >> 32));
	write_reg(ioapic, REG_REDIR + 2 * pin,
	          (uint32_t)entry | (r->level_low ? REDIR_LEVEL | REDIR_LOW : 0));
}

void ioapic_route(uint32_t gsi, uint32_t apic_id, uint8_t vector, bool level_low)
{
	unsigned ioapic, pin;

	if (!find_pin(gsi, &ioapic, &pin))
		return;
	route[ioapic][pin] = (struct route){apic_id, vector, level_low, true};
	write_route(ioapic, pin);
}

void ioapic_route_again(void)
{
	for (unsigned i = 0; i < acpi.nioapics; i++)
		for (unsigned pin = 0; pin < pins[i]; pin++)
			if (route[i][pin].used)
				write_route(i, pin);
}

void ioapic_mask(uint32_t gsi)
{
	unsigned ioapic, pin;

	if (!find_pin(gsi, &ioapic, &pin))
		return;
	route[ioapic][pin].used = false;
	mask_pin(ioapic, pin);
}
