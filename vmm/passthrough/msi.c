/* SPDX-License-Identifier: BSD-2-Clause */
/* msi.c: the MSI capability that the guest sees (PCI 3.0, 6.8.1), backed by the device's own
 * capability or, if it has none, by its INTx pin. */
#include "arch/x86_64/pci.h"
#include "lib/bytes.h"
#include "vmm/passthrough/device.h"

#define MSI_ENABLE  1
#define MSI_QUEUE   0x70 /* multiple message enable: 0, one message */
#define MSI_64BIT   0x80
#define MSI_CONTROL 2
#define MSI_ADDR    4
#define MSI_DATA    12 /* in a capability with 64-bit addresses, as the guest's is */
#define MSI_SIZE    14

void passthrough_msi_init(struct passthrough *p)
{
	uint8_t body[MSI_SIZE] = {PCI_CAP_MSI, 0, MSI_64BIT, 0};
	uint8_t mask[MSI_SIZE] = {0,    0,    MSI_ENABLE, 0,    0xfc, 0xff, 0xff,
	                          0xff, 0xff, 0xff,       0xff, 0xff, 0xff, 0xff};

	p->msi_phys = pci_find_cap(p->bdf, PCI_CAP_MSI);
	if (p->msi_phys || p->has_pin)
		p->msi_virt = (uint8_t)vpci_cap_add(&p->dev, body, mask, sizeof body);
}

void passthrough_msi_off(struct passthrough *p)
{
	uint8_t control = (uint8_t)(p->msi_phys + MSI_CONTROL);

	p->msi_on = false;
	if (p->msi_phys)
		pci_write(p->bdf, control, 2, pci_read(p->bdf, control, 2) & ~(uint32_t)MSI_ENABLE);
	else
		passthrough_pin_off(p, PIN_MSI);
}

static void program_msi(struct passthrough *p, const struct iommu_message *m)
{
	uint8_t at = p->msi_phys;
	uint32_t control = pci_read(p->bdf, at + MSI_CONTROL, 2);
	unsigned data = control & MSI_64BIT ? 12 : 8;

	pci_write(p->bdf, at + MSI_ADDR, 4, (uint32_t)m->address);
	if (control & MSI_64BIT)
		pci_write(p->bdf, at + 8, 4, 0);
	pci_write(p->bdf, (uint8_t)(at + data), 2, m->data);
	pci_write(p->bdf, at + MSI_CONTROL, 2, (control & ~(uint32_t)MSI_QUEUE) | MSI_ENABLE);
}

void passthrough_msi_written(struct passthrough *p)
{
	const uint8_t *cap = p->dev.cfg + p->msi_virt;
	struct irq_target t;
	struct iommu_message m;

	if (p->msi_on)
		passthrough_msi_off(p);
	if (!(cap[MSI_CONTROL] & MSI_ENABLE) ||
	    !passthrough_message(p, le64(cap + MSI_ADDR), le16(cap + MSI_DATA), &t))
		return;
	if (p->msi_phys && !passthrough_send(p, 0, &t, &m))
		return;
	p->msi_on = true;
	if (p->msi_phys)
		program_msi(p, &m);
	else
		passthrough_pin_route(p, PIN_MSI, &t);
}
