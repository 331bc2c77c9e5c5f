/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver that breaks one rule of its TX ring: how=index|loop|addr|len|avail|indirect.  The device
 * must ask for a reset (virtio 1.2, 2.1.2), and work again after it.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"

#define DESC_NEXT     1
#define DESC_INDIRECT 4
#define NOWHERE       (1ull << 46)

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];

/* Breaks one rule in the chain `head`, which a correct driver has just added. */
static bool spoil(const char *how, struct guest_vq *q, uint16_t head)
{
	struct guest_vdesc *d = &q->desc[head];

	if (!strcmp(how, "index")) {
		q->avail_next = (uint16_t)(q->avail_next + q->num + 1);
	} else if (!strcmp(how, "loop")) {
		d->flags |= DESC_NEXT;
		d->next = head;
	} else if (!strcmp(how, "addr")) {
		d->addr = NOWHERE;
	} else if (!strcmp(how, "len")) {
		d->len = 0;
	} else if (!strcmp(how, "avail")) {
		q->avail[2 + ((q->avail_next - 1) & (q->num - 1))] = q->num;
	} else if (!strcmp(how, "indirect")) {
		d->flags |= DESC_INDIRECT;
		d->len = 15; /* not a whole descriptor */
	} else {
		return false;
	}
	return true;
}

static bool wait_status(uint8_t bit)
{
	uint64_t start = rdtsc(), patience = netguest_patience();

	while (rdtsc() - start < patience) {
		if (guest_virtio_status(&nic.dev) & bit)
			return true;
		cpu_pause();
	}
	return false;
}

static bool frame_leaves(void)
{
	uint64_t start = rdtsc(), patience = netguest_patience();
	uint16_t free = nic.tx.nfree;
	uint32_t len;

	vnic_send(&nic, frame, packet_test(frame, me.mac, me.mac, 0, TEST_BYTES));
	vnic_flush(&nic);
	while (nic.tx.nfree != free && rdtsc() - start < patience) {
		void *done = guest_vq_used(&nic.tx, &len);

		if (done)
			nic.tx_free[nic.tx_nfree++] = done;
		cpu_pause();
	}
	return nic.tx.nfree == free;
}

void guest_main(void)
{
	char how[16] = "index";
	uint16_t head;
	const char *error;

	netguest_start(&nic, &me);
	mb_option("how", how, sizeof how);
	check(frame_leaves(), "works_before", "a frame stays in the ring");
	head = nic.tx.free_head;
	vnic_send(&nic, frame, packet_test(frame, me.mac, me.mac, 0, TEST_BYTES));
	if (!check(spoil(how, &nic.tx, head), "how", "'%s' is not known", how))
		done();
	vnic_flush(&nic);
	check(wait_status(GUEST_VIRTIO_S_NEEDS_RESET), "needs_reset", "status %x after %s",
	      guest_virtio_status(&nic.dev), how);
	error = vnic_restart(&nic);
	check(!error, "reset", "%s", error ? error : "");
	check(!(guest_virtio_status(&nic.dev) & GUEST_VIRTIO_S_NEEDS_RESET), "clean_after",
	      "it is set");
	check(frame_leaves(), "works_after", "a frame stays in the ring");
	done();
}
