/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel whose predecessor left the NIC running, as with Linux's kexec: bus mastering goes off
 * and on again, and the device is reset only later.  In between the memory of the old rings and
 * buffers is used otherwise, and frames arrive; the second NIC of this guest sends them.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/lib/pci.h"

#define FRAMES   64u
#define SCRIBBLE 0xa7
#define BUFFERS  (VNIC_RING * 1536ul) /* for what is received; vnic.c */

static struct vnic nic, other;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];

/* Sends to the first NIC, and waits until the switch has used all buffers. */
static bool send_all(void)
{
	uint64_t start = rdtsc(), patience = netguest_patience();
	uint32_t len;

	for (unsigned i = 0; i < FRAMES; i++)
		vnic_send(&other, frame, packet_test(frame, nic.mac, other.mac, i, TEST_BYTES));
	vnic_flush(&other);
	while (other.tx.nfree != other.tx.num && rdtsc() - start < patience) {
		void *done = guest_vq_used(&other.tx, &len);

		if (done)
			other.tx_free[other.tx_nfree++] = done;
		cpu_pause();
	}
	return other.tx.nfree == other.tx.num;
}

static unsigned count_received(void)
{
	unsigned n = 0;

	while (vnic_receive(&nic, frame))
		n++;
	return n;
}

static void master(bool on)
{
	uint32_t command = pci_read(nic.dev.bdf, PCI_COMMAND, 2) & ~(uint32_t)PCI_COMMAND_MASTER;

	pci_write(nic.dev.bdf, PCI_COMMAND, 2, command | (on ? PCI_COMMAND_MASTER : 0));
}

/* Bytes of the used ring and of the receive buffers: all that the device may write. */
static size_t used_bytes(void)
{
	return 6 + 8ul * nic.rx.num;
}

static unsigned written(const volatile uint8_t *p, size_t size)
{
	unsigned n = 0;

	for (size_t i = 0; i < size; i++)
		n += p[i] != SCRIBBLE;
	return n;
}

void guest_main(void)
{
	const char *error;
	unsigned ring, bytes;

	netguest_start(&nic, &me);
	error = vnic_open(&other, 1);
	if (!check(!error, "second_nic", "%s", error ? error : ""))
		done();
	check(send_all() && count_received() == FRAMES, "works_before", "not all frames came");
	master(false);
	memset((void *)nic.rx.used, SCRIBBLE, used_bytes());
	memset(nic.buffers, SCRIBBLE, BUFFERS);
	master(true);
	check(send_all(), "sent", "they stay in the ring");
	check(guest_virtio_status(&nic.dev) & GUEST_VIRTIO_S_NEEDS_RESET, "needs_reset",
	      "status %x", guest_virtio_status(&nic.dev));
	ring = written((void *)nic.rx.used, used_bytes());
	bytes = written(nic.buffers, BUFFERS);
	check(!ring && !bytes, "untouched", "%u bytes of the ring, %u of its buffers", ring, bytes);
	error = vnic_restart(&nic);
	check(!error, "reset", "%s", error ? error : "");
	check(send_all() && count_received() == FRAMES, "works_after", "not all frames came");
	done();
}
