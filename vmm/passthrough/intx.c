/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intx.c: the device's INTx pin.  The guest routes it by its own I/O APIC, or by the virtual MSI
 * capability if the device has no MSI.
 *
 * The line stays high until the guest's driver has served the device.  The guest's EOI goes to its
 * core's APIC, which broadcasts it to the machine's I/O APIC, so the pin is re-armed without an
 * exit.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/pci.h"
#include "vmm/passthrough/device.h"

static uint32_t find_gsi(const struct passthrough *p)
{
	uint32_t line = pci_read(p->bdf, PCI_INT_LINE, 1);

	return line < 16 ? acpi.isa_irq[line].gsi : line;
}

void passthrough_pin_route(struct passthrough *p, enum pin_user user, const struct irq_target *t)
{
	if (!p->has_pin || (p->pin == PIN_MSI && user == PIN_IOAPIC))
		return;
	p->pin = user;
	passthrough_command(p);
	ioapic_route(p->gsi, t->apic_id, t->vector, true);
}

void passthrough_pin_off(struct passthrough *p, enum pin_user user)
{
	if (!p->has_pin || (p->pin != user && p->pin != PIN_NOBODY))
		return;
	/* Of a line that nobody has from us it is masked since the boot, or another device's by
	 * now. */
	if (p->pin != PIN_NOBODY)
		ioapic_mask(p->gsi);
	p->pin = PIN_NOBODY;
	passthrough_command(p);
}

/* The guest wrote an entry of its I/O APIC. */
static void entry_changed(void *ctx, uint64_t entry)
{
	struct passthrough *p = ctx;
	struct irq_target t;

	passthrough_pin_off(p, PIN_IOAPIC);
	if (!VIOAPIC_MASKED(entry) &&
	    passthrough_target(p, VIOAPIC_DEST(entry), VIOAPIC_LOGICAL(entry), VIOAPIC_MODE(entry),
	                       VIOAPIC_VECTOR(entry), &t))
		passthrough_pin_route(p, PIN_IOAPIC, &t);
}

void passthrough_pin_init(struct passthrough *p)
{
	if (!pci_read(p->bdf, PCI_INT_PIN, 1))
		return;
	p->has_pin = true;
	p->gsi = find_gsi(p);
	p->dev.cfg[PCI_INT_PIN] = 1;
	p->dev.cfg[PCI_INT_LINE] = (uint8_t)(PASSTHROUGH_GSI + p->index);
	vioapic_wire(&p->vm->ioapic, PASSTHROUGH_GSI + p->index, entry_changed, p);
}
