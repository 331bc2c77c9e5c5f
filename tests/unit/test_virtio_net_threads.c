/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_net_threads.c: two guests send to a third on cores of their own, while the third's
 * driver starts anew, another of its vCPUs pokes at its registers, and control changes what the
 * device says and reads its counters.  Under the thread sanitizer, which sees what no lock orders.
 *
 * Then the same traffic, by kick and by poll, while the third's bus mastering goes off: once it is,
 * the guest's memory is the guest's alone, also when somebody switches it on again.
 */
#include "tests/unit/rig/virtio_nodes.h"
#include <pthread.h>
#include <sched.h>

#define RESTARTS 60
#define FRAMES   40 /* that the receiver takes between two starts of its driver */
#define LOSSES   40 /* of bus mastering */
#define AFTER    30 /* frames that are sent to it while it is lost */
#define SCRIBBLE 0xa7

static atomic_bool stop;
static atomic_uint sent_all;          /* frames that senders have offered */
static uint16_t rx_notify, tx_notify; /* the receiver's ports, which its driver works out anew */
static pthread_barrier_t all_ready;

static void wait_for(pthread_t *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

/* A vCPU that sends to the receiver and waits for its buffers as drivers do. */
static void *sender(void *arg)
{
	struct node *n = arg;
	uint16_t sent = 0;

	this_core_id = (unsigned)(n - node);
	pthread_barrier_wait(&all_ready);
	while (!atomic_load(&stop)) {
		while ((uint16_t)(sent - queue_used_idx(&n->tx)) > 32 && !atomic_load(&stop)) {
			vpci_work(&n->g->pci);
			sched_yield();
		}
		nic_compose(n, sent % 64u, mac_of(2), 60, (uint8_t)sent);
		queue_offer(&n->tx, sent++ % 64u);
		atomic_fetch_add(&sent_all, 1);
		nic_kick(n);
	}
	return NULL;
}

/* The receiver's driver: takes frames, gives buffers back, and begins anew. */
static void *receiver(void *arg)
{
	struct node *n = arg;

	this_core_id = 2;
	pthread_barrier_wait(&all_ready);
	for (unsigned i = 0; i < RESTARTS; i++) {
		for (unsigned taken = 0; taken < FRAMES;) {
			struct vring_used_elem e;

			if (nic_idle(n)) {
				sched_yield();
				continue;
			}
			e = queue_used(&n->rx);
			if (*(uint8_t *)guest_at(n->g, n->rx.desc[e.id].addr + VIRTIO_NET_HDR) !=
			    0x52)
				abort();
			queue_offer(&n->rx, (uint16_t)e.id);
			taken++;
		}
		nic_up(n, i & 1 ? FULL : BASIC, 64, 2048);
	}
	atomic_store(&stop, true);
	return NULL;
}

/* The receiver's other vCPU: reads what a driver reads, masks and unmasks vectors, kicks. */
static void *meddler(void *arg)
{
	struct node *n = arg;

	this_core_id = 3;
	pthread_barrier_wait(&all_ready);
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		guest_in(n->g, (uint16_t)(n->p.device + i % 8), 1);
		guest_in(n->g, (uint16_t)(n->p.common + 0x15), 1);
		guest_in(n->g, n->p.isr, 1);
		guest_mmio_set(n->g, n->p.msix + 16 + 12, i & 1);
		guest_out(n->g, rx_notify, 2, 0);
		guest_out(n->g, tx_notify, 2, 1);
		vpci_work(&n->g->pci);
		sched_yield();
	}
	return NULL;
}

/* What the monitor does on the first core meanwhile; returns what it saw moved. */
static uint64_t control(struct node *n)
{
	struct vnet_port_stats s;
	uint64_t value, seen = 0;
	char name[64];

	/* Once more at the end, however fast the others were. */
	for (unsigned i = 0, last = 0; !last; i++) {
		last = atomic_load(&stop);
		virtio_net_nic.set_mtu(&n->nic->v.pci, (uint16_t)(1400 + i % 100));
		for (unsigned k = 0; virtio_pci_counter(&n->nic->v, k, name, sizeof name, &value);
		     k++)
			seen += value;
		vnet_port_stats(n->port, &s);
		seen += s.out_frames;
		sched_yield();
	}
	return seen;
}

static void a_device_has_no_race(void **state)
{
	pthread_t t[4];

	(void)state;
	nics_up(FULL);
	nics_introduce();
	/* The senders begin at the front of their rings. */
	nic_up(&node[0], FULL, 64, 2048);
	nic_up(&node[1], FULL, 64, 2048);
	rx_notify = node[2].rx.notify;
	tx_notify = node[2].tx.notify;
	stop = false;
	pthread_barrier_init(&all_ready, NULL, 4);
	pthread_create(&t[0], NULL, sender, &node[0]);
	pthread_create(&t[1], NULL, sender, &node[1]);
	pthread_create(&t[2], NULL, receiver, &node[2]);
	pthread_create(&t[3], NULL, meddler, &node[2]);
	assert_true(control(&node[2]) > 0);
	wait_for(t, 4);
	pthread_barrier_destroy(&all_ready);
	assert_true(node[2].nic->v.running);
	assert_int_equal(device_counter(&node[2].nic->v, "starts"), RESTARTS + 1);
	for (unsigned i = 0; i < GUESTS; i++)
		assert_false(status_get(node[i].g, &node[i].p) & VIRTIO_NEEDS_RESET);
}

/* The core that polls. */
static void *poller(void *arg)
{
	(void)arg;
	this_core_id = 3;
	pthread_barrier_wait(&all_ready);
	while (!atomic_load(&stop)) {
		vnet_poll(vnet_this_core(), 64);
		sched_yield();
	}
	return NULL;
}

/* What a device may write to: the used rings and the receive buffers. */
struct part {
	uint8_t *at;
	size_t size;
};

static void parts_of(const struct node *n, struct part part[3])
{
	part[0] = (struct part){(uint8_t *)n->rx.used, 6 + 8 * 256};
	part[1] = (struct part){(uint8_t *)n->tx.used, 6 + 8 * 64};
	part[2] = (struct part){guest_at(n->g, n->rxbuf), 64 * 4096};
}

/* Another use for all of that. */
static void scribble(const struct node *n)
{
	struct part part[3];

	parts_of(n, part);
	for (unsigned i = 0; i < 3; i++)
		memset(part[i].at, SCRIBBLE, part[i].size);
}

static void check_scribble(const struct node *n)
{
	struct part part[3];

	parts_of(n, part);
	for (unsigned i = 0; i < 3; i++)
		for (size_t k = 0; k < part[i].size; k++)
			if (part[i].at[k] != SCRIBBLE)
				abort();
}

/* Traffic both ways, until some frames came. */
static void exchange(struct node *n)
{
	for (unsigned taken = 0; taken < FRAMES;) {
		if (nic_idle(n)) {
			sched_yield();
			continue;
		}
		queue_offer(&n->rx, (uint16_t)queue_used(&n->rx).id);
		if ((uint16_t)(n->tx.avail_idx - queue_used_idx(&n->tx)) < 32) {
			nic_compose(n, n->tx.avail_idx % 64u, mac_of(0), 60, 0);
			queue_offer(&n->tx, n->tx.avail_idx % 64u);
		}
		taken++;
	}
}

/* The receiver's kernel ends, and another one begins in the same memory. */
static void *loser(void *arg)
{
	const uint32_t off = VPCI_CMD_IO | VPCI_CMD_MEM;
	struct node *n = arg;

	this_core_id = 2;
	pthread_barrier_wait(&all_ready);
	for (unsigned i = 0; i < LOSSES; i++) {
		unsigned msis, sent;

		exchange(n);
		guest_cfg_set(n->g, n->p.slot, 4, 2, off);
		msis = n->g->msis;
		sent = atomic_load(&sent_all);
		scribble(n);
		guest_cfg_set(n->g, n->p.slot, 4, 2, off | VPCI_CMD_MASTER);
		while (atomic_load(&sent_all) - sent < AFTER)
			sched_yield();
		check_scribble(n);
		if (n->g->msis != msis)
			abort();
		nic_up(n, i & 1 ? FULL : BASIC, 64, 2048);
	}
	atomic_store(&stop, true);
	return NULL;
}

static void nothing_lands_after_bus_mastering(void **state)
{
	pthread_t t[4];

	(void)state;
	nics_up(FULL);
	nics_introduce();
	nic_up(&node[0], FULL, 64, 2048);
	nic_up(&node[1], FULL, 64, 2048);
	vnet_port_set_mode(node[1].port, VNET_POLL);
	vnet_port_set_mode(node[2].port, VNET_POLL);
	stop = false;
	pthread_barrier_init(&all_ready, NULL, 4);
	pthread_create(&t[0], NULL, sender, &node[0]);
	pthread_create(&t[1], NULL, sender, &node[1]);
	pthread_create(&t[2], NULL, loser, &node[2]);
	pthread_create(&t[3], NULL, poller, NULL);
	wait_for(t, 4);
	pthread_barrier_destroy(&all_ready);
	assert_int_equal(device_counter(&node[2].nic->v, "master_off"), LOSSES);
	assert_true(nic_drops(&node[2], VNET_DROP_port_down) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_device_has_no_race, nics_setup, nics_teardown),
	    cmocka_unit_test_setup_teardown(nothing_lands_after_bus_mastering, nics_setup,
	                                    nics_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
