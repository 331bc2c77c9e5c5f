/* SPDX-License-Identifier: BSD-2-Clause */
/* The NIC on the PCI bus. */
#include "guest-images/dom0/nic.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/delay.h"
#include "guest-images/lib/ioapic.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/trap.h"

#define NIC_VECTOR 0x50

static struct e1000 *the_nic;
static volatile bool link_changed;
static uint64_t irqs;

static uint32_t nic_read(void *base, uint32_t reg)
{
	return mmio_read32((uintptr_t)base + reg);
}

static void nic_write(void *base, uint32_t reg, uint32_t v)
{
	mmio_write32((uintptr_t)base + reg, v);
}

/* Patio identity-maps Dom0's memory above 16 MiB, so the NIC uses guest-physical addresses. */
static uint64_t nic_dma(void *base, const void *p)
{
	(void)base;
	return (uintptr_t)p;
}

static void nic_delay(void *base, unsigned us)
{
	(void)base;
	delay_us(us);
}

static const struct e1000_ops nic_ops = {nic_read, nic_write, nic_dma, nic_delay};

/* Reading the cause deasserts the interrupt line of a NIC without MSI, so it precedes the EOI. */
static void on_nic(void)
{
	irqs++;
	link_changed |= e1000_irq_cause(the_nic);
	e1000_irq_off(the_nic);
	lapic_eoi();
}

bool nic_link_changed(void)
{
	bool changed = link_changed;

	link_changed = false;
	return changed;
}

uint64_t nic_irqs(void)
{
	return irqs;
}

static uint16_t find_nic(uint16_t *device)
{
	static const uint16_t ours[] = {E1000_82540EM, E1000_82574L};

	for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++) {
		uint16_t bdf = pci_find(E1000_VENDOR, ours[i], 0);

		*device = ours[i];
		if (bdf != PCI_NONE)
			return bdf;
	}
	return PCI_NONE;
}

const char *nic_start(struct e1000 *nic, bool promiscuous, uint16_t itr)
{
	struct e1000_config config = {.promiscuous = promiscuous, .itr = itr};
	uint16_t bdf = find_nic(&config.device);
	bool is_io;
	uint64_t base;
	void *rings;
	const char *error;

	if (bdf == PCI_NONE)
		return "no 82540EM or 82574L on the PCI bus";
	base = pci_bar(bdf, 0, &is_io);
	if (!base || is_io)
		return "the NIC has no register BAR";
	rings = mem_alloc(E1000_RING_BYTES, 4096);
	if (!rings)
		return "no memory for the NIC's rings";
	pci_enable(bdf);
	the_nic = nic;
	trap_set(NIC_VECTOR, on_nic);
	error = e1000_start(nic, &nic_ops, (void *)(uintptr_t)base, &config, rings);
	if (error)
		return error;
	if (!pci_msi(bdf, lapic_id(), NIC_VECTOR))
		ioapic_route(pci_read(bdf, PCI_LINE, 1), lapic_id(), NIC_VECTOR, true);
	return NULL;
}
