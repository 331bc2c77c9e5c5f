/* SPDX-License-Identifier: BSD-2-Clause */
/* vpci.c: configuration space, base addresses and dispatch; see vpci.h. */
#include <string.h>
#include "drivers/bus/vpci.h"

/* Registers of a type 0 header (PCI 3.0, 6.1). */
#define CFG_VENDOR    0x00
#define CFG_DEVICE    0x02
#define CFG_COMMAND   0x04
#define CFG_STATUS    0x06
#define CFG_REVISION  0x08
#define CFG_CLASS     0x09
#define CFG_BAR(i)    (0x10 + 4 * (i))
#define CFG_CAP       0x34
#define CFG_LINE      0x3c
#define CFG_FIRST_CAP 0x40

#define STATUS_CAP_LIST 0x10
#define BAR_IO          1 /* low bits of an I/O BAR */

#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define ADDRESS_ENABLE 0x80000000u

void vpci_dev_init(struct vpci_dev *d, const char *name, const struct vpci_ops *ops,
                   uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t revision)
{
	memset(d, 0, sizeof *d);
	d->name = name;
	d->cfg_size = VPCI_CFG_SIZE;
	d->ops = ops;
	vpci_put(d->cfg, CFG_VENDOR, 2, vendor);
	vpci_put(d->cfg, CFG_DEVICE, 2, device);
	vpci_put(d->cfg, CFG_REVISION, 1, revision);
	vpci_put(d->cfg, CFG_CLASS, 3, class_code);
	/* As firmware leaves the register: decoding on, bus mastering off until the driver starts.
	 */
	vpci_put(d->cfg, CFG_COMMAND, 2, VPCI_CMD_IO | VPCI_CMD_MEM);
	vpci_put(d->mask, CFG_COMMAND, 2,
	         VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER | VPCI_CMD_INTX_OFF);
	d->mask[CFG_LINE] = 0xff;
	d->cap_end = CFG_FIRST_CAP;
	d->cap_last = CFG_CAP;
}

void vpci_bar_init(struct vpci_dev *d, unsigned index, enum vpci_bar_kind kind, uint32_t size)
{
	struct vpci_bar *b = &d->bar[index];

	b->dev = d;
	b->kind = kind;
	b->index = index;
	b->size = kind == VPCI_BAR_IO ? VPCI_IO_SIZE : size;
	vpci_put(d->mask, CFG_BAR(index), 4, ~(b->size - 1));
}

unsigned vpci_cap_add(struct vpci_dev *d, const uint8_t *body, const uint8_t *mask, unsigned len)
{
	unsigned at = d->cap_end;

	if (len < 2 || at + len > sizeof d->cfg)
		return 0;
	memcpy(&d->cfg[at], body, len);
	if (mask)
		memcpy(&d->mask[at], mask, len);
	d->mask[at] = d->mask[at + 1] = 0;
	d->cfg[at + 1] = 0;
	d->cfg[d->cap_last] = (uint8_t)at;
	d->cap_last = (uint8_t)(at + 1);
	d->cap_end = (uint16_t)((at + len + 3) & ~3u);
	vpci_put(d->cfg, CFG_STATUS, 2, STATUS_CAP_LIST);
	return at;
}

/* The address in a BAR register, or 0 (never a BAR's address) when its decoding is off. */
static uint32_t bar_address(const struct vpci_dev *d, const struct vpci_bar *b)
{
	uint16_t need = b->kind == VPCI_BAR_IO ? VPCI_CMD_IO : VPCI_CMD_MEM;

	if (b->kind == VPCI_BAR_NONE || !vpci_enabled(d, need))
		return 0;
	return vpci_get(d->cfg, CFG_BAR(b->index), 4) & ~(b->size - 1);
}

/* The BAR's index in the table of I/O ports, or 0 for none: above 64 KiB, or at the configuration
 * ports. */
static unsigned io_table_index(const struct vpci_bar *b)
{
	uint32_t base = atomic_load(&b->base);

	if (b->kind != VPCI_BAR_IO || base > 0xffff ||
	    base / VPCI_IO_SIZE == PORT_ADDRESS / VPCI_IO_SIZE)
		return 0;
	return base / VPCI_IO_SIZE;
}

static void set_base(struct vpci_bar *b, uint32_t base)
{
	if (atomic_exchange(&b->base, base) != base && b->dev->ops->moved)
		b->dev->ops->moved(b->dev, b->index);
}

/* Recomputes the addresses of all BARs.  Unchanged entries of the port table are overwritten with
 * the same value, so a kick on another core always finds its device. */
static void update_bar_map(struct vpci *p)
{
	struct vpci_bar *table[256] = {0};

	for (unsigned s = VPCI_SLOTS; s-- > 0;)
		for (unsigned i = 0; p->dev[s] && i < VPCI_BARS; i++) {
			struct vpci_bar *b = &p->dev[s]->bar[i];

			set_base(b, bar_address(p->dev[s], b));
			if (io_table_index(b))
				table[io_table_index(b)] = b;
		}
	for (unsigned i = 0; i < 256; i++)
		atomic_store_explicit(&p->io[i], table[i], memory_order_release);
}

static bool cfg_reaches(const struct vpci_dev *d, uint16_t off, unsigned size)
{
	return size <= 4 && (off & 3) + size <= 4 && off + size <= d->cfg_size;
}

/* Reads the generic registers.  Registers above them that the device does not implement read as 0,
 * which also means "no extended capability" (PCI Express 4.0, 7.6). */
static uint32_t generic_read(const struct vpci_dev *d, uint16_t off, unsigned size)
{
	return off + size <= sizeof d->cfg ? vpci_get(d->cfg, off, size) : 0;
}

uint32_t vpci_cfg_read(struct vpci_dev *d, uint16_t off, unsigned size)
{
	uint32_t val;

	if (!cfg_reaches(d, off, size))
		return ~0u;
	if (d->ops->cfg_read && d->ops->cfg_read(d, off, size, &val))
		return val;
	return generic_read(d, off, size);
}

void vpci_cfg_store(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val)
{
	for (unsigned i = 0; i < size && off + i < sizeof d->cfg; i++) {
		uint8_t m = d->mask[off + i], v = (uint8_t)(val >> (8 * i));

		d->cfg[off + i] = (uint8_t)((d->cfg[off + i] & ~m) | (v & m));
	}
}

static bool overlaps(unsigned off, unsigned size, unsigned reg, unsigned len)
{
	return off < reg + len && reg < off + size;
}

/* Under msix_lock, so that no MSI-X message is being sent once bus mastering is off. */
static void command_set(struct vpci_dev *d, uint16_t command)
{
	spin_lock(&d->msix_lock);
	atomic_store(&d->command, command);
	spin_unlock(&d->msix_lock);
}

static void command_written(struct vpci_dev *d)
{
	uint16_t command = (uint16_t)vpci_get(d->cfg, CFG_COMMAND, 2);

	if (command == atomic_load(&d->command))
		return;
	command_set(d, command);
	update_bar_map(d->bus);
	if (d->ops->command)
		d->ops->command(d, command);
}

void vpci_cfg_write(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val)
{
	if (!cfg_reaches(d, off, size) ||
	    (d->ops->cfg_write && d->ops->cfg_write(d, off, size, val)))
		return;
	vpci_cfg_store(d, off, size, val);
	if (overlaps(off, size, CFG_COMMAND, 2))
		command_written(d);
	if (overlaps(off, size, CFG_BAR(0), 4 * VPCI_BARS))
		update_bar_map(d->bus);
	if (d->msix_cap && overlaps(off, size, d->msix_cap + 2u, 2))
		vpci_msix_control(d, (uint16_t)vpci_get(d->cfg, d->msix_cap + 2u, 2));
}

/* The device selected by the address register; NULL: no such bus, device or function. */
static struct vpci_dev *selected_device(const struct vpci *p)
{
	if (!(p->address & ADDRESS_ENABLE) || (p->address & 0x00ff0700))
		return NULL;
	return p->dev[p->address >> 11 & 31];
}

static void data_access(struct vpci *p, unsigned byte, unsigned size, bool write, uint32_t *val)
{
	struct vpci_dev *d = selected_device(p);
	uint16_t off = (uint16_t)((p->address & 0xfc) + byte);

	if (d && write)
		vpci_cfg_write(d, off, size, *val);
	else if (!write)
		*val = d ? vpci_cfg_read(d, off, size) : ~0u;
}

/* The eight ports of mechanism #1. The address register takes only dwords; smaller accesses reach
 * no device, as on a PC. */
static bool config_io(struct vpci *p, uint16_t port, unsigned size, bool write, uint32_t *val)
{
	unsigned byte = port & 3;

	if (byte + size > 4)
		return false;
	spin_lock(&p->lock);
	if (port >= PORT_DATA)
		data_access(p, byte, size, write, val);
	else if (size == 4 && write)
		p->address = *val;
	else if (!write)
		*val = size == 4 ? p->address : ~0u;
	spin_unlock(&p->lock);
	return true;
}

static bool is_config_port(uint16_t port)
{
	return (port & ~7u) == PORT_ADDRESS;
}

static struct vpci_bar *io_bar(struct vpci *p, uint16_t port)
{
	return atomic_load_explicit(&p->io[port / VPCI_IO_SIZE], memory_order_acquire);
}

bool vpci_claims_io(struct vpci *p, uint16_t port)
{
	return io_bar(p, port) || is_config_port(port);
}

bool vpci_io(struct vpci *p, uint16_t port, unsigned size, bool write, uint32_t *val)
{
	struct vpci_bar *b = io_bar(p, port);
	unsigned off = port % VPCI_IO_SIZE;
	uint64_t v;

	if (!b)
		return is_config_port(port) && config_io(p, port, size, write, val);
	if (off + size > VPCI_IO_SIZE)
		return false;

	v = *val;

	b->dev->ops->bar(b->dev, b->index, off, size, write, &v);
	*val = (uint32_t)v;
	return true;
}

static struct vpci_bar *find_mem(struct vpci *p, uint64_t gpa, unsigned size)
{
	for (unsigned s = 0; s < VPCI_SLOTS; s++)
		for (unsigned i = 0; p->dev[s] && i < VPCI_BARS; i++) {
			struct vpci_bar *b = &p->dev[s]->bar[i];
			uint32_t base = atomic_load(&b->base);

			if (b->kind == VPCI_BAR_MEM && base && gpa >= base && gpa - base < b->size)
				return gpa - base <= b->size - size ? b : NULL;
		}
	return NULL;
}

bool vpci_mmio(struct vpci *p, uint64_t gpa, unsigned size, bool write, uint64_t *val)
{
	struct vpci_bar *b = find_mem(p, gpa, size);
	struct vpci_dev *d;
	uint32_t off;

	if (!b)
		return false;

	d = b->dev;
	off = (uint32_t)gpa & (b->size - 1);

	if (d->msix_n && b->index == d->msix_bar)
		vpci_msix_access(d, off, size, write, val);
	else if (d->ops->bar)
		d->ops->bar(d, b->index, off, size, write, val);
	else
		return false;
	return true;
}

/* Where the device's BAR ends that lies in these `size` bytes; 0: none does. */
static uint64_t end_of_bar(const struct vpci_dev *d, enum vpci_bar_kind kind, uint64_t base,
                           uint64_t size)
{
	for (unsigned i = 0; i < VPCI_BARS; i++) {
		const struct vpci_bar *b = &d->bar[i];

		if (b->kind == kind && b->home && base < (uint64_t)b->home + b->size &&
		    b->home < base + size)
			return (uint64_t)b->home + b->size;
	}
	return 0;
}

/* The same of all devices on the bus, and of one that is to be. */
static uint64_t end_of_any(const struct vpci *p, const struct vpci_dev *d, enum vpci_bar_kind kind,
                           uint64_t base, uint64_t size)
{
	uint64_t end = end_of_bar(d, kind, base, size);

	for (unsigned s = 0; s < VPCI_SLOTS && !end; s++)
		if (p->dev[s])
			end = end_of_bar(p->dev[s], kind, base, size);
	return end;
}

/* Assigns a BAR its initial address, the first free one; false when its window is full. */
static bool assign_address(struct vpci *p, struct vpci_dev *d, struct vpci_bar *b)
{
	bool io = b->kind == VPCI_BAR_IO;
	uint64_t base = io ? VPCI_IO_FIRST : VPCI_MEM_BASE, size = b->size, taken;
	uint64_t end = io ? 0x10000 : (uint64_t)VPCI_MEM_BASE + VPCI_MEM_SIZE;

	while ((taken = end_of_any(p, d, b->kind, base, size)))
		base = (taken + size - 1) & ~(size - 1);
	if (base + size > end)
		return false;
	b->home = (uint32_t)base;
	vpci_put(d->cfg, CFG_BAR(b->index), 4, b->home | (io ? BAR_IO : 0));
	return true;
}

bool vpci_add(struct vpci *p, struct vpci_dev *d, unsigned slot)
{
	if (slot == 0)
		for (slot = 1; slot < VPCI_SLOTS && p->dev[slot]; slot++)
			;
	if (slot >= VPCI_SLOTS || p->dev[slot])
		return false;
	for (unsigned i = 0; i < VPCI_BARS; i++)
		d->bar[i].home = 0; /* it may have been on a bus before */
	for (unsigned i = 0; i < VPCI_BARS; i++)
		if (d->bar[i].kind != VPCI_BAR_NONE && !assign_address(p, d, &d->bar[i]))
			return false;
	d->bus = p;
	d->slot = slot;
	memcpy(d->home, d->cfg, sizeof d->home);
	atomic_store(&d->command, (uint16_t)vpci_get(d->cfg, CFG_COMMAND, 2));
	p->dev[slot] = d;
	update_bar_map(p);
	return true;
}

void vpci_init(struct vpci *p, void (*msi)(void *ctx, uint64_t addr, uint32_t data), void *ctx)
{
	static const struct vpci_ops no_ops;

	memset(p, 0, sizeof *p);
	p->msi = msi;
	p->ctx = ctx;
	/* Red Hat's generic host bridge: no driver binds to it, and no quirk applies. */
	vpci_dev_init(&p->host_bridge, "host bridge", &no_ops, 0x1b36, 0x0008, 0x060000, 0);
	p->host_bridge.bus = p;
	p->dev[0] = &p->host_bridge;
	memcpy(p->host_bridge.home, p->host_bridge.cfg, sizeof p->host_bridge.home);
}

static void dev_reset(struct vpci_dev *d)
{
	memcpy(d->cfg, d->home, sizeof d->cfg);
	command_set(d, (uint16_t)vpci_get(d->cfg, CFG_COMMAND, 2));
	vpci_msix_reset(d);
	if (d->ops->reset)
		d->ops->reset(d);
}

void vpci_remove(struct vpci_dev *d)
{
	struct vpci *p = d->bus;

	spin_lock(&p->lock);
	p->dev[d->slot] = NULL;
	update_bar_map(p);
	spin_unlock(&p->lock);
}

void vpci_reset(struct vpci *p)
{
	spin_lock(&p->lock);
	p->address = 0;
	atomic_store(&p->left, 0);
	for (unsigned s = 0; s < VPCI_SLOTS; s++)
		if (p->dev[s])
			dev_reset(p->dev[s]);
	update_bar_map(p);
	spin_unlock(&p->lock);
}
