/* The first I/O APIC (82093AA data sheet, 3.2): the serial port's and a passed-through NIC's pin.
 */
#include "arch/x86_64/platform.h"
#include "vmm/lock.h"

#define REDIR_MASKED 0x10000u
#define REDIR_LEVEL  0x8000u
#define REDIR_LOW    0x2000u
#define REDIR_NMI    0x400u
#define PIC_MASK1    0x21 /* of the two 8259s */
#define PIC_MASK2    0xA1

static unsigned pins;
static struct spinlock lock; /* two writes make an access, and guests' cores come here too */

static void write_reg(uint8_t reg, uint32_t v)
{
	volatile uint32_t *io = (void *)(paddr_t)acpi.ioapic_addr;
	spin_lock(&lock);
	io[0] = reg;
	io[4] = v;
	spin_unlock(&lock);
}

static uint32_t read_reg(uint8_t reg)
{
	volatile uint32_t *io = (void *)(paddr_t)acpi.ioapic_addr;
	io[0] = reg;
	return io[4];
}

/* Firmware leaves the 8259s on: a guest that opens LINT0 would get the node's timer. */
void ioapic_init(void)
{
	outb(PIC_MASK1, 0xFF);
	outb(PIC_MASK2, 0xFF);
	if (!acpi.ioapic_addr)
		return;
	pins = (read_reg(1) >> 16 & 0xFF) + 1;
	for (unsigned i = 0; i < pins; i++)
		write_reg((uint8_t)(0x10 + 2 * i), REDIR_MASKED);
}

void ioapic_route(uint32_t gsi, uint32_t apic_id, uint8_t vector, bool level_low)
{
	uint32_t pin = gsi - acpi.ioapic_gsi_base;
	if (pin >= pins)
		return;
	write_reg((uint8_t)(0x11 + 2 * pin), apic_id << 24);
	write_reg((uint8_t)(0x10 + 2 * pin),
	          (vector ? vector : REDIR_NMI) | (level_low ? REDIR_LEVEL | REDIR_LOW : 0));
}

void ioapic_mask(uint32_t gsi)
{
	uint32_t pin = gsi - acpi.ioapic_gsi_base;
	if (pin < pins)
		write_reg((uint8_t)(0x10 + 2 * pin), REDIR_MASKED);
}
