/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_net_adaptive_threads.c: drivers that kick only when they must, and a core that polls
 * and sleeps again and again, each on a core of its own.  A kick that is lost leaves a driver
 * waiting for ever, and the alarm ends the test.
 *
 * First with steady modes; then control changes the ports' modes and moves the role to another
 * core.
 */
#include "tests/unit/rig/virtio_nodes.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>
#include "vnet/state.h"

#define FRAMES  1000 /* of each sender */
#define CHANGES 200
#define SENDERS 2
#define LIMIT   300 /* seconds */

static atomic_bool stop;
static atomic_uint senders;           /* that are not done */
static atomic_uint polls[NODE_CORES]; /* whether the core has the role */
static sem_t called[NODE_CORES];

static void wake(unsigned core)
{
	sem_post(&called[core]);
}

/* Gives the core that polls the time to go to sleep. */
static void pause_traffic(void)
{
	for (unsigned i = 0, rested = 0; i < 200 && rested < 3; i++) {
		rested = atomic_load(&net->resting) ? rested + 1 : 0;
		sched_yield();
	}
}

/* A vCPU that sends frames one by one or a few at once, and waits for its buffers. */
static void *sender(void *arg)
{
	struct node *n = arg;

	this_core_id = (unsigned)(n - node);
	for (unsigned i = 0; i < FRAMES; i++) {
		uint16_t old = n->tx.avail_idx;

		if (i % 16 == 0)
			pause_traffic();
		nic_compose(n, old % 64u, mac_of(2), 60, (uint8_t)old);
		queue_offer(&n->tx, old % 64u);
		if (queue_kick_wanted(&n->tx, old))
			nic_kick(n);
		while ((uint16_t)(n->tx.avail_idx - queue_used_idx(&n->tx)) > i % 7) {
			vpci_work(&n->g->pci);
			sched_yield();
		}
	}
	while (n->tx.avail_idx != queue_used_idx(&n->tx)) {
		vpci_work(&n->g->pci);
		sched_yield();
	}
	atomic_fetch_sub(&senders, 1);
	return NULL;
}

/* The receiver's driver gives buffers back, and sends a frame now and then. */
static void *receiver(void *arg)
{
	struct node *n = arg;
	uint16_t sent = 0;

	this_core_id = 2;
	while (!atomic_load(&stop)) {
		if (nic_idle(n)) {
			vpci_work(&n->g->pci);
			sched_yield();
			continue;
		}
		queue_offer(&n->rx, (uint16_t)queue_used(&n->rx).id);
		if ((uint16_t)(sent - queue_used_idx(&n->tx)) < 32 && sent % 3 == 0) {
			nic_compose(n, sent % 64u, mac_of(0), 60, 0);
			queue_offer(&n->tx, sent % 64u);
			if (queue_kick_wanted(&n->tx, sent))
				nic_kick(n);
			sent++;
		}
	}
	return NULL;
}

/* A core of the network's: polls for some rounds without a frame, then sleeps until it is called;
 * without the role it only sleeps. */
static void *poller(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg, idle = 0;
	bool awake = false;

	this_core_id = id;
	while (!atomic_load(&stop)) {
		while (sem_trywait(&called[id]) ==
		       0) /* what it was called for is done from here on */
			;
		if (!atomic_load(&polls[id])) {
			sem_wait(&called[id]);
			continue;
		}
		if (!awake)
			vnet_unrest(vnet_this_core());
		awake = true;
		idle = vnet_poll(vnet_this_core(), 64) ? 0 : idle + 1;
		if (idle < 3 || !vnet_rest(vnet_this_core())) {
			sched_yield();
			continue;
		}
		awake = false;
		idle = 0;
		sem_wait(&called[id]);
	}
	return NULL;
}

static void give_role(unsigned to)
{
	for (unsigned i = 0; i < NODE_CORES; i++) {
		atomic_store(&polls[i], i == to);
		sem_post(&called[i]);
	}
	vnet_poller_set(net, vnet_core(net, to), wake);
	sem_post(&called[to]);
}

static void set_mode(unsigned i, enum vnet_mode mode)
{
	vnet_port_set_mode(node[i].port, mode);
	virtio_net_kick(&node[i].nic->v, VIRTIO_NET_TX);
	vnet_wake(vnet_this_core());
}

/* Runs all of them until the senders are done. */
static void run(void (*control)(unsigned round))
{
	pthread_t t[SENDERS + 1], poll[2];

	alarm(LIMIT);
	nics_up(FULL);
	nics_introduce();
	for (unsigned i = 0; i < GUESTS; i++) {
		nic_up(&node[i], i ? FULL : BASIC, 64, 2048);
		vnet_port_set_mode(node[i].port, VNET_ADAPTIVE);
	}
	for (unsigned i = 0; i < NODE_CORES; i++)
		sem_init(&called[i], 0, 0);
	atomic_store(&stop, false);
	atomic_store(&senders, SENDERS);
	give_role(NODE_CORES - 1);
	this_core_id = NODE_CORES - 3;
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&poll[i], NULL, poller, (void *)(uintptr_t)(NODE_CORES - 1 - i));
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_create(&t[i], NULL, sender, &node[i]);
	pthread_create(&t[SENDERS], NULL, receiver, &node[2]);
	for (unsigned i = 0; control && i < CHANGES && atomic_load(&senders); i++)
		control(i);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(t[i], NULL);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < NODE_CORES; i++)
		sem_post(&called[i]);
	pthread_join(t[SENDERS], NULL);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(poll[i], NULL);
	alarm(0);
	for (unsigned i = 0; i < NODE_CORES; i++)
		sem_destroy(&called[i]);
}

static void no_kick_is_lost(void **state)
{
	struct vnet_port_stats s;

	(void)state;
	run(NULL);
	for (unsigned i = 0; i < SENDERS; i++) {
		vnet_port_stats(node[i].port, &s);
		assert_true(s.in_frames >= FRAMES);
	}
	assert_true(vnet_rests_get(net).rests > 0); /* else it proves nothing */
	assert_true(vnet_rests_get(net).wakes > 0);
}

static void change(unsigned i)
{
	static const enum vnet_mode mode[] = {VNET_KICK, VNET_ADAPTIVE, VNET_POLL, VNET_ADAPTIVE};

	set_mode(i % GUESTS, mode[i / 2 % 4]);
	if (i % 5 == 0)
		give_role(NODE_CORES - 1 - (i / 5 & 1));
	for (unsigned k = 0; k < i % 16; k++)
		sched_yield();
}

static void modes_and_cores_change(void **state)
{
	(void)state;
	run(change);
	assert_true(vnet_rests_get(net).rests > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, nics_setup, nics_teardown)
	const struct CMUnitTest tests[] = {
	    T(no_kick_is_lost),
	    T(modes_and_cores_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
