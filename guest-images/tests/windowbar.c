/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The observation window, a BAR whose memory is mapped: it is where the guest puts the BAR, for
 * each of its CPUs, and nowhere else.  Two CPUs.  Option: reads= (20), of the window where it was
 * moved.
 */
#include <stdatomic.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/smp.h"
#include "lib/window.h"

#define VENDOR  0x1af4
#define DEVICE  0x10f0
#define BAR0    0x10
#define MOVED   0xe4000000u /* in the window for BARs, aligned for any size up to 64 MiB */
#define ELSE    0x90000000u /* outside it, and no memory: each read exits */
#define ONES    (~0ul)
#define PATIENT (1ull << 39) /* TSC ticks, minutes: a longer wait is a hang */

static uint64_t home;
static atomic_bool ap_reads, ap_lost_it;

static uint64_t first_word(uint64_t at)
{
	return *(const volatile uint64_t *)at;
}

/* Reads the window at its first place until nothing is there. */
static void ap(void)
{
	while (first_word(home) == WINDOW_MAGIC)
		atomic_store(&ap_reads, true);
	atomic_store(&ap_lost_it, first_word(home) == ONES);
	for (;;)
		cpu_pause();
}

static bool wait_for(const atomic_bool *what)
{
	uint64_t start = rdtsc();

	while (!atomic_load(what) && rdtsc() - start < PATIENT)
		cpu_pause();
	return atomic_load(what);
}

static void decode(uint16_t bdf, bool on)
{
	uint32_t command = pci_read(bdf, PCI_COMMAND, 2) & ~(uint32_t)PCI_COMMAND_MEMORY;

	pci_write(bdf, PCI_COMMAND, 2, command | (on ? PCI_COMMAND_MEMORY : 0));
}

static void check_moved(uint16_t bdf, unsigned reads)
{
	bool all = true;

	pci_write(bdf, BAR0, 4, MOVED);
	check(first_word(home) == ONES, "left_its_place", "%lx", first_word(home));
	check(wait_for(&ap_lost_it), "for_the_other_cpu", "it still reads the window");
	for (unsigned i = 0; i < reads; i++)
		all &= first_word(MOVED) == WINDOW_MAGIC;
	check(all, "moved", "%lx", first_word(MOVED));
	*(volatile uint64_t *)MOVED = 0;
	check(first_word(MOVED) == WINDOW_MAGIC, "read_only", "%lx", first_word(MOVED));
}

static void check_off(uint16_t bdf)
{
	decode(bdf, false);
	check(first_word(MOVED) == ONES, "not_decoded", "%lx", first_word(MOVED));
	pci_write(bdf, BAR0, 4, ELSE);
	decode(bdf, true);
	check(first_word(ELSE) == WINDOW_MAGIC && first_word(MOVED) == ONES, "outside", "%lx %lx",
	      first_word(ELSE), first_word(MOVED));
	pci_write(bdf, BAR0, 4, (uint32_t)home);
	check(first_word(home) == WINDOW_MAGIC, "back", "%lx", first_word(home));
}

void guest_main(void)
{
	unsigned reads = (unsigned)mb_number("reads", 20);
	uint16_t bdf = pci_find(VENDOR, DEVICE, 0);
	bool io;

	if (!check(bdf != PCI_NONE, "device", "there is none"))
		done();
	home = pci_bar(bdf, 0, &io);
	check(first_word(home) == WINDOW_MAGIC, "window", "%lx", first_word(home));
	lapic_init(false);
	check(smp_start(1, ap), "ap_starts", "no sign of it");
	check(wait_for(&ap_reads), "other_cpu_reads", "it does not");
	check_moved(bdf, reads);
	check_off(bdf);
	done();
}
