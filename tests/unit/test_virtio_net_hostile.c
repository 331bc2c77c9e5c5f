/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_net_hostile.c: guests that break rules, kick from two vCPUs, or reset a busy device.
 */
#include <pthread.h>
#include "tests/unit/rig/virtio_nodes.h"

static void violate(struct node *n, struct vring_desc d, const char *why)
{
	char name[64] = "violation.";
	uint64_t before;

	nics_up(FULL);
	strcat(name, why);
	before = device_counter(&n->nic->v, name);
	n->tx.desc[0] = d;
	queue_offer(&n->tx, 0);
	nic_kick(n);
	assert_int_equal(device_counter(&n->nic->v, name), before + 1);
	assert_int_equal(status_get(n->g, &n->p) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	assert_false(n->port->up);
	assert_int_equal(queue_used_idx(&n->tx), 0);
	/* The others go on; the broken one is sent nothing. */
	nic_send(&node[1], MAC_BROADCAST, 60, 5);
	nic_receive(&node[2], 60, 5);
	assert_true(nic_idle(n));
}

static void test_broken_tx(void **state)
{
	struct node *n = &node[0];

	(void)state;
	violate(n, (struct vring_desc){1ull << 50, 100, 0, 0}, "bad_address");
	violate(n, (struct vring_desc){n->txbuf, 100, VRING_DESC_WRITE, 0}, "not_readable");
	violate(n, (struct vring_desc){n->txbuf, 100, VRING_DESC_NEXT, 64}, "next_range");
	violate(n, (struct vring_desc){n->txbuf, 100, VRING_DESC_NEXT, 0}, "chain_loop");
	violate(n, (struct vring_desc){n->txbuf, 0, 0, 0}, "zero_length");
	violate(n, (struct vring_desc){n->txbuf, 11, 0, 0}, "no_header");
	nics_up(FULL);
	n->tx.avail_idx = 65;
	queue_offer(&n->tx, 0);
	nic_kick(n);
	assert_int_equal(device_counter(&n->nic->v, "violation.avail_overrun"), 1);
	nics_up(FULL);
	queue_offer(&n->tx, 64);
	nic_kick(n);
	assert_int_equal(device_counter(&n->nic->v, "violation.head_range"), 1);
}

static void test_broken_rx(void **state)
{
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	nics_up(FULL);
	nics_introduce();
	b->rx.desc[3].flags = 0;
	for (unsigned i = 0; i < 64; i++)
		nic_send(a, mac_of(1), 60, (uint8_t)i);
	assert_int_equal(device_counter(&b->nic->v, "violation.not_writable"), 1);
	assert_int_equal(nic_drops(b, VNET_DROP_rx_broken), 1);
	assert_true(nic_drops(b, VNET_DROP_port_down) > 0);
	assert_int_equal(status_get(a->g, &a->p) & VIRTIO_NEEDS_RESET, 0);
	nic_up(b, FULL, 64, 2048);
	b->rx.avail_idx = (uint16_t)(b->rx.avail_idx + 300);
	queue_offer(&b->rx, 0);
	for (unsigned i = 0; i < 65; i++)
		nic_send(a, mac_of(1), 60, 0);
	assert_int_equal(device_counter(&b->nic->v, "violation.avail_overrun"), 1);
	/* Its other ring is closed, too: a change of the port's mode looks at it. */
	nic_compose(b, 0, mac_of(0), 60, 1);
	queue_offer(&b->tx, 0);
	virtio_net_kick(&b->nic->v, VIRTIO_NET_TX);
	assert_int_equal(queue_used_idx(&b->tx), 0);
}

/* Two vCPUs of one guest: both fill the ring and kick whenever the device asks for it. */
struct vcpu {
	struct node *n;
	unsigned core, frames;
	pthread_mutex_t *ring;
};

static void *vcpu_run(void *arg)
{
	struct vcpu *c = arg;

	this_core_id = c->core;
	for (unsigned sent = 0; sent < c->frames;) {
		bool wanted = false;

		pthread_mutex_lock(c->ring);
		if ((uint16_t)(c->n->tx.avail_idx - queue_used_idx(&c->n->tx)) < 64) {
			uint16_t old = c->n->tx.avail_idx;

			queue_offer(&c->n->tx, old % 64);
			wanted = queue_kick_wanted(&c->n->tx, old);
			sent++;
		}
		pthread_mutex_unlock(c->ring);
		if (!wanted)
			continue;
		nic_kick(c->n);
		while (vpci_work(&c->n->g->pci)) /* as the loop of its core does */
			;
	}
	return NULL;
}

static void two_kick(unsigned frames)
{
	pthread_mutex_t ring = PTHREAD_MUTEX_INITIALIZER;
	struct vcpu c[2] = {{&node[0], 0, frames, &ring}, {&node[0], 1, frames, &ring}};
	pthread_t t;

	pthread_create(&t, NULL, vcpu_run, &c[1]);
	vcpu_run(&c[0]);
	pthread_join(t, NULL);
	this_core_id = 0;
}

static void test_two_vcpus(void **state)
{
	struct node *a = &node[0];
	struct vnet_port_stats s;

	(void)state;
	nics_up(FULL);
	for (unsigned i = 0; i < 64; i++)
		nic_compose(a, i, mac_of(1), 60, 1);
	two_kick(40000);
	/* Nobody kicks any more: all must have gone. */
	assert_int_equal(queue_used_idx(&a->tx), a->tx.avail_idx);
	vnet_port_stats(a->port, &s);
	assert_int_equal(s.in_frames, 80000);
}

/* One vCPU resets the device again and again while the other sends to it and it sends. */
static atomic_bool stop_sending;

static uint16_t victim; /* the notify port of the guest that resets */

static void *sender(void *arg)
{
	struct node *b = arg;

	this_core_id = 1;
	while (!atomic_load(&stop_sending)) {
		queue_offer(&b->tx, 0);
		nic_kick(b);
		guest_out(node[0].g, victim, 2, 1);
	}
	return NULL;
}

static void test_reset_in_flight(void **state)
{
	pthread_t t;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	nic_compose(&node[1], 0, mac_of(0), 60, 1);
	atomic_store(&stop_sending, false);
	victim = node[0].tx.notify;
	pthread_create(&t, NULL, sender, &node[1]);
	for (unsigned i = 0; i < 500; i++)
		nic_up(&node[0], FULL, 64, 2048);
	atomic_store(&stop_sending, true);
	pthread_join(t, NULL);
	assert_int_equal(status_get(node[0].g, &node[0].p) & VIRTIO_NEEDS_RESET, 0);
	nic_up(&node[0], FULL, 64, 2048);
	nic_send(&node[1], mac_of(0), 60, 1);
	nic_receive(&node[0], 60, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, nics_setup, nics_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_broken_tx),
	    T(test_broken_rx),
	    T(test_two_vcpus),
	    T(test_reset_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
