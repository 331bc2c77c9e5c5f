/* SPDX-License-Identifier: BSD-2-Clause */
/* shm_pci.c: the PCI function by which a member is found, started and notified; registers in
 * shm_abi.h. */
#include "drivers/shm/shm_parts.h"
#include "lib/count.h"

#define CLASS_NETWORK 0x028000 /* network controller, other (PCI Code and ID Assignment 1.9) */

static struct shm_member *member_of(struct vpci_dev *d)
{
	return (struct shm_member *)d;
}

/* A register of four bytes; false: there is none. */
static bool read_register(const struct shm_member *m, uint32_t off, uint32_t *val)
{
	switch (off) {
	case SHM_IO_STATUS:
		*val = atomic_load(&m->status);
		return true;
	case SHM_IO_SEAT:
		*val = m->seat;
		return true;
	case SHM_IO_REGION:
		*val = (uint32_t)m->region_at;
		return true;
	case SHM_IO_REGION + 4:
		*val = (uint32_t)(m->region_at >> 32);
		return true;
	case SHM_IO_REGION_LEN:
		*val = (uint32_t)m->region_bytes;
		return true;
	case SHM_IO_REGION_LEN + 4:
		*val = (uint32_t)(m->region_bytes >> 32);
		return true;
	default:
		return false;
	}
}

/* False: there is no such register, or it takes no such value. */
static bool write_register(struct shm_member *m, uint32_t off, unsigned size, uint32_t val)
{
	if (off == SHM_IO_DOORBELL) {
		shm_count(m, SHM_COUNT_doorbells);
		shm_member_kick(m);
		return true;
	}
	if (off != SHM_IO_STATUS || size != 4 || val > SHM_START)
		return false;
	if (val == SHM_START)
		shm_start(m);
	else
		shm_member_reset(m);
	return true;
}

static void access_registers(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size,
                             bool write, uint64_t *val)
{
	struct shm_member *m = member_of(d);
	uint32_t value = ~0u;
	bool known;

	/* The private region is memory: what exits there is none of it. */
	if (bar == SHM_BAR_IO && write)
		known = write_register(m, off, size, (uint32_t)*val);
	else
		known = bar == SHM_BAR_IO && size == 4 && read_register(m, off, &value);
	if (!write)
		*val = bar == SHM_BAR_IO ? value : ~0ull;
	if (!known)
		shm_count(m, SHM_COUNT_bad_access);
}

static void bar_moved(struct vpci_dev *d, unsigned bar)
{
	struct shm_member *m = member_of(d);

	if (bar == SHM_BAR_PRIVATE && m->moved)
		m->moved(m);
}

static void bus_reset(struct vpci_dev *d)
{
	shm_member_reset(member_of(d));
}

static void bus_work(struct vpci_dev *d)
{
	struct shm_member *m = member_of(d);

	shm_count(m, SHM_COUNT_visits);
	shm_member_kick(m);
}

void shm_notify(struct shm_member *m)
{
	vpci_msix_send(&m->pci, 0);
}

void shm_pci_init(struct shm_member *m, const char *name)
{
	static const struct vpci_ops ops = {
	    .bar = access_registers, .moved = bar_moved, .reset = bus_reset, .work = bus_work};

	vpci_dev_init(&m->pci, name, &ops, SHM_PCI_VENDOR, SHM_PCI_DEVICE, CLASS_NETWORK,
	              SHM_VERSION);
	vpci_bar_init(&m->pci, SHM_BAR_IO, VPCI_BAR_IO, VPCI_IO_SIZE);
	vpci_msix_init(&m->pci, SHM_BAR_MSIX, 1);
	vpci_bar_init(&m->pci, SHM_BAR_PRIVATE, VPCI_BAR_MEM, SHM_PRIVATE_BYTES);
}

static const struct vnet_port_ops shm_port_ops = {
    .poll = shm_poll,
    .arm = shm_arm,
    .egress = shm_egress,
    .room = shm_room,
};

/* ---- for the control plane: drivers/nic.h ---- */

static void nic_attach(struct vpci_dev *d, struct vnet_port *port)
{
	shm_member_attach(member_of(d), port);
}

static void nic_kick(struct vpci_dev *d)
{
	shm_member_kick(member_of(d));
}

static uint64_t nic_copied(const struct vpci_dev *d)
{
	return count_read(&((const struct shm_member *)d)->copied);
}

static bool nic_counter(const struct vpci_dev *d, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	return shm_member_counter((const struct shm_member *)d, i, name, size, value);
}

const struct nic_ops shm_nic = {
    .port = &shm_port_ops,
    .attach = nic_attach,
    .kick = nic_kick,
    .copied = nic_copied,
    .counter = nic_counter,
};
