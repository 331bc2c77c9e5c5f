/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * passthrough.c: a physical PCI function on a guest's bus.
 *
 * The guest's configuration space is emulated: identity, BARs (passthrough/bar.c), and the
 * capabilities for its interrupts.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/pci.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/passthrough/device.h"

#define PCI_HEADER      0x0e
#define PCI_SUBSYSTEM   0x2c
#define MSI_CAP_SIZE    14u
#define MSIX_CAP_SIZE   12u
#define PCIE_V1_SIZE    0x14u
#define PCIE_SIZE       0x3cu
#define PCIE_TYPE       0xf0u
#define PCIE_INTEGRATED 0x90u
#define PCIE_FLR        (1u << 28)
#define COMMAND_OWN     (VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER)

static struct passthrough *to_passthrough(struct vpci_dev *d)
{
	return (struct passthrough *)d;
}

/* --- configuration space -------------------------------------------------------------------- */

static bool is_bar(unsigned off)
{
	return off >= PCI_BAR(0) && off < PCI_BAR(VPCI_BARS);
}

static bool in_capability(unsigned off, uint8_t cap, unsigned size)
{
	return cap && off >= cap && off < cap + size;
}

static bool cfg_read(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t *val)
{
	uint32_t v;

	if (!is_bar(off))
		return false;
	v = to_passthrough(d)->bar[(off - PCI_BAR(0)) / 4].seen >> 8 * (off & 3);
	*val = size == 4 ? v : v & ((1u << 8 * size) - 1);
	return true;
}

static bool cfg_write(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val)
{
	struct passthrough *p = to_passthrough(d);
	bool msi = in_capability(off, p->msi_virt, MSI_CAP_SIZE);

	if (is_bar(off)) {
		passthrough_bar_write(p, (off - PCI_BAR(0)) / 4, size, val);
		return true;
	}
	if (!msi && !in_capability(off, p->msix_virt, MSIX_CAP_SIZE))
		return false;
	vpci_cfg_store(d, off, size, val);
	if (msi)
		passthrough_msi_written(p);
	else
		passthrough_msix_written(p);
	return true;
}

void passthrough_command(struct passthrough *p)
{
	uint16_t guest = atomic_load(&p->dev.command);
	uint32_t phys =
	    pci_read(p->bdf, PCI_COMMAND, 2) & ~(uint32_t)(COMMAND_OWN | VPCI_CMD_INTX_OFF);

	phys |= guest & p->own;
	if (p->pin == PIN_NOBODY || (p->pin == PIN_IOAPIC && (guest & VPCI_CMD_INTX_OFF)))
		phys |= VPCI_CMD_INTX_OFF;
	pci_write(p->bdf, PCI_COMMAND, 2, phys);
}

static void command_written(struct vpci_dev *d, uint16_t value)
{
	struct passthrough *p = to_passthrough(d);

	(void)value; /* already stored in dev.command */
	passthrough_command(p);
	if (p->msix_phys)
		passthrough_msix_written(p);
}

/* Masks the device's interrupts and stops its DMA.  Nothing to do, and its registers must not be
 * accessed, while a reset is under way. */
static void quiesce(struct passthrough *p)
{
	if (p->reset_us)
		return;
	passthrough_msi_off(p);
	passthrough_msix_off(p);
	passthrough_pin_off(p, p->pin);
	if (p->iommu && iommu_remaps_interrupts())
		iommu_interrupts_off(p->iommu);
	pci_write(p->bdf, PCI_COMMAND, 2,
	          pci_read(p->bdf, PCI_COMMAND, 2) & ~(uint32_t)VPCI_CMD_MASTER);
}

static void reset_device(struct vpci_dev *d)
{
	struct passthrough *p = to_passthrough(d);

	quiesce(p);
	p->complained = false;
	passthrough_bars_reset(p);
}

static const struct vpci_ops ops = {.bar = passthrough_bar_access,
                                    .cfg_read = cfg_read,
                                    .cfg_write = cfg_write,
                                    .command = command_written,
                                    .reset = reset_device};

/* --- creation ------------------------------------------------------------------------------- */

const char *passthrough_unfit(uint16_t bdf)
{
	if (pci_read(bdf, 0, 2) == 0xffff)
		return "is not there";
	if (pci_read(bdf, PCI_HEADER, 1) & 0x7f)
		return "is a bridge: only an endpoint can be given to a guest";
	return NULL;
}

static struct passthrough *create(struct vm *vm, unsigned index, uint16_t bdf)
{
	uint32_t id = pci_read(bdf, 0, 4), subsystem = pci_read(bdf, PCI_SUBSYSTEM, 4);
	struct passthrough *p = mem_zalloc(sizeof *p);

	if (!p)
		return NULL;
	p->vm = vm;
	p->index = index;
	p->bdf = bdf;
	vpci_dev_init(&p->dev, "passthrough", &ops, (uint16_t)id, (uint16_t)(id >> 16),
	              pci_read(bdf, 8, 4) >> 8, (uint8_t)pci_read(bdf, 8, 1));
	vpci_put(p->dev.cfg, PCI_SUBSYSTEM, 4, subsystem);
	return p;
}

/* The PCI Express capability, read-only: some drivers look for it.  On the guest's bus the function
 * is an integrated endpoint (type 9), without the function level reset that the guest could start
 * here. */
static void add_pcie(struct passthrough *p)
{
	uint8_t at = pci_find_cap(p->bdf, PCI_CAP_PCIE), body[PCIE_SIZE];
	unsigned size = at && (pci_read(p->bdf, at + 2, 2) & 15) >= 2 ? PCIE_SIZE : PCIE_V1_SIZE;

	if (!at || at + size > sizeof p->dev.cfg)
		return;
	for (unsigned i = 0; i < size; i += 4)
		vpci_put(body, i, 4, pci_read(p->bdf, (uint8_t)(at + i), 4));
	vpci_put(body, 2, 2, (vpci_get(body, 2, 2) & ~PCIE_TYPE) | PCIE_INTEGRATED);
	vpci_put(body, 4, 4, vpci_get(body, 4, 4) & ~PCIE_FLR);
	vpci_cap_add(&p->dev, body, NULL, size);
}

/* NULL, or what failed. */
static const char *set_up_device(struct passthrough *p)
{
	passthrough_reset_save(p);
	passthrough_bars_read(p);
	if (!passthrough_msix_init(p))
		return "has no memory left for its MSI-X table";
	passthrough_pin_init(p);
	passthrough_msi_init(p);
	add_pcie(p);
	if (!passthrough_bars_add(p))
		return "has no memory BAR that can be given to the guest";
	if (!vpci_add(&p->vm->pci, &p->dev, PASSTHROUGH_SLOT - p->index))
		return "finds no room on the guest's PCI bus";
	return passthrough_bars_map(p) ? NULL : "has no memory left for its BARs' page tables";
}

static void discard(struct passthrough *p)
{
	if (p->iommu)
		iommu_detach(p->iommu);
	passthrough_msix_free(p);
	mem_zfree(p, sizeof *p);
}

/* The last link of the guest's list of devices; *n: how many it has. */
static struct passthrough **list_end(struct vm *vm, unsigned *n)
{
	struct passthrough **end = &vm->passthrough;

	for (*n = 0; *end; end = &(*end)->next)
		++*n;
	return end;
}

/* NULL, or what failed.  The device is added to the guest's list only after all steps succeeded. */
static const char *attach_function(struct vm *vm, uint16_t bdf)
{
	unsigned n;
	struct passthrough **end = list_end(vm, &n);
	const char *bad =
	    n == PASSTHROUGH_MAX ? "is one more than a guest can have" : passthrough_unfit(bdf);
	struct passthrough *p = bad ? NULL : create(vm, n, bdf);

	if (bad || !p)
		return bad ? bad : "has no memory left for it";
	bad = passthrough_confine(p);
	if (!bad)
		bad = set_up_device(p);
	if (bad) {
		discard(p);
		return bad;
	}
	*end = p;
	reset_device(&p->dev);
	return NULL;
}

bool passthrough_attach(struct vm *vm, uint16_t bdf, char *why, size_t size)
{
	char name[12];
	const char *bad;

	snprintf(name, sizeof name, "%02x:%02x.%u", bdf >> 8, bdf >> 3 & 31u, bdf & 7u);
	bad = attach_function(vm, bdf);
	if (bad) {
		snprintf(why, size, "guest %s: device %s %s", vm->name, name, bad);
		return false;
	}
	passthrough_log_risk(vm, name);
	return true;
}

bool passthrough_detach(struct vm *vm)
{
	struct passthrough *p;

	while ((p = vm->passthrough)) {
		vm->passthrough = p->next;
		passthrough_reset_end(p);
		quiesce(p);
		discard(p);
	}
	return passthrough_unconfine(vm);
}

/* The resets of all devices run in parallel. */
void passthrough_quiesce(struct vm *vm)
{
	for (struct passthrough *p = vm->passthrough; p; p = p->next) {
		quiesce(p);
		passthrough_reset_begin(p);
	}
}

void passthrough_ready(struct vm *vm)
{
	for (struct passthrough *p = vm->passthrough; p; p = p->next) {
		passthrough_reset_end(p);
		passthrough_command(p);
	}
}
