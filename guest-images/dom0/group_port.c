/* SPDX-License-Identifier: BSD-2-Clause */
/* Dom0's port in a group: finding the device, its memory and its interrupt; see
 * drivers/shm/shm_abi.h. */
#include "guest-images/dom0/group_port.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/trap.h"
#include "guest-images/lib/vnic.h"

#define VECTOR 0x52
#define MAPPED (1ull << 32) /* by start.asm */

static uint64_t irqs;

static void on_port(void)
{
	irqs++;
	lapic_eoi();
}

uint64_t group_port_irqs(void)
{
	return irqs;
}

static void ring_doorbell(void *port)
{
	outw((uint16_t)(((struct group_port *)port)->io + SHM_IO_DOORBELL), 0);
}

static uint16_t find(void)
{
	return pci_find(SHM_PCI_VENDOR, SHM_PCI_DEVICE, 0);
}

bool group_port_found(void)
{
	return find() != PCI_NONE;
}

static uint64_t read_wide(const struct group_port *port, unsigned reg)
{
	uint16_t at = (uint16_t)(port->io + reg);

	return inl(at) | (uint64_t)inl((uint16_t)(at + 4)) << 32;
}

static bool set_interrupt(uint16_t bdf)
{
	struct guest_virtio v = {.bus = &guest_bus,
	                         .bdf = bdf,
	                         .msix_table = pci_bar(bdf, SHM_BAR_MSIX, &(bool){false}),
	                         .msix_cap = pci_cap(bdf, PCI_CAP_MSIX),
	                         .msix_entries = 1};

	trap_set(VECTOR, on_port);
	return guest_virtio_msix(&v, 0, msi_address(lapic_id()), VECTOR);
}

/* The group is where it is in the node, for a guest with a physical device: so the NIC reaches it
 * by the addresses that Dom0 uses. */
const char *group_port_start(struct group_port *port)
{
	uint16_t bdf = find();
	bool is_io = false;
	struct shm_private *shared;
	uint64_t at, bytes;

	if (bdf == PCI_NONE)
		return "no port in a group on the PCI bus";
	pci_enable(bdf);
	port->io = (uint16_t)pci_bar(bdf, SHM_BAR_IO, &is_io);
	shared = (struct shm_private *)pci_bar(bdf, SHM_BAR_PRIVATE, &is_io);
	at = read_wide(port, SHM_IO_REGION);
	bytes = read_wide(port, SHM_IO_REGION_LEN);
	if (!at || at + bytes > MAPPED)
		return "the group's memory is not below 4 GiB, where the NIC can reach it";
	if (!set_interrupt(bdf))
		return "the port in the group has no MSI-X";
	outl((uint16_t)(port->io + SHM_IO_STATUS), SHM_START);
	return netlib_open(&port->lib, shared, (void *)at, bytes, ring_doorbell, port);
}
