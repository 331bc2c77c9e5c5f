/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_shm_threads.c: the members of a group on cores of their own.  ann sends to ben, through the
 * switch; ben sends on to cat, half of it through the switch and half straight; a guest with a
 * virtio device sends to cat as well.  Under the thread sanitizer, which sees what no lock orders.
 *
 * First nobody stops: every frame arrives once, in order and whole, but for those that were
 * counted as dropped.  Then cat starts anew again and again, and breaks rules; nobody's buffers are
 * lost.  Last, ben sleeps whenever no frame is there.
 */
#include <pthread.h>
#include <sched.h>
#include "tests/unit/rig/shm_nodes.h"
#include "guest-images/netlib/functions.h"
#include "lib/bytes.h"

#define ANN member[0]
#define BEN member[1]
#define CAT member[2]

#define FRAMES   6000
#define RESTARTS 60
#define TAG_NIC  0x40 /* in the first byte of the payload: who sent it */

static atomic_bool stop;
static atomic_uint unfinished; /* threads that have frames to come */
static pthread_barrier_t all_ready;

static void enter(unsigned core)
{
	this_core_id = core;
	pthread_barrier_wait(&all_ready);
}

/* All that the member has sent was taken. */
static void wait_for_out(struct member *m)
{
	while (atomic_load(&m->shared->out.tail) != m->lib.out_head && !atomic_load(&stop)) {
		vpci_work(&m->g->pci);
		sched_yield();
	}
}

/* What is flooded while cat is down: its address is unknown then. */
static void drop_all(void *state, struct netlib_frame *frame, unsigned count)
{
	(void)state;
	for (unsigned i = 0; i < count; i++)
		frame[i].action = SHM_DROP;
}

static void *generator(void *arg)
{
	struct netlib_generator g = {.length = 300};

	(void)arg;
	mac_write(g.src, member_mac_of(0));
	mac_write(g.dst, member_mac_of(1));
	enter(0);
	while (g.sent < FRAMES && !atomic_load(&stop)) {
		if (!netlib_generate(&ANN.lib, &g, 16))
			sched_yield();
		vpci_work(&ANN.g->pci);
		netlib_serve(&ANN.lib, drop_all, NULL);
	}
	wait_for_out(&ANN);
	atomic_fetch_sub(&unfinished, 1);
	return NULL;
}

/* To cat, by the switch or straight.  What is not ann's was flooded. */
static void send_on(void *state, struct netlib_frame *frame, unsigned count)
{
	unsigned *bursts = state;
	uint64_t serial;

	for (unsigned i = 0; i < count; i++) {
		if (!netlib_serial(&frame[i], &serial)) {
			frame[i].action = SHM_DROP;
			continue;
		}
		frame[i].action = *bursts % 2 ? SHM_TO : SHM_NEXT;
		frame[i].to = 2;
		mac_write(frame[i].data, member_mac_of(2));
		mac_write(frame[i].data + 6, member_mac_of(1));
	}
	++*bursts;
}

/* When the ones before have finished, one more look takes what is left. */
static bool finished(unsigned threads_left)
{
	return atomic_load(&unfinished) <= threads_left || atomic_load(&stop);
}

static void *function(void *arg)
{
	unsigned bursts = 0;
	bool last = false;

	(void)arg;
	enter(1);
	while (!last) {
		last = finished(1);
		while (netlib_serve(&BEN.lib, send_on, &bursts))
			vpci_work(&BEN.g->pci);
		wait_for_out(&BEN);
		sched_yield();
	}
	atomic_fetch_sub(&unfinished, 1);
	return NULL;
}

static void *outsider(void *arg)
{
	struct node *n = arg;
	uint16_t sent = 0;

	enter(3);
	while (sent < FRAMES && !atomic_load(&stop)) {
		uint8_t *f;

		while ((uint16_t)(sent - queue_used_idx(&n->tx)) > 32 && !atomic_load(&stop)) {
			vpci_work(&n->g->pci);
			sched_yield();
		}
		f = nic_compose(n, sent % 64u, member_mac_of(2), 300, (uint8_t)sent);
		f[14] = TAG_NIC;
		put_be32(f + 16, sent);
		queue_offer(&n->tx, sent++ % 64u);
		nic_kick(n);
	}
	while (queue_used_idx(&n->tx) != sent && !atomic_load(&stop)) {
		vpci_work(&n->g->pci);
		sched_yield();
	}
	atomic_fetch_sub(&unfinished, 1);
	return NULL;
}

static void *poller(void *arg)
{
	(void)arg;
	enter(4);
	while (!atomic_load(&stop)) {
		vnet_poll(vnet_this_core(), 64);
		sched_yield();
	}
	return NULL;
}

/* What cat has got of both. */
static struct receipt {
	uint64_t last, inner, outer;
} got;

static void check_outer(const struct netlib_frame *f)
{
	uint32_t serial = be32(f->data + 16);

	if (got.outer && serial <= got.last)
		abort();
	for (unsigned i = 20; i < 300; i++)
		if (f->data[i] != (uint8_t)(serial + i))
			abort();
	got.last = serial;
	got.outer++;
}

static void take_frames(void *state, struct netlib_frame *frame, unsigned count)
{
	uint64_t *next = state, serial;

	for (unsigned i = 0; i < count; i++) {
		if (frame[i].length != 300)
			abort();
		if (netlib_serial(&frame[i], &serial)) {
			if (serial < *next)
				abort();
			*next = serial + 1;
			got.inner++;
		} else if (frame[i].data[14] == TAG_NIC) {
			check_outer(&frame[i]);
		}
		frame[i].action = SHM_DROP;
	}
}

static void *receiver(void *arg)
{
	uint64_t next = 0;
	bool last = false;

	(void)arg;
	enter(2);
	while (!last) {
		last = finished(0);
		while (netlib_serve(&CAT.lib, take_frames, &next))
			vpci_work(&CAT.g->pci);
		vpci_work(&CAT.g->pci);
		sched_yield();
	}
	atomic_store(&stop, true);
	return NULL;
}

static void run(void *(*last)(void *))
{
	void *(*const start[])(void *) = {generator, function, last, outsider, poller};
	pthread_t t[5];

	atomic_store(&stop, false);
	atomic_store(&unfinished, 3);
	got = (struct receipt){0, 0, 0};
	pthread_barrier_init(&all_ready, NULL, 5);
	for (unsigned i = 0; i < 5; i++)
		pthread_create(&t[i], NULL, start[i], i == 3 ? &node[0] : NULL);
	for (unsigned i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&all_ready);
	this_core_id = 0;
}

/* Everybody's address is declared: nothing is flooded. */
static void declare(void)
{
	nics_up(FULL);
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_true(vnet_port_set_mac(member[i].port, member_mac_of(i)));
}

static uint64_t dropped(const struct member *m)
{
	struct vnet_port_stats s;
	uint64_t n = 0;

	vnet_port_stats(m->port, &s);
	for (unsigned i = 0; i < VNET_DROP_CAUSES; i++)
		n += vnet_drop_lost((enum vnet_drop)i) ? s.drop[i] : 0;
	return n + member_counter(m, "direct_lost");
}

static void every_frame_arrives_or_is_counted(void **state)
{
	(void)state;
	declare();
	vnet_port_set_mode(BEN.port, VNET_POLL);
	run(receiver);
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_true(netlib_running(&member[i].lib));
	assert_true(got.inner + got.outer > 0);
	assert_int_equal(got.inner + got.outer + dropped(&BEN) + dropped(&CAT), 2 * FRAMES);
	assert_int_equal(BEN.device->copied, 0);
	assert_int_equal(CAT.device->copied % 300, 0);
	check_shares();
}

/* cat's driver: takes some, then begins anew, now and then because it broke a rule. */
static void *restarter(void *arg)
{
	(void)arg;
	enter(2);
	for (unsigned i = 0; i < RESTARTS; i++) {
		uint64_t next = 0;

		got.outer = 0;
		for (unsigned n = 0; n < 100 && !finished(1);)
			n += netlib_serve(&CAT.lib, take_frames, &next);
		if (i % 3 == 0)
			member_write_out(&CAT, (struct shm_desc){.at = ~0u});
		guest_out(CAT.g, CAT.io + SHM_IO_STATUS, 4, 0);
		member_start(&CAT);
	}
	atomic_store(&stop, true);
	return NULL;
}

static void a_restart_loses_no_buffer(void **state)
{
	(void)state;
	declare();
	vnet_port_set_mode(ANN.port, VNET_POLL);
	vnet_port_set_mode(CAT.port, VNET_POLL);
	run(restarter);
	assert_true(netlib_running(&ANN.lib));
	assert_true(netlib_running(&BEN.lib));
	assert_int_equal(member_counter(&CAT, "resets"), RESTARTS);
	for (unsigned i = 0; i < MEMBERS; i++)
		shm_member_reset(member[i].device);
	check_shares();
}

static atomic_uint sent, taken; /* frames whose way is done, and those that ben has taken */

/* One frame at a time, each as soon as ben has taken the one before: he is about to sleep then. */
static void *pacer(void *arg)
{
	struct netlib_generator g = {.length = 300};

	(void)arg;
	mac_write(g.src, member_mac_of(0));
	mac_write(g.dst, member_mac_of(1));
	enter(0);
	while (g.sent < FRAMES) {
		if (!netlib_generate(&ANN.lib, &g, 1))
			abort();
		wait_for_out(&ANN);
		atomic_store(&sent, (unsigned)g.sent);
		while (atomic_load(&taken) < g.sent)
			sched_yield();
	}
	return NULL;
}

static void take_all(void *state, struct netlib_frame *frame, unsigned count)
{
	drop_all(state, frame, count);
	atomic_fetch_add(&taken, count);
}

/* Sleeps until there were more interrupts than `seen`, as by an eventfd.  A frame that is there
 * without one was lost to it. */
static unsigned sleep_until_more(unsigned seen)
{
	while (atomic_load(&BEN.g->msis) == seen) {
		if (atomic_load(&sent) > atomic_load(&taken) && atomic_load(&BEN.g->msis) == seen)
			abort();
		sched_yield();
	}
	return atomic_load(&BEN.g->msis);
}

static void *sleeper(void *arg)
{
	unsigned *sleeps = arg, seen = 0;

	enter(1);
	while (atomic_load(&taken) < FRAMES) {
		if (netlib_serve(&BEN.lib, take_all, NULL) || netlib_arm(&BEN.lib))
			continue;
		++*sleeps;
		seen = sleep_until_more(seen);
	}
	return NULL;
}

static void no_wake_up_is_lost(void **state)
{
	unsigned sleeps = 0;
	pthread_t t[2];

	(void)state;
	declare();
	atomic_store(&stop, false);
	pthread_barrier_init(&all_ready, NULL, 2);
	pthread_create(&t[0], NULL, pacer, NULL);
	pthread_create(&t[1], NULL, sleeper, &sleeps);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	pthread_barrier_destroy(&all_ready);
	this_core_id = 0;
	assert_int_equal(atomic_load(&taken), FRAMES);
	/* One interrupt for each time that it was asked for, at most. */
	assert_in_range(BEN.g->msis, sleeps, FRAMES);
	assert_int_equal(dropped(&BEN), 0);
	check_shares();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, members_setup, members_teardown)
	    T(every_frame_arrives_or_is_counted),
	    T(a_restart_loses_no_buffer),
	    T(no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
