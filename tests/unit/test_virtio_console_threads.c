/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_console_threads.c: a console whose guest prints and reads on two vCPUs while somebody
 * types, its driver starts anew, and its counters are read; every other time bus mastering went off
 * and on before, and nothing of the old rings may be touched.  Under the thread sanitizer.
 */
#include "tests/unit/rig/virtio_guest.h"
#include <pthread.h>
#include <sched.h>
#include "drivers/virtio/virtio_console.h"

#define NUM      VIRTIO_CONSOLE_QUEUE
#define RESTARTS 40
#define LINES    30 /* that are printed between two starts of the driver */

static struct guest *g;
static struct virtio_console *c;
static struct probe p;
static struct queue rx, tx;
static uint16_t rx_notify, tx_notify;
static uint64_t buf;
static size_t printed; /* by whoever holds the gate */
static atomic_bool stop;

static void output(void *ctx, const struct vnet_seg *seg, unsigned nseg)
{
	(void)ctx;
	for (unsigned i = 0; i < nseg; i++) {
		if (seg[i].base[0] != 'p')
			abort();
		printed += seg[i].len;
	}
}

static void up(void)
{
	assert_true(
	    negotiate(g, &p, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC));
	memset(rx.avail, 0, 6 + 2 * NUM);
	memset(tx.avail, 0, 6 + 2 * NUM);
	memset(rx.used, 0, 6 + 8 * NUM);
	memset(tx.used, 0, 6 + 8 * NUM);
	rx.avail_idx = rx.last_used = tx.avail_idx = tx.last_used = 0;
	msix_on(g, &p, 3, 0);
	queue_setup(g, &p, 0, &rx, 1);
	queue_setup(g, &p, 1, &tx, 2);
	for (unsigned i = 0; i < NUM; i++) {
		rx.desc[i] = (struct vring_desc){buf + 64 * i, 64, VRING_DESC_WRITE, 0};
		tx.desc[i] = (struct vring_desc){buf + 8192 + 64 * i, 32, 0, 0};
		memset(guest_at(g, buf + 8192 + 64 * i), 'p', 32);
		queue_offer(&rx, (uint16_t)i);
	}
	status_add(g, &p, VIRTIO_DRIVER_OK);
	assert_true(c->v.running);
}

static void setup_console(void)
{
	g = guest_new();
	c = calloc(1, sizeof *c);
	virtio_console_init(c, "hvc0", &g->mem, output, NULL);
	assert_true(vpci_add(&g->pci, &c->v.pci, 0));
	p = guest_probe(g, 1);
	queue_alloc(g, &rx, NUM);
	queue_alloc(g, &tx, NUM);
	buf = guest_alloc(g, 65536);
	up();
	rx_notify = rx.notify;
	tx_notify = tx.notify;
}

/* Takes what was typed, and gives the buffer back. */
static void read_input(void)
{
	while (queue_used_idx(&rx) != rx.last_used) {
		struct vring_used_elem e = queue_used(&rx);
		const char *text = guest_at(g, rx.desc[e.id].addr);

		if (e.len > 64 || (e.len && (text[0] < 'a' || text[0] > 'z')))
			abort();
		queue_offer(&rx, (uint16_t)e.id);
	}
	guest_out(g, rx_notify, 2, 0);
}

/* Another kernel takes the memory, switches bus mastering on again, and looks at it later. */
static void lose_bus_mastering(void)
{
	const uint32_t off = VPCI_CMD_IO | VPCI_CMD_MEM;
	const size_t used = 6 + 8 * NUM;
	uint8_t *part[] = {(uint8_t *)rx.used, (uint8_t *)tx.used, guest_at(g, buf)};
	unsigned msis;

	guest_cfg_set(g, p.slot, 4, 2, off);
	msis = g->msis;
	for (unsigned i = 0; i < 3; i++)
		memset(part[i], 0xa7, used);
	guest_cfg_set(g, p.slot, 4, 2, off | VPCI_CMD_MASTER);
	for (unsigned i = 0; i < 50; i++) {
		guest_out(g, tx_notify, 2, 1);
		sched_yield();
	}
	for (unsigned i = 0; i < 3 * used; i++)
		if (part[i / used][i % used] != 0xa7)
			abort();
	if (g->msis != msis)
		abort();
}

/* The driver on the guest's first vCPU. */
static void *driver(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < RESTARTS; i++) {
		for (unsigned k = 0; k < LINES; k++) {
			while ((uint16_t)(tx.avail_idx - queue_used_idx(&tx)) > NUM / 2) {
				guest_out(g, tx_notify, 2, 1);
				sched_yield();
			}
			queue_offer(&tx, tx.avail_idx % NUM);
			guest_out(g, tx_notify, 2, 1);
			read_input();
		}
		if (i & 1)
			lose_bus_mastering();
		up();
	}
	atomic_store(&stop, true);
	return NULL;
}

/* Its second vCPU kicks both rings, without a reason. */
static void *kicker(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		guest_out(g, tx_notify, 2, 1);
		guest_out(g, rx_notify, 2, 0);
		sched_yield();
	}
	return NULL;
}

/* The terminal, on a core of the VMM. */
static void *typist(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		char text[40];

		memset(text, 'a' + (int)(i % 26), sizeof text);
		virtio_console_input(c, text, 1 + i % sizeof text);
		if (i % 64 == 0)
			virtio_console_forget(c);
		vpci_work(&g->pci);
		sched_yield();
	}
	return NULL;
}

static void a_console_has_no_race(void **state)
{
	void *(*const role[])(void *) = {driver, kicker, typist};
	pthread_t t[3];
	uint64_t value, seen = 0;
	char name[64];

	(void)state;
	setup_console();
	for (unsigned i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, role[i], NULL);
	do { /* once more at the end, however fast the others were */
		for (unsigned i = 0; virtio_pci_counter(&c->v, i, name, sizeof name, &value); i++)
			seen += value;
		sched_yield();
	} while (!atomic_load(&stop));
	for (unsigned i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_true(seen > 0 && printed > 0);
	assert_int_equal(device_counter(&c->v, "starts"), RESTARTS + 1);
	assert_int_equal(device_counter(&c->v, "master_off"), RESTARTS / 2);
	assert_false(status_get(g, &p) & VIRTIO_NEEDS_RESET);
	guest_free(g);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_console_has_no_race)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
