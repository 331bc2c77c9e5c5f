/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration space. */
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/pci.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define STATUS_CAPS    (1u << 4)
#define MAX_CAPS       48
#define MAX_DEPTH      4

static void select_register(uint16_t bdf, unsigned off)
{
	outl(CONFIG_ADDRESS, 1u << 31 | (uint32_t)bdf << 8 | (off & 0xfc));
}

uint32_t pci_read(uint16_t bdf, unsigned off, unsigned size)
{
	uint16_t port;

	select_register(bdf, off);
	port = (uint16_t)(CONFIG_DATA + (off & 3));
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

void pci_write(uint16_t bdf, unsigned off, unsigned size, uint32_t v)
{
	uint16_t port;

	select_register(bdf, off);
	port = (uint16_t)(CONFIG_DATA + (off & 3));
	if (size == 1)
		outb(port, (uint8_t)v);
	else if (size == 2)
		outw(port, (uint16_t)v);
	else
		outl(port, v);
}

struct search {
	uint32_t id;
	unsigned n;
};

static uint16_t find_on_bus(struct search *s, unsigned bus, unsigned depth);

static uint16_t find_in_function(struct search *s, uint16_t bdf, unsigned depth)
{
	unsigned bus;

	if (pci_read(bdf, 0, 4) == s->id && !s->n--)
		return bdf;
	bus = pci_read(bdf, 0x19, 1);
	if ((pci_read(bdf, 0x0e, 1) & 0x7f) != 1 || bus <= (unsigned)bdf >> 8 || depth == MAX_DEPTH)
		return PCI_NONE;
	return find_on_bus(s, bus, depth + 1);
}

static uint16_t find_on_bus(struct search *s, unsigned bus, unsigned depth)
{
	for (unsigned dev = 0; dev < 32; dev++) {
		uint16_t first = (uint16_t)(bus << 8 | dev << 3);
		unsigned functions;

		if (pci_read(first, 0, 2) == 0xffff)
			continue;
		functions = pci_read(first, 0x0e, 1) & 0x80 ? 8 : 1;
		for (unsigned fn = 0; fn < functions; fn++) {
			uint16_t bdf = (uint16_t)(first | fn);
			uint16_t found;

			if (fn && pci_read(bdf, 0, 2) == 0xffff)
				continue;
			found = find_in_function(s, bdf, depth);
			if (found != PCI_NONE)
				return found;
		}
	}
	return PCI_NONE;
}

uint16_t pci_find(uint16_t vendor, uint16_t device, unsigned n)
{
	struct search s = {(uint32_t)device << 16 | vendor, n};

	return find_on_bus(&s, 0, 0);
}

unsigned pci_cap(uint16_t bdf, uint8_t id)
{
	unsigned at;

	if (!(pci_read(bdf, 0x06, 2) & STATUS_CAPS))
		return 0;
	at = pci_read(bdf, 0x34, 1) & 0xfc;
	for (unsigned i = 0; at && i < MAX_CAPS; i++) {
		if (pci_read(bdf, at, 1) == id)
			return at;
		at = pci_read(bdf, at + 1, 1) & 0xfc;
	}
	return 0;
}

uint64_t pci_bar(uint16_t bdf, unsigned bar, bool *is_io)
{
	unsigned off = 0x10 + bar * 4;
	uint32_t lo = pci_read(bdf, off, 4);
	uint64_t hi;

	*is_io = lo & 1;
	if (*is_io)
		return lo & 0xfffc;
	hi = (lo & 6) == 4 && bar < 5 ? pci_read(bdf, off + 4, 4) : 0;
	return hi << 32 | (lo & ~0xfu);
}

void pci_enable(uint16_t bdf)
{
	uint32_t command = pci_read(bdf, PCI_COMMAND, 2);

	pci_write(bdf, PCI_COMMAND, 2,
	          command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

bool pci_msi(uint16_t bdf, uint32_t apic_id, uint8_t vector)
{
	unsigned cap = pci_cap(bdf, PCI_CAP_MSI);
	uint32_t control;
	bool wide;

	if (!cap)
		return false;
	control = pci_read(bdf, cap + 2, 2);
	wide = control & 0x80;
	pci_write(bdf, cap + 4, 4, msi_address(apic_id));
	if (wide)
		pci_write(bdf, cap + 8, 4, 0);
	pci_write(bdf, cap + (wide ? 12 : 8), 2, vector);
	pci_write(bdf, cap + 2, 2, (control & ~0x70u) | 1); /* one message, enabled */
	return true;
}
