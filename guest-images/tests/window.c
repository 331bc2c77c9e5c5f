/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that abuses the observation window: how=write (with each kind of instruction), how=rings
 * (its NIC's buffers and rings lie there), how=exec, how=walk (page tables there), how=stack (an
 * exception's frame is pushed there), how=none (it has no window, and finds none where another
 * guest has it).  The header that all guests see must stay as it is.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/lib/pci.h"
#include "lib/window.h"

#define VENDOR 0x1af4
#define DEVICE 0x10f0
#define PLACE  0xe0000000u /* of all BARs */
#define SPAN   0x08000000u
#define STEP   0x00400000u

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME], before[WINDOW_PAGE];
static uint8_t *window;

static void check_same(const char *name)
{
	check(!memcmp(window, before, sizeof before), name, "the header has changed");
}

static void write_all(void)
{
	volatile uint8_t *w = window + 8; /* the version and what follows */
	unsigned long n = 64;
	void *to = window;

	w[0] = 0xa5;
	*(volatile uint16_t *)w = 0xa5a5;
	*(volatile uint32_t *)w = 0xa5a5a5a5;
	*(volatile uint64_t *)w = ~0ull;
	check_same("plain");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0xa5) : "memory");
	n = 8;
	to = window;
	{
		const void *from = frame;

		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	}
	check_same("strings");
	__asm__ volatile("lock addq %0, (%1)" : : "r"(n), "r"(w) : "memory");
	__asm__ volatile("lock orl $-1, (%0)" : : "r"(w) : "memory");
	__asm__ volatile("xchgq %0, (%1)" : "+r"(n) : "r"(w) : "memory");
	check_same("locked");
}

static bool wait_status(void)
{
	uint64_t start = rdtsc(), patience = netguest_patience();

	while (rdtsc() - start < patience) {
		if (guest_virtio_status(&nic.dev) & GUEST_VIRTIO_S_NEEDS_RESET)
			return true;
		cpu_pause();
	}
	return false;
}

static void restart(const char *name)
{
	const char *error = vnic_restart(&nic);

	check(!error, name, "%s", error ? error : "");
	check_same(name);
}

/* The queue's entry has the index, so its descriptor is the first free one. */
static void send_from_window(void)
{
	uint16_t head = nic.tx.free_head;

	vnic_send(&nic, frame, packet_test(frame, me.mac, me.mac, 0, TEST_BYTES));
	nic.tx.desc[head].addr = (uintptr_t)window;
	vnic_flush(&nic);
	check(wait_status(), "buffer", "status %x", guest_virtio_status(&nic.dev));
	restart("after_buffer");
}

static void put_queue_there(unsigned index, const char *name)
{
	struct guest_vq q;
	const char *error = guest_virtio_begin(&nic.dev, nic.wanted);

	check(!error, name, "%s", error ? error : "");
	error = guest_virtio_queue(&nic.dev, &q, index, 64, window + 4 * WINDOW_PAGE, 0xffff);
	check(!error, name, "%s", error ? error : "");
	guest_virtio_ready(&nic.dev);
	check(wait_status(), name, "status %x", guest_virtio_status(&nic.dev));
	restart(name);
}

static void use_rings(void)
{
	netguest_start(&nic, &me);
	send_from_window();
	put_queue_there(0, "rx_queue");
	put_queue_there(1, "tx_queue");
	send_from_window();
}

/* Nothing that reads as a window, wherever another guest may have it. */
static void find_none(void)
{
	uint64_t found = 0;

	for (uint64_t at = PLACE; at < PLACE + (uint64_t)SPAN; at += STEP)
		if (*(volatile uint64_t *)at == WINDOW_MAGIC)
			found = at;
	check(!found, "none", "a window at %lx", found);
	check(pci_find(VENDOR, DEVICE, 0) == PCI_NONE, "no_device", "there is one");
}

void guest_main(void)
{
	char how[16] = "write";
	uint16_t bdf = pci_find(VENDOR, DEVICE, 0);
	bool io;

	mb_option("how", how, sizeof how);
	if (!strcmp(how, "none")) {
		find_none();
		done();
	}
	if (!check(bdf != PCI_NONE, "device", "there is no window"))
		done();
	window = (uint8_t *)pci_bar(bdf, 0, &io);
	memcpy(before, window, sizeof before);
	check(*(uint64_t *)before == WINDOW_MAGIC, "magic", "%lx", *(uint64_t *)before);
	print("window: %s\n", how);
	if (!strcmp(how, "write"))
		write_all();
	else if (!strcmp(how, "rings"))
		use_rings();
	else if (!strcmp(how, "exec"))
		((void (*)(void))window)();
	else if (!strcmp(how, "walk"))
		__asm__ volatile("mov %0, %%cr3" : : "r"(window + WINDOW_PAGE) : "memory");
	else if (!strcmp(how, "stack"))
		__asm__ volatile("mov %0, %%rsp; int3"
		                 :
		                 : "r"(window + 4 * WINDOW_PAGE)
		                 : "memory");
	else
		check(false, "how", "'%s' is not known", how);
	done();
}
