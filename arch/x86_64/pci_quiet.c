/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns bus mastering off, at boot, in every function that firmware or a loader left it on: without
 * an IOMMU an unused disk or NIC could still write into memory that is now a guest's.
 * This stops message-signalled interrupts too (PCI 3.0, 6.2.2).  A passed-through function gets bus
 * mastering back when its guest enables it (passthrough.c).
 *
 * The scan covers bus 0 and the buses behind its bridges (PCI-to-PCI Bridge 1.2, 3.2.5.4): a second
 * root bus, to which no bridge leads, is not found.
 */
#include <stdbool.h>
#include <string.h>
#include "arch/x86_64/pci.h"
#include "arch/x86_64/pci_quiet.h"

#define PCI_COMMAND   0x04
#define CMD_MASTER    4u
#define PCI_CLASS     0x0a /* sub-class and class */
#define PCI_HEADER    0x0e
#define PCI_SECONDARY 0x19 /* in CardBus bridges too */
#define HEADER_MULTI  0x80
#define HEADER_NORMAL 0
#define HEADER_PCI    1
#define HEADER_CARD   2
#define CLASS_BRIDGE  0x06
#define CLASS_IOMMU   0x0806

struct bus_scan {
	struct pci_masters found;
	bool known[256]; /* by bus number */
	uint8_t bus[256];
	unsigned buses;
};

static void add_bus(struct bus_scan *w, uint8_t bus)
{
	if (w->known[bus])
		return;
	w->known[bus] = true;
	w->bus[w->buses++] = bus;
}

/* A bridge forwards requests of the devices behind it, an ISA bridge those of its DMA controller;
 * an IOMMU reads its tables. */
static bool stays_master(uint16_t bdf)
{
	uint32_t class = pci_read(bdf, PCI_CLASS, 2);

	return class >> 8 == CLASS_BRIDGE || class == CLASS_IOMMU;
}

static void turn_off_mastering(struct bus_scan *w, uint16_t bdf)
{
	uint32_t command = pci_read(bdf, PCI_COMMAND, 2);

	if (!(command & CMD_MASTER) || stays_master(bdf))
		return;
	pci_write(bdf, PCI_COMMAND, 2, command & ~CMD_MASTER);
	if (pci_read(bdf, PCI_COMMAND, 2) & CMD_MASTER)
		w->found.refused++;
	else
		w->found.turned_off++;
}

static void visit_function(struct bus_scan *w, uint16_t bdf, uint8_t header)
{
	w->found.functions++;
	if (header == HEADER_PCI || header == HEADER_CARD)
		add_bus(w, (uint8_t)pci_read(bdf, PCI_SECONDARY, 1));
	else if (header == HEADER_NORMAL)
		turn_off_mastering(w, bdf);
}

static void scan_device(struct bus_scan *w, uint16_t bdf)
{
	unsigned functions = 1;

	for (uint16_t f = 0; f < functions; f++) {
		uint8_t header;

		if (pci_read(bdf | f, 0, 2) == 0xffff)
			continue;
		header = (uint8_t)pci_read(bdf | f, PCI_HEADER, 1);
		if (f == 0 && header & HEADER_MULTI)
			functions = 8;
		visit_function(w, bdf | f, header & ~HEADER_MULTI);
	}
}

struct pci_masters pci_masters_off(void)
{
	struct bus_scan w;

	memset(&w, 0, sizeof w);
	add_bus(&w, 0);
	for (unsigned i = 0; i < w.buses; i++)
		for (unsigned device = 0; device < 32; device++)
			scan_device(&w, (uint16_t)(w.bus[i] << 8 | device << 3));
	return w.found;
}
