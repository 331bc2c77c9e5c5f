/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio NIC for test guests. */
#include <string.h>
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/trap.h"
#include "guest-images/lib/vnic.h"

#define VENDOR      0x1af4
#define DEVICE_NET  0x1041
#define BUFFER_SIZE 1536
#define MSIX_ENTRY  0

static uint32_t port_in(uint16_t port, unsigned size)
{
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void port_out(uint16_t port, unsigned size, uint32_t v)
{
	if (size == 1)
		outb(port, (uint8_t)v);
	else if (size == 2)
		outw(port, (uint16_t)v);
	else
		outl(port, v);
}

const struct guest_bus guest_bus = {pci_read, pci_write, port_in, port_out};

static bool add_rx_buffer(struct vnic *nic, uint8_t *buffer)
{
	return guest_vq_add(&nic->rx, &(struct guest_vbuf){buffer, BUFFER_SIZE}, 0, 1, buffer);
}

static const char *start_queues(struct vnic *nic)
{
	const char *error;

	for (unsigned i = 0; i < 2; i++) {
		memset(nic->ring_memory[i], 0, guest_vq_bytes(VNIC_RING));
		error = guest_virtio_queue(&nic->dev, i == VNIC_RX ? &nic->rx : &nic->tx, i,
		                           VNIC_RING, nic->ring_memory[i], MSIX_ENTRY);
		if (error)
			return error;
	}
	return NULL;
}

const char *vnic_restart(struct vnic *nic)
{
	const char *error =
	    guest_virtio_begin(&nic->dev, VNIC_F_MAC | nic->wanted | GUEST_VIRTIO_F_EVENT_IDX);

	if (error)
		return error;
	if (!guest_virtio_msix(&nic->dev, MSIX_ENTRY, msi_address(lapic_id()), VNIC_VECTOR))
		return "no MSI-X";
	error = start_queues(nic);
	if (error)
		return error;
	guest_virtio_config(&nic->dev, 0, nic->mac, 6);
	guest_virtio_ready(&nic->dev);
	for (unsigned i = 0; i < nic->rx.num; i++)
		add_rx_buffer(nic, nic->buffers + i * BUFFER_SIZE);
	nic->tx_nfree = 0;
	for (unsigned i = 0; i < nic->tx.num; i++)
		nic->tx_free[nic->tx_nfree++] = nic->buffers + (VNIC_RING + i) * BUFFER_SIZE;
	guest_vq_disarm(&nic->rx);
	guest_vq_disarm(&nic->tx);
	guest_vq_kick(&nic->rx);
	return NULL;
}

const char *vnic_open(struct vnic *nic, unsigned n)
{
	uint16_t bdf = pci_find(VENDOR, DEVICE_NET, n);
	const char *error;

	if (bdf == PCI_NONE)
		return "no such device";
	error = guest_virtio_open(&nic->dev, &guest_bus, bdf);
	if (error)
		return error;
	nic->buffers = mem_alloc(2ul * VNIC_RING * BUFFER_SIZE, 64);
	for (unsigned i = 0; i < 2; i++)
		nic->ring_memory[i] = mem_alloc(guest_vq_bytes(VNIC_RING), 4096);
	if (!nic->buffers || !nic->ring_memory[0] || !nic->ring_memory[1])
		return "no memory";
	trap_set(VNIC_VECTOR, lapic_eoi);
	return vnic_restart(nic);
}

static void reclaim_sent(struct vnic *nic)
{
	uint32_t unused;
	uint8_t *done;

	while ((done = guest_vq_used(&nic->tx, &unused)))
		nic->tx_free[nic->tx_nfree++] = done;
}

bool vnic_sent(struct vnic *nic)
{
	reclaim_sent(nic);
	return nic->tx_nfree == nic->tx.num;
}

bool vnic_send_offload(struct vnic *nic, const struct vnet_hdr *hdr, const struct vnet_seg *piece,
                       unsigned n)
{
	struct guest_vbuf all[1 + VNIC_PIECES];

	_Static_assert(sizeof *hdr == VNIC_HEADER, "it is the device's header");
	uint8_t *b;
	reclaim_sent(nic);
	if (!nic->tx_nfree || n > VNIC_PIECES)
		return false;
	b = nic->tx_free[nic->tx_nfree - 1];
	memcpy(b, hdr, VNIC_HEADER);
	all[0] = (struct guest_vbuf){b, VNIC_HEADER};
	for (unsigned i = 0; i < n; i++)
		all[1 + i] = (struct guest_vbuf){piece[i].base, piece[i].len};
	if (!guest_vq_add(&nic->tx, all, 1 + n, 0, b))
		return false;
	nic->tx_nfree--;
	return true;
}

bool vnic_send(struct vnic *nic, const void *frame, unsigned len)
{
	uint8_t *b;

	reclaim_sent(nic);
	if (!nic->tx_nfree || len > VNIC_FRAME)
		return false;
	b = nic->tx_free[--nic->tx_nfree];
	memset(b, 0, VNIC_HEADER);
	memcpy(b + VNIC_HEADER, frame, len);
	guest_vq_add(&nic->tx, &(struct guest_vbuf){b, VNIC_HEADER + len}, 1, 0, b);
	return true;
}

void vnic_flush(struct vnic *nic)
{
	guest_vq_kick(&nic->tx);
}

unsigned vnic_receive(struct vnic *nic, void *frame)
{
	uint32_t len;
	uint8_t *b = guest_vq_used(&nic->rx, &len);

	if (!b)
		return 0;
	len = len > VNIC_HEADER ? len - VNIC_HEADER : 0;
	if (len > VNIC_FRAME)
		len = VNIC_FRAME;
	memcpy(frame, b + VNIC_HEADER, len);
	add_rx_buffer(nic, b);
	guest_vq_kick(&nic->rx);
	return len;
}

void vnic_wait(struct vnic *nic)
{
	irq_off();
	if (guest_vq_arm(&nic->rx))
		irq_wait();
	guest_vq_disarm(&nic->rx);
}
