/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical PCI configuration space by mechanism #1 (PCI 3.0, 3.2.2.3.2). */
#include "arch/x86_64/pci.h"
#include "lib/spinlock.h"
#include "lib/x86.h"

static struct spinlock lock;
static bool single_core; /* only one core runs, and a stopped one may hold the lock */

void pci_lone_core(void)
{
	single_core = true;
}

static void lock_config(void)
{
	if (!single_core)
		spin_lock(&lock);
}

static void unlock_config(void)
{
	if (!single_core)
		spin_unlock(&lock);
}

static void select_register(uint16_t bdf, uint8_t reg)
{
	outl(0xcf8, 0x80000000u | (uint32_t)bdf << 8 | (reg & 0xfc));
}

uint32_t pci_read(uint16_t bdf, uint8_t reg, unsigned size)
{
	uint16_t port = (uint16_t)(0xcfc + (reg & 3));
	uint32_t v;

	lock_config();
	select_register(bdf, reg);
	v = size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
	unlock_config();
	return v;
}

void pci_write(uint16_t bdf, uint8_t reg, unsigned size, uint32_t v)
{
	uint16_t port = (uint16_t)(0xcfc + (reg & 3));

	lock_config();
	select_register(bdf, reg);
	if (size == 1)
		outb(port, (uint8_t)v);
	else if (size == 2)
		outw(port, (uint16_t)v);
	else
		outl(port, v);
	unlock_config();
}

uint8_t pci_find_cap(uint16_t bdf, uint8_t id)
{
	uint8_t at;

	if (!(pci_read(bdf, 6, 2) & 0x10))
		return 0;
	at = (uint8_t)pci_read(bdf, 0x34, 1) & 0xfc;
	for (unsigned i = 0; at && i < 48; i++) {
		if (pci_read(bdf, at, 1) == id)
			return at;
		at = (uint8_t)pci_read(bdf, at + 1, 1) & 0xfc;
	}
	return 0;
}

uint32_t pci_bar_size(uint16_t bdf, unsigned bar)
{
	uint8_t reg = (uint8_t)(0x10 + 4 * bar);
	uint32_t command = pci_read(bdf, 4, 2), old = pci_read(bdf, reg, 4);
	uint32_t mask;

	pci_write(bdf, 4, 2, command & ~3u);
	pci_write(bdf, reg, 4, ~0u);
	mask = pci_read(bdf, reg, 4);
	pci_write(bdf, reg, 4, old);
	pci_write(bdf, 4, 2, command);
	mask &= old & 1 ? ~3u : ~15u;
	return mask ? ~mask + 1 : 0;
}
