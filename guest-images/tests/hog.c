/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests as much work as possible by single accesses to a device, for ever; how=
 *   print    64 chains of 60 descriptors of 64 MiB for the virtio console: 240 GiB for each kick
 *   index    a TX ring that the second vCPU refills as fast as it is emptied, kicked by the first
 *   gso      frames of 65 000 bytes to dst=, to be segmented at 8 bytes
 *   window   as print, kicked by one string instruction in configuration space
 * Each prints `hog: NAME` first; none ends by itself.
 */
#include <stdatomic.h>
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/smp.h"

#define VENDOR      0x1af4
#define CONSOLE     0x1043
#define CONSOLE_TX  1
#define CHAINS      64
#define PIECES      60
#define PIECE       (64u << 20)
#define DESC_NEXT   1
#define F_CSUM      (1ull << 0)
#define F_HOST_TSO4 (1ull << 11)
#define SHOWN       32 /* entries that the second vCPU keeps available */
#define GSO_PAYLOAD 65000
#define GSO_SIZE    8
#define NEEDS_CSUM  1
#define CAP_VIRTIO  0x09 /* virtio 1.2, 4.1.4; the kinds of structure */
#define CAP_NOTIFY  2
#define CAP_WINDOW  5
#define CONFIG_DATA 0xcfc
#define KICKS       4096 /* of one string instruction */
#define GSO_TCPV4   1
#define HEADERS     54

static struct vnic nic;
static struct packet_host me;
static struct guest_virtio dev;
static struct guest_vq tx;

static void expect(const char *error, const char *what)
{
	if (!check(!error, what, "%s", error ? error : ""))
		done();
}

/* Keeps SHOWN entries available; all of them name chain 0. */
static void refill(void)
{
	atomic_thread_fence(memory_order_release);
	tx.avail[1] = (uint16_t)(tx.used[1] + SHOWN);
}

static void refill_for_ever(void) /* on the second vCPU */
{
	for (;;)
		refill();
}

static _Noreturn void kick_for_ever(const char *how)
{
	print("hog: %s\n", how);
	for (;;) {
		refill();
		guest_bus.out((uint16_t)tx.notify.base, 2, tx.index);
	}
}

/* The capability for this structure of the console; 0: there is none. */
static unsigned find_cap(uint16_t bdf, uint8_t kind)
{
	unsigned at = pci_cap(bdf, CAP_VIRTIO);

	while (at && (pci_read(bdf, at, 1) != CAP_VIRTIO || pci_read(bdf, at + 3, 1) != kind))
		at = pci_read(bdf, at + 1, 1);
	return at;
}

/* Kicks through the window in configuration space (4.1.4.9): one for each element of a REP OUTS. */
static _Noreturn void kick_through_window(uint16_t bdf)
{
	static uint16_t indices[KICKS];
	unsigned window = find_cap(bdf, CAP_WINDOW), notify = find_cap(bdf, CAP_NOTIFY);
	bool is_io;
	unsigned bar;

	if (!check(window && notify, "window", "it has none"))
		done();
	bar = pci_read(bdf, notify + 4, 1);
	for (unsigned i = 0; i < KICKS; i++)
		indices[i] = tx.index;
	pci_write(bdf, window + 4, 1, bar);
	pci_write(bdf, window + 8, 4, (uint32_t)(tx.notify.base - pci_bar(bdf, bar, &is_io)));
	pci_write(bdf, window + 12, 4, 2);
	pci_read(bdf, window + 16, 1); /* selects the register */
	print("hog: window\n");
	for (;;) {
		const uint16_t *from = indices;
		uint64_t n = KICKS;

		refill();
		__asm__ volatile("rep outsw" : "+S"(from), "+c"(n) : "d"(CONFIG_DATA) : "memory");
	}
}

static _Noreturn void print_for_ever(bool through_window)
{
	uint16_t bdf;
	void *ring;
	char *text;

	mem_init(0);
	bdf = pci_find(VENDOR, CONSOLE, 0);
	expect(guest_virtio_open(&dev, &guest_bus, bdf), "open");
	expect(guest_virtio_begin(&dev, 0), "begin");
	ring = mem_alloc(guest_vq_bytes(CHAINS), 4096);
	text = mem_alloc(PIECE, 4096);
	if (!check(ring && text, "memory", "too little"))
		done();
	memset(text, '.', PIECE);
	expect(guest_virtio_queue(&dev, &tx, CONSOLE_TX, CHAINS, ring, 0xffff), "queue");
	for (uint16_t i = 0; i < PIECES; i++)
		tx.desc[i] = (struct guest_vdesc){
		    (uintptr_t)text, PIECE, i < PIECES - 1 ? DESC_NEXT : 0, (uint16_t)(i + 1)};
	guest_virtio_ready(&dev);
	if (through_window)
		kick_through_window(bdf);
	kick_for_ever("print");
}

/* Restarts the NIC with these features and only a TX ring, whose chains all hold `frame`. */
static void start_tx(uint64_t features, uint8_t *frame, uint32_t len)
{
	expect(guest_virtio_begin(&nic.dev, features), "begin");
	memset(nic.ring_memory[VNIC_TX], 0, guest_vq_bytes(VNIC_RING));
	expect(
	    guest_virtio_queue(&nic.dev, &tx, VNIC_TX, VNIC_RING, nic.ring_memory[VNIC_TX], 0xffff),
	    "queue");
	tx.desc[0] = (struct guest_vdesc){(uintptr_t)frame, len, 0, 0};
	guest_virtio_ready(&nic.dev);
}

static _Noreturn void index_for_ever(void)
{
	static uint8_t frame[VNIC_HEADER + TEST_BYTES];
	uint8_t all[6] = {255, 255, 255, 255, 255, 255};

	netguest_start(&nic, &me);
	packet_test(frame + VNIC_HEADER, all, me.mac, 0, TEST_BYTES);
	start_tx(0, frame, sizeof frame);
	if (!check(smp_start(1, refill_for_ever), "second_vcpu", "it did not start"))
		done();
	kick_for_ever("index");
}

/* The virtio header of a TCP frame to be segmented (virtio 1.2, 5.1.6), and the frame's headers. */
static void write_gso(uint8_t *b, const uint8_t *dst)
{
	static const uint8_t ip[20] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 6,
	                               0,    0, 10, 0, 0, 1, 10,   0, 0,  2};
	const uint16_t words[4] = {HEADERS, GSO_SIZE, 34, 16};
	uint8_t *f = b + VNIC_HEADER;

	b[0] = NEEDS_CSUM;
	b[1] = GSO_TCPV4;
	memcpy(b + 2, words, sizeof words);
	memcpy(f, dst, 6);
	memcpy(f + 6, me.mac, 6);
	f[12] = 8;
	memcpy(f + 14, ip, sizeof ip);
	f[46] = 0x50; /* a TCP header of five words */
}

static _Noreturn void gso_for_ever(void)
{
	static uint8_t frame[VNIC_HEADER + HEADERS + GSO_PAYLOAD];
	uint8_t dst[6] = {255, 255, 255, 255, 255, 255};

	netguest_start(&nic, &me);
	mb_mac("dst", dst);
	write_gso(frame, dst);
	start_tx(F_CSUM | F_HOST_TSO4, frame, sizeof frame);
	kick_for_ever("gso");
}

void guest_main(void)
{
	char how[16] = "print";

	mb_option("how", how, sizeof how);
	if (!strcmp(how, "index"))
		index_for_ever();
	else if (!strcmp(how, "gso"))
		gso_for_ever();
	else
		print_for_ever(!strcmp(how, "window"));
}
