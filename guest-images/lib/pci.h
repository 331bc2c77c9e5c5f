/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration space by mechanism #1 (PCI 3.0, 3.2.2.3), and what a driver needs of it. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H
#include <stdbool.h>
#include <stdint.h>

#define PCI_NONE    0xffffu
#define PCI_COMMAND 0x04
#define PCI_LINE    0x3c

#define PCI_COMMAND_IO     1
#define PCI_COMMAND_MEMORY 2
#define PCI_COMMAND_MASTER 4

#define PCI_CAP_MSI  0x05
#define PCI_CAP_MSIX 0x11

/* `size` is 1, 2 or 4; `off` a multiple of it below 256. */
uint32_t pci_read(uint16_t bdf, unsigned off, unsigned size);
void pci_write(uint16_t bdf, unsigned off, unsigned size, uint32_t v);

/* The n-th function (from 0) with this vendor and device, or PCI_NONE. Looks behind bridges too. */
uint16_t pci_find(uint16_t vendor, uint16_t device, unsigned n);

/* Offset of the first capability `id`, 0 when the function has none. The search is bounded. */
unsigned pci_cap(uint16_t bdf, uint8_t id);

/* Address of a BAR as firmware assigned it (0: none). *is_io: an I/O BAR. */
uint64_t pci_bar(uint16_t bdf, unsigned bar, bool *is_io);

/* Switches on decoding and bus mastering. */
void pci_enable(uint16_t bdf);

/* Points the function's MSI at `vector` of the CPU with this APIC id; false when it has no MSI. */
bool pci_msi(uint16_t bdf, uint32_t apic_id, uint8_t vector);

/* The MSI message for a vector: address and data (AMD64 manual vol. 2, 16.11). */
static inline uint32_t msi_address(uint32_t apic_id)
{
	return 0xfee00000u | apic_id << 12;
}
#endif
