/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bar.c: the device's BARs, at addresses in the guest's own PCI window.
 *
 * Memory BARs are mapped into the guest, which then uses the device without an exit.  Accesses that
 * cannot be mapped (the MSI-X table, a BAR smaller than a page, I/O ports) exit and are carried out
 * here.
 */
#include "arch/x86_64/hvm/npt.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pci.h"
#include "vmm/passthrough/device.h"

#define BAR_IO       1u
#define BAR_64BIT    4u
#define BAR_PREFETCH 8u

static uint64_t read_port(uint16_t port, unsigned size)
{
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void write_port(uint16_t port, unsigned size, uint32_t val)
{
	if (size == 1)
		outb(port, (uint8_t)val);
	else if (size == 2)
		outw(port, (uint16_t)val);
	else
		outl(port, val);
}

static uint64_t read_memory(uint64_t at, unsigned size)
{
	const volatile void *p = (void *)at;

	switch (size) {
	case 1:
		return *(const volatile uint8_t *)p;
	case 2:
		return *(const volatile uint16_t *)p;
	case 4:
		return *(const volatile uint32_t *)p;
	default:
		return *(const volatile uint64_t *)p;
	}
}

static void write_memory(uint64_t at, unsigned size, uint64_t val)
{
	volatile void *p = (void *)at;

	switch (size) {
	case 1:
		*(volatile uint8_t *)p = (uint8_t)val;
		break;
	case 2:
		*(volatile uint16_t *)p = (uint16_t)val;
		break;
	case 4:
		*(volatile uint32_t *)p = (uint32_t)val;
		break;
	default:
		*(volatile uint64_t *)p = val;
	}
}

/* No register of the device: a read gives all ones, a write is dropped. */
static void access_absent(bool write, uint64_t *val)
{
	if (!write)
		*val = ~0ull;
}

void passthrough_bar_access(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size,
                            bool write, uint64_t *val)
{
	struct passthrough *p = (struct passthrough *)d;
	const struct passthrough_bar *b = &p->bar[bar];
	bool io = b->kind == VPCI_BAR_IO;

	if (passthrough_msix_access(p, bar, off, size, write, val))
		return;
	if (off + size > b->size || (!io && b->at + b->size > 4 * GIB))
		access_absent(write, val);
	else if (io && write)
		write_port((uint16_t)(b->at + off), size, (uint32_t)*val);
	else if (io)
		*val = read_port((uint16_t)(b->at + off), size);
	else if (write)
		write_memory(b->at + off, size, *val);
	else
		*val = read_memory(b->at + off, size);
}

/* Reads the function's BARs.  A 64-bit BAR takes two registers; the guest sees it as a 32-bit
 * one. */
void passthrough_bars_read(struct passthrough *p)
{
	for (unsigned i = 0; i < VPCI_BARS; i++) {
		struct passthrough_bar *b = &p->bar[i];
		uint32_t low = pci_read(p->bdf, PCI_BAR(i), 4);
		bool io = low & BAR_IO, wide = !io && (low & 6) == BAR_64BIT && i + 1 < VPCI_BARS;
		uint32_t high = wide ? pci_read(p->bdf, PCI_BAR(i + 1), 4) : 0;

		b->at = io ? low & 0xfffc : (uint64_t)high << 32 | (low & ~15u);
		b->prefetch = !io && (low & BAR_PREFETCH);
		b->size = pci_bar_size(p->bdf, i) & (io ? 0xffffu : ~0u);
		if (b->at && b->size && b->size <= (io ? VPCI_IO_SIZE : VPCI_MEM_SIZE))
			b->kind = io ? VPCI_BAR_IO : VPCI_BAR_MEM;
		i += wide;
	}
}

bool passthrough_bars_add(struct passthrough *p)
{
	p->own = VPCI_CMD_MASTER;
	for (unsigned i = 0; i < VPCI_BARS; i++) {
		const struct passthrough_bar *b = &p->bar[i];

		if (b->kind == VPCI_BAR_NONE)
			continue;
		vpci_bar_init(&p->dev, i, b->kind, b->size < PAGE_SIZE ? PAGE_SIZE : b->size);
		p->own |= b->kind == VPCI_BAR_MEM ? VPCI_CMD_MEM : VPCI_CMD_IO;
	}
	return p->own & VPCI_CMD_MEM;
}

static bool map_bar(const struct passthrough *p, unsigned bar, uint32_t from, uint32_t to)
{
	return from >= to || npt_map(hvm->npt, p->vm->npt_root, p->dev.bar[bar].home + from,
	                             p->bar[bar].at + from, to - from, NPT_DEVICE);
}

bool passthrough_bars_map(const struct passthrough *p)
{
	for (unsigned i = 0; i < VPCI_BARS; i++) {
		const struct passthrough_bar *b = &p->bar[i];
		uint32_t hole, after;

		if (b->kind != VPCI_BAR_MEM || b->size < PAGE_SIZE)
			continue;
		passthrough_msix_hole(p, i, &hole, &after);
		if (!map_bar(p, i, 0, hole) || !map_bar(p, i, after, b->size))
			return false;
	}
	return true;
}

/* The BAR register's value after reset, as the guest reads it. */
static uint32_t bar_register(const struct passthrough *p, unsigned i)
{
	const struct passthrough_bar *b = &p->bar[i];
	uint32_t type;

	if (b->kind == VPCI_BAR_NONE)
		return 0;
	type = b->kind == VPCI_BAR_IO ? BAR_IO : b->prefetch ? BAR_PREFETCH : 0;
	return p->dev.bar[i].home | type;
}

/* The guest cannot move a BAR, but it can size one by writing all ones (PCI 3.0, 6.2.5.1). */
void passthrough_bar_write(struct passthrough *p, unsigned i, unsigned size, uint32_t val)
{
	uint32_t at = bar_register(p, i);
	bool io = p->bar[i].kind == VPCI_BAR_IO;
	bool sizing = size == 4 && (val | 15) == 0xffffffff && at;

	p->bar[i].seen = sizing ? ~(p->dev.bar[i].size - 1) | (at & (io ? 3 : 15)) : at;
}

void passthrough_bars_reset(struct passthrough *p)
{
	for (unsigned i = 0; i < VPCI_BARS; i++)
		p->bar[i].seen = bar_register(p, i);
}
