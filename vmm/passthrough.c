/*
 * passthrough.c: a physical PCI function on a guest's bus.
 *
 * The guest's configuration space is ours: identity, BARs at places in the guest's own window, and
 * the capabilities for its interrupts.  Memory BARs are mapped, so that the guest uses the device
 * directly; what cannot be (the MSI-X table, a BAR smaller than a page, I/O ports) exits and is
 * carried out here.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/npt.h"
#include "arch/x86_64/platform.h"
#include "vmm/log.h"
#include "vmm/mem.h"
#include "vmm/passthrough.h"
#include "vmm/passthrough_dev.h"

#define PCI_HEADER      0x0E
#define PCI_SUBSYSTEM   0x2C
#define BAR_IO          1u
#define BAR_64BIT       4u
#define BAR_PREFETCH    8u
#define MSI_CAP_SIZE    14u
#define MSIX_CAP_SIZE   12u
#define PCIE_V1_SIZE    0x14u
#define PCIE_SIZE       0x3Cu
#define PCIE_TYPE       0xF0u
#define PCIE_INTEGRATED 0x90u
#define PCIE_FLR        (1u << 28)
#define COMMAND_OWN     (VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER)

static struct passthrough *of(struct vpci_dev *d)
{
	return (struct passthrough *)d;
}

/* --- BARs ----------------------------------------------------------------------------------- */

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

/* Nothing of the device is there: as on a bus that nobody drives. */
static void absent(bool write, uint64_t *val)
{
	if (!write)
		*val = ~0ull;
}

static void bar_access(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
                       uint64_t *val)
{
	struct passthrough *p = of(d);
	const struct passthrough_bar *b = &p->bar[bar];
	bool io = b->kind == VPCI_BAR_IO;
	if (passthrough_msix_access(p, bar, off, size, write, val))
		return;
	if (off + size > b->size || (!io && b->at + b->size > 4 * GIB))
		absent(write, val);
	else if (io && write)
		write_port((uint16_t)(b->at + off), size, (uint32_t)*val);
	else if (io)
		*val = read_port((uint16_t)(b->at + off), size);
	else if (write)
		write_memory(b->at + off, size, *val);
	else
		*val = read_memory(b->at + off, size);
}

/* The function's BARs; one of 64 bits takes two registers, and becomes one of 32 for the guest. */
static void read_bars(struct passthrough *p)
{
	for (unsigned i = 0; i < VPCI_BARS; i++) {
		struct passthrough_bar *b = &p->bar[i];
		uint32_t low = pci_read(p->bdf, PCI_BAR(i), 4);
		bool io = low & BAR_IO, wide = !io && (low & 6) == BAR_64BIT && i + 1 < VPCI_BARS;
		uint32_t high = wide ? pci_read(p->bdf, PCI_BAR(i + 1), 4) : 0;
		b->at = io ? low & 0xFFFC : (uint64_t)high << 32 | (low & ~15u);
		b->prefetch = !io && (low & BAR_PREFETCH);
		b->size = pci_bar_size(p->bdf, i) & (io ? 0xFFFFu : ~0u);
		if (b->at && b->size && b->size <= (io ? VPCI_IO_SIZE : VPCI_MEM_SIZE))
			b->kind = io ? VPCI_BAR_IO : VPCI_BAR_MEM;
		i += wide;
	}
}

static bool add_bars(struct passthrough *p)
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

static bool map(const struct passthrough *p, unsigned bar, uint32_t from, uint32_t to)
{
	return from >= to || npt_map(hvm->npt, p->vm->npt_root, p->dev.bar[bar].home + from,
	                             p->bar[bar].at + from, to - from, true);
}

static bool map_bars(const struct passthrough *p)
{
	for (unsigned i = 0; i < VPCI_BARS; i++) {
		const struct passthrough_bar *b = &p->bar[i];
		uint32_t hole, after;
		if (b->kind != VPCI_BAR_MEM || b->size < PAGE_SIZE)
			continue;
		passthrough_msix_hole(p, i, &hole, &after);
		if (!map(p, i, 0, hole) || !map(p, i, after, b->size))
			return false;
	}
	return true;
}

/* The register as the guest finds it at first. */
static uint32_t bar_register(const struct passthrough *p, unsigned i)
{
	const struct passthrough_bar *b = &p->bar[i];
	if (b->kind == VPCI_BAR_NONE)
		return 0;
	uint32_t type = b->kind == VPCI_BAR_IO ? BAR_IO : b->prefetch ? BAR_PREFETCH : 0;
	return p->dev.bar[i].home | type;
}

/* BARs stay where they are, whatever the guest writes; but it can ask for their sizes. */
static void write_bar(struct passthrough *p, unsigned i, unsigned size, uint32_t val)
{
	uint32_t at = bar_register(p, i);
	bool io = p->bar[i].kind == VPCI_BAR_IO;
	bool sizing = size == 4 && (val | 15) == 0xFFFFFFFF && at;
	p->bar[i].seen = sizing ? ~(p->dev.bar[i].size - 1) | (at & (io ? 3 : 15)) : at;
}

/* --- configuration space -------------------------------------------------------------------- */

static bool is_bar(unsigned off)
{
	return off >= PCI_BAR(0) && off < PCI_BAR(VPCI_BARS);
}

static bool within(unsigned off, uint8_t cap, unsigned size)
{
	return cap && off >= cap && off < cap + size;
}

static bool cfg_read(struct vpci_dev *d, unsigned off, unsigned size, uint32_t *val)
{
	if (!is_bar(off))
		return false;
	uint32_t v = of(d)->bar[(off - PCI_BAR(0)) / 4].seen >> 8 * (off & 3);
	*val = size == 4 ? v : v & ((1u << 8 * size) - 1);
	return true;
}

static bool cfg_write(struct vpci_dev *d, unsigned off, unsigned size, uint32_t val)
{
	struct passthrough *p = of(d);
	bool msi = within(off, p->msi_virt, MSI_CAP_SIZE);
	if (is_bar(off)) {
		write_bar(p, (off - PCI_BAR(0)) / 4, size, val);
		return true;
	}
	if (!msi && !within(off, p->msix_virt, MSIX_CAP_SIZE))
		return false;
	for (unsigned i = 0; i < size; i++) {
		uint8_t m = d->mask[off + i];
		d->cfg[off + i] = (uint8_t)((d->cfg[off + i] & ~m) | (val >> 8 * i & m));
	}
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

static void command(struct vpci_dev *d, uint16_t value)
{
	struct passthrough *p = of(d);
	(void)value; /* it is in dev.command */
	passthrough_command(p);
	if (p->msix_phys)
		passthrough_msix_written(p);
}

/* While it is being reset it is quiet, and hears nothing. */
static void quiesce(struct passthrough *p)
{
	if (p->reset_us)
		return;
	passthrough_msi_off(p);
	passthrough_msix_off(p);
	passthrough_pin_off(p, p->pin);
	pci_write(p->bdf, PCI_COMMAND, 2,
	          pci_read(p->bdf, PCI_COMMAND, 2) & ~(uint32_t)VPCI_CMD_MASTER);
}

static void reset(struct vpci_dev *d)
{
	struct passthrough *p = of(d);
	quiesce(p);
	p->complained = false;
	for (unsigned i = 0; i < VPCI_BARS; i++)
		p->bar[i].seen = bar_register(p, i);
	if (p->has_pin)
		vioapic_reset(&p->vm->ioapic);
}

static const struct vpci_ops ops = {.bar = bar_access,
                                    .cfg_read = cfg_read,
                                    .cfg_write = cfg_write,
                                    .command = command,
                                    .reset = reset};

/* --- making --------------------------------------------------------------------------------- */

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
	uint32_t id = pci_read(bdf, 0, 4), subsystem = pci_read(bdf, PCI_SUBSYSTEM, 4);
	struct passthrough *p = mem_zalloc(sizeof *p);
	if (!p)
		return NULL;
	p->vm = vm;
	p->bdf = bdf;
	vpci_dev_init(&p->dev, "passthrough", &ops, (uint16_t)id, (uint16_t)(id >> 16),
	              pci_read(bdf, 8, 4) >> 8, (uint8_t)pci_read(bdf, 8, 1));
	vpci_put(p->dev.cfg, PCI_SUBSYSTEM, 4, subsystem);
	return p;
}

/* PCI Express, to be read only: some drivers ask for it.  On the guest's bus the function is one of
 * the root complex (type 9); a reset by the guest, which this capability would offer, it has not.
 */
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
static const char *equip(struct passthrough *p)
{
	passthrough_reset_save(p);
	read_bars(p);
	if (!passthrough_msix_init(p))
		return "has no memory left for its MSI-X table";
	passthrough_pin_init(p);
	passthrough_msi_init(p);
	add_pcie(p);
	if (!add_bars(p))
		return "has no memory BAR that can be given to the guest";
	if (!vpci_add(&p->vm->pci, &p->dev, PASSTHROUGH_SLOT))
		return "finds no room on the guest's PCI bus";
	return map_bars(p) ? NULL : "has no memory left for its BARs' page tables";
}

static void discard(struct passthrough *p)
{
	passthrough_msix_free(p);
	mem_zfree(p, sizeof *p);
}

/* NULL, or what failed; `vm->passthrough` is set only when all is done. */
static const char *attach(struct vm *vm, uint16_t bdf)
{
	const char *bad = unfit(bdf);
	struct passthrough *p = bad ? NULL : create(vm, bdf);
	if (bad || !p)
		return bad ? bad : "has no memory left for it";
	bad = equip(p);
	if (bad) {
		discard(p);
		return bad;
	}
	vm->passthrough = p;
	reset(&p->dev);
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
	passthrough_reset_end(vm->passthrough);
	quiesce(vm->passthrough);
	discard(vm->passthrough);
	vm->passthrough = NULL;
}

void passthrough_quiesce(struct vm *vm)
{
	quiesce(vm->passthrough);
	passthrough_reset_begin(vm->passthrough);
}

void passthrough_ready(struct vm *vm)
{
	passthrough_reset_end(vm->passthrough);
	passthrough_command(vm->passthrough);
}
