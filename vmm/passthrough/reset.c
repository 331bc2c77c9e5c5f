/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reset.c: resets a device after its guest has stopped, by the first of these that it has: a
 * function level reset (PCI Express 3.0, 6.6.2; Advanced Capabilities for Conventional PCI), the
 * power state D3hot and back (PCI Power Management 1.2, 5.4.1), or, for an 82540EM or 82574L, its
 * own registers.
 *
 * The reset runs while no guest has the device; only a guest that starts earlier waits for its end.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pci.h"
#include "arch/x86_64/tsc.h"
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/regs.h"
#include "lib/log.h"
#include "vmm/passthrough/device.h"

#define PCIE_DEVCAP      4
#define PCIE_DEVCAP_FLR  (1u << 28)
#define PCIE_DEVCTL      8
#define PCIE_DEVCTL_FLR  0x8000u
#define PCIE_LNKCTL      0x10
#define PCIE_DEVCTL2     0x28
#define PCIE_VERSION     15u
#define PCI_CACHE_LINE   0x0c /* and the latency timer */
#define AF_CAP           3
#define AF_CAP_FLR       2u
#define AF_CTRL          4
#define AF_CTRL_FLR      1u
#define PM_CSR           4
#define PM_STATE         3u
#define PM_D3HOT         3u
#define PM_NO_SOFT_RESET 8u
#define FLR_US           100000
#define D3_US            10000

static void save_register(struct passthrough *p, unsigned reg, unsigned size)
{
	p->saved[p->n_saved].reg = (uint8_t)reg;
	p->saved[p->n_saved].size = (uint8_t)size;
	p->saved[p->n_saved++].value = pci_read(p->bdf, (uint8_t)reg, size);
}

/* Registers that the firmware has set up: BARs, the interrupt line, payload sizes that fit the
 * bridges above. */
void passthrough_reset_save(struct passthrough *p)
{
	uint8_t pcie = pci_find_cap(p->bdf, PCI_CAP_PCIE);

	_Static_assert(VPCI_BARS + 6 <= PASSTHROUGH_SAVED, "one for each save_register()");
	for (unsigned i = 0; i < VPCI_BARS; i++)
		save_register(p, PCI_BAR(i), 4);
	save_register(p, PCI_CACHE_LINE, 2);
	save_register(p, PCI_INT_LINE, 1);
	if (pcie) {
		save_register(p, pcie + PCIE_DEVCTL, 2);
		save_register(p, pcie + PCIE_LNKCTL, 2);
	}
	if (pcie && (pci_read(p->bdf, pcie + 2, 2) & PCIE_VERSION) >= 2)
		save_register(p, pcie + PCIE_DEVCTL2, 2);
	save_register(p, PCI_COMMAND, 2);
}

/* Disables interrupts, receiver and transmitter before the device reset: an emulated 82540EM
 * ignores the reset bit. */
static bool reset_nic(const struct passthrough *p)
{
	uint16_t device = (uint16_t)pci_read(p->bdf, 2, 2);
	volatile uint32_t *reg = (void *)(uintptr_t)p->bar[0].at;

	if (pci_read(p->bdf, 0, 2) != E1000_VENDOR ||
	    (device != E1000_82540EM && device != E1000_82574L) || p->bar[0].kind != VPCI_BAR_MEM ||
	    p->bar[0].at + p->bar[0].size > 4 * GIB)
		return false;
	pci_write(p->bdf, PCI_COMMAND, 2, pci_read(p->bdf, PCI_COMMAND, 2) | VPCI_CMD_MEM);
	reg[IMC / 4] = INT_ALL;
	reg[RCTL / 4] = 0;
	reg[TCTL / 4] = 0;
	reg[CTRL / 4] |= CTRL_RST;
	return true;
}

/* The device does no DMA while bus mastering is off; but the next guest that turns it on finds the
 * device as the last guest left it. */
static uint32_t no_reset(const struct passthrough *p)
{
	log_warn("guest %s: no way to reset device %02x:%02x.%u: it keeps its state, and may "
	         "resume old DMA when the next driver turns bus mastering on",
	         p->vm->name, p->bdf >> 8, p->bdf >> 3 & 31u, p->bdf & 7u);
	return 0;
}

/* Begins the reset; returns how many microseconds the device then needs. */
static uint32_t start_reset(const struct passthrough *p)
{
	uint8_t pcie = pci_find_cap(p->bdf, PCI_CAP_PCIE), af = pci_find_cap(p->bdf, PCI_CAP_AF);
	uint8_t pm = pci_find_cap(p->bdf, PCI_CAP_PM);
	bool done;

	if (pcie && (pci_read(p->bdf, pcie + PCIE_DEVCAP, 4) & PCIE_DEVCAP_FLR)) {
		pci_write(p->bdf, pcie + PCIE_DEVCTL, 2,
		          pci_read(p->bdf, pcie + PCIE_DEVCTL, 2) | PCIE_DEVCTL_FLR);
		return FLR_US;
	}
	if (af && (pci_read(p->bdf, af + AF_CAP, 1) & AF_CAP_FLR)) {
		pci_write(p->bdf, af + AF_CTRL, 1, AF_CTRL_FLR);
		return FLR_US;
	}
	done = reset_nic(p);
	if (!pm || (pci_read(p->bdf, pm + PM_CSR, 2) & PM_NO_SOFT_RESET))
		return done ? 0 : no_reset(p);
	pci_write(p->bdf, pm + PM_CSR, 2,
	          (pci_read(p->bdf, pm + PM_CSR, 2) & ~PM_STATE) | PM_D3HOT);
	return D3_US;
}

void passthrough_reset_begin(struct passthrough *p)
{
	p->reset_us = start_reset(p);
	p->reset_tsc = rdtsc();
}

static void leave_d3(const struct passthrough *p)
{
	uint8_t pm = pci_find_cap(p->bdf, PCI_CAP_PM);
	uint32_t csr = pm ? pci_read(p->bdf, pm + PM_CSR, 2) : 0;

	if (!(csr & PM_STATE))
		return;
	pci_write(p->bdf, pm + PM_CSR, 2, csr & ~PM_STATE);
	tsc_delay_us(D3_US);
}

void passthrough_reset_end(struct passthrough *p)
{
	uint64_t us;

	if (!p->reset_us)
		return;
	us = (rdtsc() - p->reset_tsc) * 1000 / tsc_khz;
	if (us < p->reset_us)
		tsc_delay_us(p->reset_us - us);
	leave_d3(p);
	for (unsigned i = 0; i < p->n_saved; i++)
		pci_write(p->bdf, p->saved[i].reg, p->saved[i].size, p->saved[i].value);
	p->reset_us = 0;
}
