/*
 * PCI passthrough.  The guest uses the device's memory BARs directly; configuration space is
 * translated here.  The guest always sees one MSI capability: behind it is the device's own MSI or,
 * for a device without, its INTx pin at the I/O APIC.  Either way the interrupt goes straight to
 * the guest's core: no exit.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/npt.h"
#include "arch/x86_64/platform.h"
#include "vmm/log.h"
#include "vmm/mem.h"
#include "vmm/passthrough.h"
#include "vmm/vm.h"

#define PCI_COMMAND  0x04
#define PCI_BAR0     0x10
#define PCI_HEADER   0x0E
#define PCI_INT_LINE 0x3C
#define PCI_CAP_MSI  5
#define PCI_CAP_MSIX 0x11
#define MSI_ENABLE   1
#define MSI_64BIT    0x80
#define MSI_LOGICAL  4 /* of the address */
#define MSI_MODE     0x700
#define MSI_LOWEST   0x100
#define MSI_DEST_MAX 0xFF /* without interrupt remapping; the I/O APIC has 8 bits too */
#define COMMAND_OWN  (VPCI_CMD_MEM | VPCI_CMD_MASTER)

struct passthrough {
	struct vpci_dev dev; /* first: the bus hands us this pointer */
	struct vm *vm;
	uint16_t bdf;
	uint8_t msi_phys; /* the device's own capability; 0: INTx */
	uint8_t msi_virt; /* the one that the guest sees */
	bool irq_on;
	bool complained;         /* of a message; once a life, the guest can go on for ever */
	uint32_t bar[VPCI_BARS]; /* address and type bits; 0: not given to the guest */
	uint32_t bar_size[VPCI_BARS];
	uint32_t bar_seen[VPCI_BARS]; /* what the guest reads: for the sizing by ones */
};

static uint32_t cfg32(const struct vpci_dev *d, unsigned off)
{
	uint32_t v;
	memcpy(&v, d->cfg + off, 4);
	return v;
}

/* --- interrupts ----------------------------------------------------------------------------- */

static uint32_t intx_gsi(const struct passthrough *p)
{
	uint32_t line = pci_read(p->bdf, PCI_INT_LINE, 1);
	return line < 16 ? acpi.isa_irq[line].gsi : line;
}

static void irq_off(struct passthrough *p)
{
	if (p->msi_phys)
		pci_write(p->bdf, p->msi_phys + 2, 2,
		          pci_read(p->bdf, p->msi_phys + 2, 2) & ~(uint32_t)MSI_ENABLE);
	else
		ioapic_mask(intx_gsi(p));
	p->irq_on = false;
}

static void msi_program(struct passthrough *p, uint32_t apic_id, uint8_t vector)
{
	uint32_t control = pci_read(p->bdf, p->msi_phys + 2, 2);
	unsigned data = control & MSI_64BIT ? 12 : 8;
	pci_write(p->bdf, p->msi_phys + 4, 4, VAPIC_PAGE | apic_id << 12);
	if (control & MSI_64BIT)
		pci_write(p->bdf, p->msi_phys + 8, 4, 0);
	pci_write(p->bdf, (uint8_t)(p->msi_phys + data), 2, vector);
	pci_write(p->bdf, p->msi_phys + 2, 2, (control & ~0x70u) | MSI_ENABLE);
}

static void refuse(struct passthrough *p, const char *what, uint32_t addr, uint16_t message)
{
	if (!p->complained)
		log_warn("%s: MSI to %08x, message %04x refused: %s", p->vm->name, addr, message,
		         what);
	p->complained = true;
}

/* The message that the guest wrote, checked, sent to the core that its destination lives on. */
static void irq_on(struct passthrough *p)
{
	const struct vpci_dev *d = &p->dev;
	uint32_t addr = cfg32(d, p->msi_virt + 4);
	uint16_t message;
	memcpy(&message, d->cfg + p->msi_virt + 12, 2);
	uint8_t vector = (uint8_t)message;
	struct vcpu *t = vapic_target(p->vm, addr >> 12 & 0xFF, addr & MSI_LOGICAL);
	if (addr >> 20 != VAPIC_PAGE >> 20 || !t) {
		refuse(p, "no vCPU has this address", addr, message);
	} else if ((message & MSI_MODE) > MSI_LOWEST || vector < 16) {
		refuse(p, "not a vector", addr, message);
	} else if (t->core->apic_id > MSI_DEST_MAX) {
		refuse(p, "its core's APIC ID has more than 8 bits: give it another core", addr,
		       message);
	} else {
		if (p->msi_phys)
			msi_program(p, t->core->apic_id, vector);
		else
			ioapic_route(intx_gsi(p), t->core->apic_id, vector, true);
		p->irq_on = true;
	}
}

static void msi_written(struct passthrough *p)
{
	if (p->irq_on)
		irq_off(p);
	if (p->dev.cfg[p->msi_virt + 2] & MSI_ENABLE)
		irq_on(p);
}

/* --- configuration space -------------------------------------------------------------------- */

static struct passthrough *of(struct vpci_dev *d)
{
	return (struct passthrough *)d;
}

static bool cfg_read(struct vpci_dev *d, unsigned off, unsigned size, uint32_t *val)
{
	struct passthrough *p = of(d);
	if (off < PCI_BAR0 || off >= PCI_BAR0 + 4 * VPCI_BARS)
		return false;
	uint32_t v = p->bar_seen[(off - PCI_BAR0) / 4] >> 8 * (off & 3);
	*val = size == 4 ? v : v & ((1u << 8 * size) - 1);
	return true;
}

static bool cfg_write(struct vpci_dev *d, unsigned off, unsigned size, uint32_t val)
{
	struct passthrough *p = of(d);
	if (off >= PCI_BAR0 && off < PCI_BAR0 + 4 * VPCI_BARS) {
		unsigned i = (off - PCI_BAR0) / 4;
		bool sizing = size == 4 && (val | 15) == 0xFFFFFFFF && p->bar[i];
		p->bar_seen[i] = sizing ? ~(p->bar_size[i] - 1) | (p->bar[i] & 15) : p->bar[i];
		return true;
	}
	if (off < p->msi_virt || off >= p->msi_virt + 14u)
		return false;
	for (unsigned i = 0; i < size; i++) {
		uint8_t m = d->mask[off + i];
		d->cfg[off + i] = (uint8_t)((d->cfg[off + i] & ~m) | (val >> 8 * i & m));
	}
	msi_written(p);
	return true;
}

static void command(struct vpci_dev *d, uint16_t value)
{
	struct passthrough *p = of(d);
	uint32_t phys =
	    pci_read(p->bdf, PCI_COMMAND, 2) & ~(uint32_t)(COMMAND_OWN | VPCI_CMD_INTX_OFF);
	phys |= value & COMMAND_OWN;
	if (p->msi_phys)
		phys |= VPCI_CMD_INTX_OFF;
	pci_write(p->bdf, PCI_COMMAND, 2, phys);
}

static void quiesce(struct passthrough *p)
{
	irq_off(p);
	pci_write(p->bdf, PCI_COMMAND, 2,
	          pci_read(p->bdf, PCI_COMMAND, 2) & ~(uint32_t)VPCI_CMD_MASTER);
}

static void reset(struct vpci_dev *d)
{
	struct passthrough *p = of(d);
	quiesce(p);
	p->complained = false;
	memcpy(p->bar_seen, p->bar, sizeof p->bar);
}

static const struct vpci_ops ops = {
    .cfg_read = cfg_read, .cfg_write = cfg_write, .command = command, .reset = reset};

/* --- making --------------------------------------------------------------------------------- */

/* The BAR with the MSI-X table stays hidden: whoever writes that table interrupts any core. */
static int msix_bar(uint16_t bdf)
{
	uint8_t cap = pci_find_cap(bdf, PCI_CAP_MSIX);
	return cap ? (int)(pci_read(bdf, cap + 4, 4) & 7) : -1;
}

/* The guest's own PCI window, where its virtio devices are, must not hide the device. */
static bool in_window(uint64_t at, uint64_t size)
{
	return at < VPCI_MEM_BASE + (uint64_t)VPCI_MEM_SIZE && VPCI_MEM_BASE < at + size;
}

static bool map_bars(struct passthrough *p)
{
	int hidden = msix_bar(p->bdf);
	bool any = false;
	for (unsigned i = 0; i < VPCI_BARS; i++) {
		uint32_t bar = pci_read(p->bdf, (uint8_t)(PCI_BAR0 + 4 * i), 4);
		uint32_t size = pci_bar_size(p->bdf, i), at = bar & ~15u;
		bool is64 = (bar & 7) == 4;
		if (!(bar & 1) && at && size >= PAGE_SIZE && (int)i != hidden && !is64 &&
		    !in_window(at, size)) {
			if (!npt_map(hvm->npt, p->vm->npt_root, at, at, size, true))
				return false;
			p->bar[i] = bar;
			p->bar_size[i] = size;
			any = true;
		}
		i += is64;
	}
	return any;
}

static void add_msi(struct passthrough *p)
{
	uint8_t body[14] = {PCI_CAP_MSI, 0, MSI_64BIT, 0};
	uint8_t mask[14] = {0,    0,    MSI_ENABLE, 0,    0xFC, 0xFF, 0xFF,
	                    0xFF, 0xFF, 0xFF,       0xFF, 0xFF, 0xFF, 0xFF};
	p->msi_virt = (uint8_t)vpci_cap_add(&p->dev, body, mask, sizeof body);
}

/* NULL, or why the function cannot be given to a guest. */
static const char *unfit(uint16_t bdf)
{
	if (pci_read(bdf, 0, 2) == 0xFFFF)
		return "is not there";
	if (pci_read(bdf, PCI_HEADER, 1) & 0x7F)
		return "is a bridge: only an endpoint can be given to a guest";
	return NULL;
}

static struct passthrough *create(struct vm *vm, uint16_t bdf)
{
	uint32_t id = pci_read(bdf, 0, 4);
	struct passthrough *p = mem_zalloc(sizeof *p);
	if (!p)
		return NULL;
	p->vm = vm;
	p->bdf = bdf;
	p->msi_phys = pci_find_cap(bdf, PCI_CAP_MSI);
	vpci_dev_init(&p->dev, "passthrough", &ops, (uint16_t)id, (uint16_t)(id >> 16),
	              pci_read(bdf, 8, 4) >> 8, (uint8_t)pci_read(bdf, 8, 1));
	add_msi(p);
	return p;
}

/* NULL, or what failed; `vm->passthrough` is set only when all is done. */
static const char *attach(struct vm *vm, uint16_t bdf)
{
	const char *bad = unfit(bdf);
	struct passthrough *p = bad ? NULL : create(vm, bdf);
	if (!bad && !p)
		bad = "has no memory left for it";
	if (!bad && !map_bars(p))
		bad = "has no memory BAR that can be given to the guest";
	if (!bad && !vpci_add(&vm->pci, &p->dev, 0))
		bad = "finds no room on the guest's PCI bus";
	if (bad) {
		mem_zfree(p, sizeof *p);
		return bad;
	}
	memcpy(p->bar_seen, p->bar, sizeof p->bar);
	vm->passthrough = p;
	quiesce(p);
	return NULL;
}

bool passthrough_attach(struct vm *vm, uint16_t bdf, char *why, size_t size)
{
	char name[12];
	snprintf(name, sizeof name, "%02x:%02x.%u", bdf >> 8, bdf >> 3 & 31u, bdf & 7u);
	const char *bad = attach(vm, bdf);
	if (bad) {
		snprintf(why, size, "guest %s: device %s %s", vm->name, name, bad);
		return false;
	}
	log_warn("%s: device %s passed through without an IOMMU: its DMA reaches all memory",
	         vm->name, name);
	return true;
}

void passthrough_detach(struct vm *vm)
{
	quiesce(vm->passthrough);
	mem_zfree(vm->passthrough, sizeof *vm->passthrough);
	vm->passthrough = NULL;
}

void passthrough_quiesce(struct vm *vm)
{
	quiesce(vm->passthrough);
}
