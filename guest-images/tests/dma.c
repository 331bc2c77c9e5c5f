/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest whose physical device attacks: QEMU's `edu` (docs/specs/edu.rst there) copies between its
 * own buffer and any address, which can also be that of an interrupt.
 *
 * Options: vmm=, other=, hole=: physical addresses at which it reads and writes; cores=: how many
 * APIC IDs it sends forged interrupts to; settle=1: lets reports of faults be read in between. What
 * it meant to write at each is MARK and the option's name.  Only what must work with an IOMMU or
 * without is checked here; the rest is printed, and the machine's memory shows it.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/trap.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define EDU_RAISE  0x60 /* registers */
#define EDU_ACK    0x64
#define EDU_FROM   0x80
#define EDU_TO     0x88
#define EDU_COUNT  0x90
#define EDU_START  0x98
#define EDU_BUFFER 0x40000 /* in its own address space */
#define START      1u
#define OUTWARD    2u
#define BYTES      32u
#define MARK       "DMA was here: "
#define FORGED     0x55 /* vectors */
#define OWN        0x56
#define MSI        0xfee00000u
#define REMAPPED   0x10u  /* a message that names an entry */
#define NMI        0x400u /* delivery mode, in a message's data */
#define PATIENCE   (1ull << 33)

static volatile uint8_t *edu;
static uint8_t low[BYTES]; /* in the image, below 16 MiB: not identity-mapped */
static volatile unsigned forged, own;

static void on_forged(void)
{
	forged++;
	lapic_eoi();
}

static void on_own(void)
{
	own++;
	*(volatile uint32_t *)(edu + EDU_ACK) = ~0u;
	lapic_eoi();
}

static void put(unsigned reg, uint64_t v)
{
	*(volatile uint64_t *)(edu + reg) = v;
}

/* One transfer between the device's buffer and an address; false: the device did not finish. */
static bool transfer(uint64_t at, unsigned bytes, unsigned direction)
{
	uint64_t start = rdtsc();

	put(EDU_FROM, direction == OUTWARD ? EDU_BUFFER : at);
	put(EDU_TO, direction == OUTWARD ? at : EDU_BUFFER);
	put(EDU_COUNT, bytes);
	put(EDU_START, START | direction);
	while (*(volatile uint64_t *)(edu + EDU_START) & START) {
		if (rdtsc() - start > PATIENCE)
			return false;
		cpu_pause();
	}
	return true;
}

/* What is at `from` gets to `to` by way of the device. */
static bool carry(uint64_t from, uint64_t to)
{
	return transfer(from, BYTES, 0) && transfer(to, BYTES, OUTWARD);
}

/* Does the device carry a pattern from one buffer to the other? */
static bool carries(uint8_t *from, uint8_t *to)
{
	memset(from, 0x5a, BYTES);
	memset(to, 0, BYTES);
	return carry((uint64_t)from, (uint64_t)to) && !memcmp(from, to, BYTES);
}

/* Reads and writes at the address of an option. */
static void attack(const char *name, uint8_t *a, uint8_t *b)
{
	uint64_t at = mb_number(name, 0);

	if (!at)
		return;
	memset(b, 0, BYTES);
	transfer(at, BYTES, 0);
	transfer((uint64_t)b, BYTES, OUTWARD);
	print("%s reads", name);
	for (unsigned i = 0; i < BYTES; i++)
		print("%s%02x", i % 8 ? "" : " ", b[i]);
	memset(a, 0, BYTES);
	memcpy(a, MARK, sizeof MARK - 1);
	memcpy(a + sizeof MARK - 1, name, strlen(name));
	print("\n");
	carry((uint64_t)a, at);
}

/* A message that nobody set up, to each core. */
static void forge(uint8_t *a, uint32_t data)
{
	unsigned cores = (unsigned)mb_number("cores", 0);

	memcpy(a, &data, sizeof data);
	transfer((uint64_t)a, BYTES, 0);
	for (unsigned i = 0; i < cores; i++)
		transfer(MSI | i << 12, sizeof data, OUTWARD);
}

/* The messages of others, by their entries in VT-d's table: the VMM's own pins come first (its
 * serial port is pin 4), then the devices' ones, of which this is one that nobody has set up. */
static void steal(uint8_t *a)
{
	static const uint32_t entry[] = {4, 4096 + 1};

	memset(a, 0, BYTES);
	transfer((uint64_t)a, BYTES, 0);
	for (unsigned i = 0; i < sizeof entry / sizeof entry[0]; i++)
		transfer(MSI | REMAPPED | entry[i] << 5, 4, OUTWARD);
}

/* A transfer takes a tenth of a second: these take longer than the second in which reports are read
 * once, and until then QEMU's VT-d has room for one alone. */
static void settle(uint8_t *a, uint8_t *b)
{
	for (unsigned i = 0; i < 6; i++)
		carry((uint64_t)a, (uint64_t)b);
	print("settled\n");
	carry((uint64_t)a, (uint64_t)b);
}

static void check_own_interrupt(uint16_t bdf)
{
	uint64_t start = rdtsc();

	check(pci_msi(bdf, lapic_id(), OWN), "has_msi", "no MSI");
	*(volatile uint32_t *)(edu + EDU_RAISE) = 1;
	while (!own && rdtsc() - start < PATIENCE)
		cpu_pause();
	check(own, "own_interrupt", "its own interrupt did not come");
}

void guest_main(void)
{
	uint16_t bdf = pci_find(EDU_VENDOR, EDU_DEVICE, 0);
	uint8_t *a, *b;
	bool io;

	if (!check(bdf != PCI_NONE && mem_init(16ul << 20), "device", "no edu, or no memory"))
		done();
	a = mem_alloc(4096, 4096);
	b = mem_alloc(4096, 4096);
	lapic_init(false);
	trap_set(FORGED, on_forged);
	trap_set(OWN, on_own);
	irq_on();
	pci_enable(bdf);
	edu = (volatile uint8_t *)pci_bar(bdf, 0, &io);
	check(carries(a, b), "own_memory", "the device does not copy");
	print("low memory: %s\n", carries(low, b) ? "reached" : "not reached");
	steal(a);
	if (mb_number("settle", 0))
		settle(a, b);
	attack("vmm", a, b);
	attack("other", a, b);
	attack("hole", a, b);
	check_own_interrupt(bdf);
	forge(a, FORGED);
	print("forged interrupts: %u\n", forged);
	forge(a, NMI);
	check(carries(a, b), "still_works", "the device does not copy any more");
	done();
}
