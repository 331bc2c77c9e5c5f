/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_pmem.c: any requests to a virtio-pmem device, by a driver that keeps no rule.
 *
 * A guest's memory has the ring, descriptors and buffers.  The device may change nothing in it but
 * its used ring and what a writable descriptor names (a shadow of the memory), answers no more
 * requests than were offered, and writes to an answer only OK or FAILED.  After a violation it does
 * nothing until it is reset.
 */
#include <stdlib.h>
#include <string.h>
#include "drivers/virtio/virtio_pmem.h"

#define NUM    8
#define RAM    0x1000u
#define GPA    0x10000u
#define DESC   0x0u /* places in the memory */
#define AVAIL  0x100u
#define USED   0x180u
#define TABLES 0x400u /* indirect tables and buffers: anything */
#define DATA   0x800u

enum { WRITABLE = 1, TABLE = 2 };

static uint8_t ram[RAM] __attribute__((aligned(4096)));
static uint8_t before[RAM];
static uint8_t use[RAM]; /* WRITABLE: by some descriptor; TABLE: a table, or the available ring */
static bool apart;       /* no byte is both: an answer does not change what a later request is */
static struct vpci bus;
static struct gmem mem;
static struct virtio_pmem dev;
static uint64_t offered; /* since the device was started */
static uint64_t answered;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void msi(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

static void out(uint16_t port, unsigned size, uint32_t value)
{
	vpci_io(&bus, port, size, true, &value);
}

static void start(uint32_t features)
{
	uint16_t r = (uint16_t)dev.v.pci.bar[VIRTIO_IO_BAR].home;

	out(0xcf8, 4, 0x80000000u | 1 << 11 | 4);
	out(0xcfc, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	out((uint16_t)(r + 0x14), 1, 0);
	memset(ram + AVAIL, 0, 0x200);
	out((uint16_t)(r + 0x14), 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (unsigned half = 0; half < 2; half++) {
		out((uint16_t)(r + 8), 4, half);
		out((uint16_t)(r + 12), 4,
		    half ? 1 : features & (uint32_t)(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX));
	}
	out((uint16_t)(r + 0x14), 1, VIRTIO_FEATURES_OK);
	out((uint16_t)(r + 0x16), 2, 0);
	out((uint16_t)(r + 0x18), 2, NUM);
	out((uint16_t)(r + 0x20), 4, GPA + DESC);
	out((uint16_t)(r + 0x28), 4, GPA + AVAIL);
	out((uint16_t)(r + 0x30), 4, GPA + USED);
	out((uint16_t)(r + 0x1c), 2, 1);
	out((uint16_t)(r + 0x14), 1, VIRTIO_DRIVER_OK);
	offered = 0;
	answered = atomic_load(&dev.flushes);
}

static void mark(uint8_t as, uint64_t from, uint64_t size)
{
	for (uint64_t i = from; i < RAM && i - from < size; i++) {
		use[i] |= as;
		apart &= use[i] != (WRITABLE | TABLE);
	}
}

/* What the descriptors of a table of n entries allow; of tables inside, once. */
static void mark_table(const uint8_t *at, unsigned n, bool inside)
{
	for (unsigned i = 0; i < n; i++, at += sizeof(struct vring_desc)) {
		struct vring_desc d;
		uint64_t off;

		memcpy(&d, at, sizeof d);
		off = d.addr - GPA;
		if (off >= RAM)
			continue;
		if (d.flags & VRING_DESC_WRITE)
			mark(WRITABLE, off, d.len);
		if (!inside && d.flags & VRING_DESC_INDIRECT) {
			uint64_t size = d.len < RAM - off ? d.len : RAM - off;

			mark(TABLE, off, size);
			mark_table(ram + off, (unsigned)(size / sizeof d), true);
		}
	}
}

/* An index may be written anyhow: then the ring itself says how many were offered. */
static void count_offers(void)
{
	if (offered < 1u << 16)
		offered = 1u << 16;
}

static void remember(void)
{
	memcpy(before, ram, RAM);
	memset(use, 0, sizeof use);
	apart = true;
	mark(TABLE, DESC, sizeof(struct vring_desc) * NUM);
	mark(TABLE, AVAIL, 2 * (NUM + 3));
	mark_table(ram + DESC, NUM, false);
}

static void compare(bool ran)
{
	uint64_t done = atomic_load(&dev.flushes) - answered;

	for (unsigned i = 0; i < RAM; i++) {
		bool ring = i - USED < 4 + 8 * NUM + 2;

		if (i % 64 == 0 && !memcmp(ram + i, before + i, 64))
			i += 63;
		else
			check(ram[i] == before[i] || (ran && (ring || use[i] & WRITABLE)));
	}
	check(done <= offered);
}

static void run(void)
{
	bool ran = virtio_pci_running(&dev.v);

	remember();
	if (!apart)
		count_offers();
	out((uint16_t)(dev.v.pci.bar[VIRTIO_IO_BAR].home + VIRTIO_IO_NOTIFY), 2, 0);
	while (vpci_work(&bus))
		;
	if (apart)
		compare(ran);
}

static void offer(uint8_t head)
{
	uint16_t *avail = (uint16_t *)(void *)(ram + AVAIL);

	avail[2 + avail[1] % NUM] = head;
	avail[1]++;
	offered++;
}

/* A request as it should be, in two descriptors. */
static void good_request(unsigned i)
{
	struct vring_desc d[2] = {{GPA + DATA + 64 * i, 4, VRING_DESC_NEXT, (uint16_t)(i | 1)},
	                          {GPA + DATA + 64 * i + 32, 4, VRING_DESC_WRITE, 0}};

	memcpy(ram + DESC + 16 * (i & 6), d, sizeof d);
}

static void step(const uint8_t *b)
{
	struct vring_desc d;
	uint32_t value;

	memcpy(&value, b + 4, 4);
	switch (b[0] & 7) {
	case 0:
		start(value);
		break;
	case 1:
		good_request(b[1] & 7);
		break;
	case 2: /* any descriptor, in the table or in a place for tables */
		d = (struct vring_desc){GPA + (value & 0x1fff), value >> 16 & 0x7f, b[2] & 7u,
		                        b[3] & 15u};
		if (b[2] & 8)
			d.addr = (uint64_t)value << (b[2] >> 4);
		if (b[2] & 16)
			d.len = value;
		memcpy(ram + (b[1] & 16 ? TABLES : DESC) + 16 * (b[1] & (b[1] & 16 ? 15 : 7)), &d,
		       sizeof d);
		break;
	case 3:
		offer(b[1]);
		break;
	case 4:
		ram[(unsigned)(b[1] << 8 | b[2]) % RAM] = b[3];
		break;
	case 5: /* bus mastering */
		out(0xcf8, 4, 0x80000000u | 1 << 11 | 4);
		out(0xcfc, 2, b[1] & 7u);
		break;
	default:
		offer(b[1] & 7);
		run();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&bus, 0, sizeof bus);
	memset(&mem, 0, sizeof mem);
	memset(&dev, 0, sizeof dev);
	memset(ram, 0, sizeof ram);
	vpci_init(&bus, msi, NULL);
	gmem_add(&mem, GPA, RAM, ram);
	virtio_pmem_init(&dev, "pmem", &mem, 1ull << 38, 1 << 22);
	vpci_add(&bus, &dev.v.pci, 0);
	start(~0u);
	for (; size >= 8; data += 8, size -= 8) {
		if ((data[0] & 7) == 4)
			count_offers();
		step(data);
	}
	return 0;
}
