/* SPDX-License-Identifier: BSD-2-Clause */
/* Dom0's virtio device: negotiation, rings, receive buffers. */
#include "guest-images/dom0/port.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/trap.h"
#include "guest-images/lib/vnic.h"

#define VENDOR      0x1af4
#define DEVICE_NET  0x1041
#define PORT_VECTOR 0x51
#define MSIX_ENTRY  0

/* Offloads that Dom0 accepts: partial checksums and GSO frames (5.1.3). */
#define F_GUEST_CSUM (1ull << 1)
#define F_MTU        (1ull << 3)
#define F_GUEST_TSO4 (1ull << 7)
#define F_GUEST_TSO6 (1ull << 8)
#define F_MRG_RXBUF  (1ull << 15)
#define WANTED       (F_GUEST_CSUM | F_MTU | F_GUEST_TSO4 | F_MRG_RXBUF | GUEST_VIRTIO_F_EVENT_IDX)

#define CONFIG_MTU  10 /* of the device configuration (5.1.4) */
#define MTU_DEFAULT 1500

static uint64_t irqs;

static void on_port(void)
{
	irqs++;
	lapic_eoi();
}

uint64_t port_irqs(void)
{
	return irqs;
}

void port_give(struct port *port, void *buffer)
{
	guest_vq_add(&port->rx, &(struct guest_vbuf){buffer, PORT_BUFFER}, 0, 1, buffer);
}

static uint16_t read_mtu(const struct guest_virtio *dev)
{
	uint16_t mtu = MTU_DEFAULT;

	if (dev->features & F_MTU)
		guest_virtio_config(dev, CONFIG_MTU, &mtu, sizeof mtu);
	return mtu;
}

static const char *start_queue(struct port *port, struct guest_vq *q, unsigned index)
{
	void *memory = mem_alloc(guest_vq_bytes(GUEST_VQ_MAX), 4096);

	if (!memory)
		return "no memory for a virtqueue";
	return guest_virtio_queue(&port->dev, q, index, GUEST_VQ_MAX, memory, MSIX_ENTRY);
}

static const char *fill_rx_ring(struct port *port)
{
	for (unsigned i = 0; i < port->rx.num; i++) {
		void *buffer = mem_alloc(PORT_BUFFER, PORT_BUFFER);

		if (!buffer)
			return "no memory for receive buffers";
		port_give(port, buffer);
	}
	return NULL;
}

const char *port_start(struct port *port, bool tso6)
{
	uint16_t bdf = pci_find(VENDOR, DEVICE_NET, 0);
	const char *error;

	if (bdf == PCI_NONE)
		return "no virtio network device on the PCI bus";
	error = guest_virtio_open(&port->dev, &guest_bus, bdf);
	if (!error)
		error = guest_virtio_begin(&port->dev, WANTED | (tso6 ? F_GUEST_TSO6 : 0));
	if (error)
		return error;
	if (!(port->dev.features & F_MRG_RXBUF))
		return "the device offers no mergeable receive buffers";
	port->mtu = read_mtu(&port->dev);
	trap_set(PORT_VECTOR, on_port);
	if (!guest_virtio_msix(&port->dev, MSIX_ENTRY, msi_address(lapic_id()), PORT_VECTOR))
		return "the device has no MSI-X";
	error = start_queue(port, &port->rx, 0);
	if (!error)
		error = start_queue(port, &port->tx, 1);
	if (!error)
		error = fill_rx_ring(port);
	if (error)
		return error;
	guest_vq_disarm(&port->rx);
	guest_vq_disarm(&port->tx);
	guest_virtio_ready(&port->dev);
	guest_vq_kick(&port->rx);
	return NULL;
}
