/* SPDX-License-Identifier: BSD-2-Clause */
/* model.c: identity, start, stop and reset of the emulated NIC; see model.h. */
#include <stdio.h>
#include <string.h>
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/model_parts.h"
#include "lib/count.h"

#define CLASS_ETHERNET 0x020000
#define PCI_LINE       0x3c
#define PCI_PIN        0x3d
#define RING_BYTES     0xfff80u /* TDLEN and RDLEN: multiples of 128, 82574 10.2.5.10 */

static struct e1000_model *model_of(struct vpci_dev *d)
{
	return (struct e1000_model *)d;
}

void e1000_model_break(struct e1000_model *m, struct e1000_model_ring *r,
                       enum e1000_model_error why)
{
	atomic_store(&r->ready, false);
	atomic_fetch_add_explicit(&m->violation[why], 1, memory_order_relaxed);
	if (r == &m->rx)
		e1000_model_up(m, false);
}

void e1000_model_up(struct e1000_model *m, bool up)
{
	vnet_port_set_up(m->port, vnet_this_core(), up);
	if (!up && e1000_model_ready(&m->tx) && vnet_port_mode(m->port) != VNET_KICK)
		vpci_schedule_work(&m->pci); /* it is polled no more */
}

/* May the device reach guest memory now?  m->lock held. */
static bool may_reach_memory(const struct e1000_model *m)
{
	bool off = m->is_82574 && e1000_model_get(m, CTRL) & CTRL_GIO_MASTER_DISABLE;

	return !m->halted && !off && vpci_enabled(&m->pci, VPCI_CMD_MASTER);
}

void e1000_model_ring_set(struct e1000_model *m, struct e1000_model_ring *r, uint32_t base,
                          uint32_t size, bool on, enum e1000_model_error why)
{
	uint64_t at =
	    (uint64_t)e1000_model_get(m, base + 4) << 32 | (e1000_model_get(m, base) & ~15u);
	uint32_t bytes = e1000_model_get(m, base + 8) & RING_BYTES;
	uint32_t head = e1000_model_get(m, base + 0x10);

	atomic_store(&r->ready, false);
	r->count = bytes / size;
	r->head = head < r->count ? head : 0;
	if (!on || !bytes || !may_reach_memory(m))
		return;
	r->desc = gmem_ptr(m->mem, at, bytes);
	if (r->desc)
		atomic_store(&r->ready, true);
	else
		atomic_fetch_add_explicit(&m->violation[why], 1, memory_order_relaxed);
}

static void configure(struct e1000_model *m)
{
	e1000_model_tx_configure(m);
	e1000_model_rx_configure(m);
}

void e1000_model_reset(struct e1000_model *m)
{
	e1000_model_set(m, RCTL, 0);
	e1000_model_set(m, TCTL, 0);
	configure(m);
	e1000_model_defaults(m);
	m->halted = false;
	memset(m->context, 0, sizeof m->context); /* no core is in the transmit ring */
	e1000_model_irq_reset(m);
	vpci_msix_forget(&m->pci);
}

static void bus_reset(struct vpci_dev *d)
{
	struct e1000_model *m = model_of(d);

	spin_lock(&m->lock);
	e1000_model_phy_reset(m);
	e1000_model_reset(m);
	m->master = false;
	spin_unlock(&m->lock);
}

/* By its registers, whatever stopped its rings since. */
static bool is_on(const struct e1000_model *m)
{
	return e1000_model_get(m, TCTL) & TCTL_EN || e1000_model_get(m, RCTL) & RCTL_EN;
}

/*
 * Without bus mastering the device must not touch guest memory.  If it was on and the driver had
 * started a direction,
 * the device stays off until it is reset: the driver that turns it on again may not be the one
 * that set up the rings (as Linux does before and after kexec).
 */
static void bus_command(struct vpci_dev *d, uint16_t command)
{
	struct e1000_model *m = model_of(d);

	bool master = command & VPCI_CMD_MASTER;

	spin_lock(&m->lock);
	if (m->master && !master && is_on(m)) {
		m->halted = true;
		e1000_model_count(m, E1000_MODEL_COUNT_master_off);
	}
	m->master = master;
	configure(m);
	e1000_model_pin(m);
	if (m->halted)
		vpci_msix_forget(&m->pci);
	spin_unlock(&m->lock);
}

static void bus_work(struct vpci_dev *d)
{
	struct e1000_model *m = model_of(d);

	e1000_model_count(m, E1000_MODEL_COUNT_visits);
	e1000_model_tx_kick(m);
}

void e1000_model_init(struct e1000_model *m, const struct e1000_model_config *c)
{
	static const struct vpci_ops ops = {
	    .bar = e1000_model_bar, .command = bus_command, .reset = bus_reset, .work = bus_work};

	memset(m, 0, sizeof *m);
	m->is_82574 = c->device == E1000_82574L;
	vpci_dev_init(&m->pci, c->name, &ops, E1000_VENDOR, c->device, CLASS_ETHERNET, 0);
	vpci_put(m->pci.cfg, 0x2c, 2, E1000_VENDOR);
	vpci_put(m->pci.cfg, 0x2e, 2, c->device);
	vpci_bar_init(&m->pci, E1000_MODEL_BAR_REGS, VPCI_BAR_MEM, E1000_MODEL_BAR);
	if (m->is_82574) {
		vpci_msix_init(&m->pci, E1000_MODEL_BAR_MSIX, E1000_MODEL_VECTORS);
	} else {
		vpci_bar_init(&m->pci, E1000_MODEL_BAR_IO, VPCI_BAR_IO, VPCI_IO_SIZE);
		m->pci.cfg[PCI_LINE] = c->line;
		m->pci.cfg[PCI_PIN] = 1; /* INTA */
	}
	m->pin_set = c->pin_set;
	m->ctx = c->ctx;
	m->mem = c->mem;
	m->mac = c->mac;
	atomic_store(&m->mtu, c->mtu);
	e1000_model_eeprom_init(m);
	e1000_model_phy_reset(m);
	e1000_model_defaults(m);
}

/* ---- counters ---- */

bool e1000_model_counter(const struct e1000_model *m, unsigned i, char *name, size_t size,
                         uint64_t *value)
{
	static const char *const names[] = {
#define X(name, help) #name,
	    E1000_MODEL_COUNTERS(X)
#undef X
	};
	static const char *const rules[] = {"",
#define X(name) #name,
	                                    E1000_MODEL_ERRORS(X)
#undef X
	};

	if (i < E1000_MODEL_COUNTER_MSIX) {
		snprintf(name, size, "%s", names[i]);
		*value = atomic_load(&m->count[i]);
	} else if (i <= E1000_MODEL_COUNTER_VIOLATION) {
		i -= E1000_MODEL_COUNTER_MSIX;
		snprintf(name, size, "%s", vpci_msix_counter_name[i]);
		*value = count_read(&m->pci.msix_count[i]);
	} else if (i < E1000_MODEL_COUNTER_VIOLATION + E1000_MODEL_ERROR_COUNT) {
		i -= E1000_MODEL_COUNTER_VIOLATION;
		snprintf(name, size, "violation.%s", rules[i]);
		*value = atomic_load(&m->violation[i]);
	} else {
		return false;
	}
	return true;
}

/* ---- for the control plane: drivers/nic.h ---- */

static void nic_attach(struct vpci_dev *d, struct vnet_port *port)
{
	model_of(d)->port = port;
}

static void nic_set_mtu(struct vpci_dev *d, uint16_t mtu)
{
	atomic_store(&model_of(d)->mtu, mtu);
}

static void nic_kick(struct vpci_dev *d)
{
	e1000_model_tx_kick(model_of(d));
}

static uint64_t nic_copied(const struct vpci_dev *d)
{
	return count_read(&((const struct e1000_model *)d)->copied);
}

static bool nic_counter(const struct vpci_dev *d, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	return e1000_model_counter((const struct e1000_model *)d, i, name, size, value);
}

/* No hold(): the driver expects its descriptors back in order. */
static const struct vnet_port_ops e1000_model_port_ops = {
    .poll = e1000_model_poll,
    .arm = e1000_model_arm,
    .egress = e1000_model_egress,
    .room = e1000_model_room,
};

const struct nic_ops e1000_model_nic = {
    .port = &e1000_model_port_ops,
    .attach = nic_attach,
    .set_mtu = nic_set_mtu,
    .kick = nic_kick,
    .copied = nic_copied,
    .counter = nic_counter,
};
