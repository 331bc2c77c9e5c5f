/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI transport from the driver's side: capabilities, negotiation, queues, MSI-X. */
#include <stdatomic.h>
#include "guest-images/lib/virtio.h"

#define CAP_VENDOR      0x09
#define CAP_MSIX        0x11
#define MAX_CAPS        48
#define MAX_WAIT        1000000 /* status reads after which a reset has failed */
#define COMMAND_ENABLES 7       /* I/O, memory, bus master */

enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_DEVICE = 4 };

/* struct virtio_pci_common_cfg (4.1.4.3). */
enum {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_MSIX = 0x10,
	DEVICE_STATUS = 0x14,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_MSIX = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
	COMMON_SIZE = 0x38,
};

enum { S_ACKNOWLEDGE = 1, S_DRIVER = 2, S_DRIVER_OK = 4, S_FEATURES_OK = 8 };

static uint32_t region_read(const struct guest_bus *bus, const struct guest_region *r, unsigned off,
                            unsigned size)
{
	uintptr_t a = (uintptr_t)r->base + off;

	if (r->io)
		return bus->in((uint16_t)a, size);
	if (size == 1)
		return *(volatile uint8_t *)a;
	return size == 2 ? *(volatile uint16_t *)a : *(volatile uint32_t *)a;
}

static void region_write(const struct guest_bus *bus, const struct guest_region *r, unsigned off,
                         unsigned size, uint32_t v)
{
	uintptr_t a = (uintptr_t)r->base + off;

	if (r->io)
		bus->out((uint16_t)a, size, v);
	else if (size == 1)
		*(volatile uint8_t *)a = (uint8_t)v;
	else if (size == 2)
		*(volatile uint16_t *)a = (uint16_t)v;
	else
		*(volatile uint32_t *)a = v;
}

static uint32_t common_read(const struct guest_virtio *v, unsigned off, unsigned size)
{
	return region_read(v->bus, &v->common, off, size);
}

static void common_write(const struct guest_virtio *v, unsigned off, unsigned size, uint32_t x)
{
	region_write(v->bus, &v->common, off, size, x);
}

static void common_write64(const struct guest_virtio *v, unsigned off, uint64_t x)
{
	common_write(v, off, 4, (uint32_t)x);
	common_write(v, off + 4, 4, (uint32_t)(x >> 32));
}

/* A BAR's address; base 0 when it has none. */
static struct guest_region bar_region(const struct guest_virtio *v, unsigned bar)
{
	struct guest_region none = {0};
	uint32_t lo;
	uint64_t hi;

	if (bar > 5)
		return none;
	lo = v->bus->config_read(v->bdf, 0x10 + bar * 4, 4);
	if (lo & 1)
		return (struct guest_region){.base = lo & 0xfffc, .io = true};
	hi = 0;
	if ((lo & 6) == 4 && bar < 5)
		hi = v->bus->config_read(v->bdf, 0x14 + bar * 4, 4);
	return (struct guest_region){.base = hi << 32 | (lo & ~0xfu)};
}

/* struct virtio_pci_cap (4.1.4); the first capability for a structure is used. */
static void note_vendor_cap(struct guest_virtio *v, unsigned at)
{
	unsigned type = v->bus->config_read(v->bdf, at + 3, 1);
	struct guest_region *r = type == CFG_COMMON   ? &v->common
	                         : type == CFG_NOTIFY ? &v->notify
	                         : type == CFG_DEVICE ? &v->device
	                                              : NULL;
	struct guest_region bar;

	if (!r || r->base)
		return;
	bar = bar_region(v, v->bus->config_read(v->bdf, at + 4, 1));
	if (!bar.base)
		return;
	bar.base += v->bus->config_read(v->bdf, at + 8, 4);
	bar.len = v->bus->config_read(v->bdf, at + 12, 4);
	*r = bar;
	if (type == CFG_NOTIFY)
		v->notify_step = v->bus->config_read(v->bdf, at + 16, 4);
}

static void note_msix_cap(struct guest_virtio *v, unsigned at)
{
	uint32_t table = v->bus->config_read(v->bdf, at + 4, 4);
	struct guest_region bar = bar_region(v, table & 7);

	if (!bar.base || bar.io)
		return;
	v->msix_cap = at;
	v->msix_entries = (v->bus->config_read(v->bdf, at + 2, 2) & 0x7ff) + 1;
	v->msix_table = (uintptr_t)bar.base + (table & ~7u);
}

const char *guest_virtio_open(struct guest_virtio *v, const struct guest_bus *bus, uint16_t bdf)
{
	unsigned at;

	*v = (struct guest_virtio){.bus = bus, .bdf = bdf};
	bus->config_write(bdf, 4, 2, bus->config_read(bdf, 4, 2) | COMMAND_ENABLES);
	at = bus->config_read(bdf, 0x34, 1) & 0xfc;
	for (unsigned i = 0; at && i < MAX_CAPS; i++) {
		unsigned id = bus->config_read(bdf, at, 1);

		if (id == CAP_VENDOR)
			note_vendor_cap(v, at);
		else if (id == CAP_MSIX)
			note_msix_cap(v, at);
		at = bus->config_read(bdf, at + 1, 1) & 0xfc;
	}
	if (!v->common.base || v->common.len < COMMON_SIZE)
		return "no common configuration";
	if (!v->notify.base)
		return "no notify structure";
	return NULL;
}

/* Resets and waits until the device says so (4.1.4.3.2); false when it never does. */
static bool reset_device(const struct guest_virtio *v)
{
	common_write(v, DEVICE_STATUS, 1, 0);
	for (unsigned i = 0; i < MAX_WAIT; i++)
		if (!common_read(v, DEVICE_STATUS, 1))
			return true;
	return false;
}

static uint64_t read_offered(const struct guest_virtio *v)
{
	uint64_t high;

	common_write(v, DEVICE_FEATURE_SELECT, 4, 1);
	high = common_read(v, DEVICE_FEATURE, 4);
	common_write(v, DEVICE_FEATURE_SELECT, 4, 0);
	return high << 32 | common_read(v, DEVICE_FEATURE, 4);
}

const char *guest_virtio_begin(struct guest_virtio *v, uint64_t wanted)
{
	if (!reset_device(v))
		return "reset does not end";
	common_write(v, DEVICE_STATUS, 1, S_ACKNOWLEDGE);
	common_write(v, DEVICE_STATUS, 1, S_ACKNOWLEDGE | S_DRIVER);
	v->features = read_offered(v) & (wanted | GUEST_VIRTIO_F_VERSION_1);
	if (!(v->features & GUEST_VIRTIO_F_VERSION_1))
		return "not a virtio 1.0 device";
	for (unsigned half = 0; half < 2; half++) {
		common_write(v, DRIVER_FEATURE_SELECT, 4, half);
		common_write(v, DRIVER_FEATURE, 4, (uint32_t)(v->features >> half * 32));
	}
	common_write(v, DEVICE_STATUS, 1, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	if (!(common_read(v, DEVICE_STATUS, 1) & S_FEATURES_OK))
		return "features refused";
	common_write(v, CONFIG_MSIX, 2, 0xffff);
	return NULL;
}

/* The ring areas: descriptors, available ring, used ring, aligned as 2.7 requires. */
static size_t avail_offset(unsigned num)
{
	return num * sizeof(struct guest_vdesc);
}

static size_t used_offset(unsigned num)
{
	return (avail_offset(num) + 6 + 2 * (size_t)num + 3) & ~(size_t)3;
}

size_t guest_vq_bytes(unsigned num)
{
	return used_offset(num) + 6 + 8 * (size_t)num;
}

static void lay_out_ring(struct guest_vq *q, uint16_t num, void *memory)
{
	uint8_t *m = memory;

	q->num = num;
	q->nfree = num;
	q->desc = memory;
	q->avail = (volatile uint16_t *)(m + avail_offset(num));
	q->used = (volatile uint16_t *)(m + used_offset(num));
	for (unsigned i = 0; i < num; i++)
		q->desc[i].next = (uint16_t)(i + 1);
}

const char *guest_virtio_queue(struct guest_virtio *v, struct guest_vq *q, unsigned index,
                               unsigned max, void *memory, uint16_t msix_entry)
{
	unsigned num;
	uint64_t off;

	*q = (struct guest_vq){
	    .bus = v->bus,
	    .index = (uint16_t)index,
	    .event_idx = v->features & GUEST_VIRTIO_F_EVENT_IDX,
	};
	common_write(v, QUEUE_SELECT, 2, index);
	num = common_read(v, QUEUE_SIZE, 2);
	if (!num || num & (num - 1) || max > GUEST_VQ_MAX)
		return "no such queue";
	if (num > max)
		num = max;
	lay_out_ring(q, (uint16_t)num, memory);
	off = (uint64_t)common_read(v, QUEUE_NOTIFY_OFF, 2) * v->notify_step;
	if (off + 2 > v->notify.len)
		return "notify offset beyond its structure";
	q->notify = v->notify;
	q->notify.base += off;
	common_write(v, QUEUE_SIZE, 2, num);
	common_write64(v, QUEUE_DESC, (uintptr_t)q->desc);
	common_write64(v, QUEUE_DRIVER, (uintptr_t)q->avail);
	common_write64(v, QUEUE_DEVICE, (uintptr_t)q->used);
	common_write(v, QUEUE_MSIX, 2, msix_entry);
	if (common_read(v, QUEUE_MSIX, 2) != msix_entry)
		return "no MSI-X entry for the queue";
	common_write(v, QUEUE_ENABLE, 2, 1);
	return NULL;
}

bool guest_virtio_msix(struct guest_virtio *v, unsigned entry, uint64_t address, uint32_t data)
{
	volatile uint32_t *e;
	uint32_t control;

	if (entry >= v->msix_entries)
		return false;
	e = (volatile uint32_t *)(v->msix_table + entry * 16);
	e[0] = (uint32_t)address;
	e[1] = (uint32_t)(address >> 32);
	e[2] = data;
	e[3] = 0; /* not masked */
	control = v->bus->config_read(v->bdf, v->msix_cap + 2, 2);
	v->bus->config_write(v->bdf, v->msix_cap + 2, 2, (control & ~0x4000u) | 0x8000);
	return true;
}

void guest_virtio_ready(struct guest_virtio *v)
{
	common_write(v, DEVICE_STATUS, 1, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
}

uint8_t guest_virtio_status(const struct guest_virtio *v)
{
	return (uint8_t)common_read(v, DEVICE_STATUS, 1);
}

void guest_virtio_config(const struct guest_virtio *v, unsigned off, void *to, unsigned len)
{
	uint8_t *p = to;

	for (unsigned i = 0; i < len; i++)
		p[i] = off + i < v->device.len
		           ? (uint8_t)region_read(v->bus, &v->device, off + i, 1)
		           : 0;
}
