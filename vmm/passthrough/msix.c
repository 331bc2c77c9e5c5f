/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msix.c: MSI-X of a passed-through device.  The guest sees the device's capability with a control
 * word of its own.  The pages of the table are not mapped, so each access to them exits
 * (passthrough/msix_table.h); pending bits in other pages are read without an exit.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pci.h"
#include "lib/bytes.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/passthrough/device.h"

#define CONTROL        2
#define CONTROL_ENABLE 0x8000u
#define CONTROL_MASK   0x4000u
#define CONTROL_SIZE   0x7ffu /* number of entries, minus one */
#define TABLE          4
#define TABLE_BAR      7u
#define CAP_SIZE       12

static bool translate_message(void *ctx, unsigned n, const struct msix_message *guest,
                              struct msix_message *phys)
{
	struct irq_target t;
	struct iommu_message m;

	if (!passthrough_message(ctx, guest->addr, guest->data, &t) ||
	    !passthrough_send(ctx, n, &t, &m))
		return false;
	*phys = (struct msix_message){m.address, m.data};
	return true;
}

/* Finds the table.  False: its address cannot be used, so the guest gets neither MSI-X nor that
 * BAR. */
static bool find_table(struct passthrough *p, uint8_t cap, uint32_t entries)
{
	uint32_t table = pci_read(p->bdf, cap + TABLE, 4), bytes = entries * MSIX_ENTRY_BYTES;
	struct passthrough_bar *b;

	p->msix_bar = table & TABLE_BAR;
	p->msix_at = table & ~TABLE_BAR;
	if (p->msix_bar >= VPCI_BARS)
		return false;
	b = &p->bar[p->msix_bar];
	if (b->kind != VPCI_BAR_MEM || b->at + b->size > 4 * GIB || bytes > b->size ||
	    p->msix_at > b->size - bytes) {
		b->kind = VPCI_BAR_NONE;
		return false;
	}
	p->msix.n = entries;
	p->msix.hw = (volatile uint32_t(*)[4])(uintptr_t)(b->at + p->msix_at);
	return true;
}

static void add_capability(struct passthrough *p)
{
	uint8_t body[CAP_SIZE] = {PCI_CAP_MSIX}, mask[CAP_SIZE] = {0};

	put_le16(body + CONTROL, (uint16_t)(p->msix.n - 1));
	put_le32(body + TABLE, pci_read(p->bdf, p->msix_phys + TABLE, 4));
	put_le32(body + 8, pci_read(p->bdf, p->msix_phys + 8, 4));
	put_le16(mask + CONTROL, CONTROL_ENABLE | CONTROL_MASK);
	p->msix_virt = (uint8_t)vpci_cap_add(&p->dev, body, mask, sizeof body);
}

bool passthrough_msix_init(struct passthrough *p)
{
	uint8_t cap = pci_find_cap(p->bdf, PCI_CAP_MSIX);

	if (!cap)
		return true;
	if (!find_table(p, cap, (pci_read(p->bdf, cap + CONTROL, 2) & CONTROL_SIZE) + 1)) {
		log_warn("guest %s: device %02x:%02x.%u has no MSI-X here: its table's address "
		         "cannot be used",
		         p->vm->name, p->bdf >> 8, p->bdf >> 3 & 31u, p->bdf & 7u);
		return true;
	}
	p->msix.entry = mem_zalloc(p->msix.n * MSIX_ENTRY_BYTES);
	p->msix.translate = translate_message;
	p->msix.ctx = p;
	p->msix_phys = cap;
	add_capability(p);
	return p->msix.entry;
}

void passthrough_msix_free(struct passthrough *p)
{
	if (p->msix.entry)
		mem_zfree(p->msix.entry, p->msix.n * MSIX_ENTRY_BYTES);
}

/* The table is written before the function is enabled, and only while the guest has memory decoding
 * on: otherwise the device ignores the writes, and MSI-X must not be enabled with stale entries. */
void passthrough_msix_written(struct passthrough *p)
{
	uint8_t at = (uint8_t)(p->msix_phys + CONTROL);
	uint32_t bits = CONTROL_ENABLE | CONTROL_MASK, guest = 0;
	uint32_t others = pci_read(p->bdf, at, 2) & ~bits;

	if (vpci_enabled(&p->dev, VPCI_CMD_MEM)) {
		guest = le16(p->dev.cfg + p->msix_virt + CONTROL) & bits;
		msix_pass_enable(&p->msix, guest & CONTROL_ENABLE);
	}
	pci_write(p->bdf, at, 2, others | guest);
}

void passthrough_msix_off(struct passthrough *p)
{
	uint8_t at = (uint8_t)(p->msix_phys + CONTROL);

	if (!p->msix_phys)
		return;
	pci_write(p->bdf, at, 2, pci_read(p->bdf, at, 2) & ~(CONTROL_ENABLE | CONTROL_MASK));
	msix_pass_reset(&p->msix);
}

static uint32_t table_end(const struct passthrough *p)
{
	return p->msix_at + p->msix.n * MSIX_ENTRY_BYTES;
}

void passthrough_msix_hole(const struct passthrough *p, unsigned bar, uint32_t *from, uint32_t *to)
{
	*from = *to = p->bar[bar].size;
	if (!p->msix_phys || bar != p->msix_bar)
		return;
	*from = p->msix_at & ~(uint32_t)(PAGE_SIZE - 1);
	*to = (uint32_t)((table_end(p) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1));
}

bool passthrough_msix_access(struct passthrough *p, unsigned bar, uint32_t off, unsigned size,
                             bool write, uint64_t *val)
{
	if (!p->msix_phys || bar != p->msix_bar || off + size <= p->msix_at || off >= table_end(p))
		return false;
	/* An access that begins before the table wraps to a huge offset here: it is refused. */
	msix_pass_access(&p->msix, off - p->msix_at, size, write, val);
	return true;
}
