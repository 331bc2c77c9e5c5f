/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_threads.c: two vCPUs at one PCI bus, which move its addresses, mask its interrupts and
 * use what is there, while a core of the VMM sends interrupts and reads counters.  Under the thread
 * sanitizer.
 */
#include "tests/unit/rig/virtio_guest.h"
#include <pthread.h>
#include <sched.h>

#define STEPS   3000
#define DEVICES 2
#define VECTORS 4
#define PORT(d) ((uint16_t)(0x2000 + 0x100 * (d)))
#define WRITTEN 0x5a

static struct guest *g;
static struct vpci_dev dev[DEVICES];
static atomic_uint accesses[DEVICES], commands;
static atomic_bool stop;

/* A device of one I/O BAR: each access must be one that was meant for it. */
static void bar(struct vpci_dev *d, unsigned index, uint32_t off, unsigned size, bool write,
                uint64_t *val)
{
	if (index != 0 || off + size > VPCI_IO_SIZE || (write && (*val & 0xff) != WRITTEN))
		abort();
	if (!write)
		*val = WRITTEN;
	atomic_fetch_add(&accesses[d - dev], 1);
}

static void command(struct vpci_dev *d, uint16_t value)
{
	(void)d, (void)value;
	atomic_fetch_add(&commands, 1);
}

static const struct vpci_ops ops = {.bar = bar, .command = command};

static void plug(unsigned i)
{
	vpci_dev_init(&dev[i], "device", &ops, 0x1234, (uint16_t)i, 0xff0000, 0);
	vpci_bar_init(&dev[i], 0, VPCI_BAR_IO, VPCI_IO_SIZE);
	vpci_msix_init(&dev[i], 1, VECTORS);
	assert_true(vpci_add(&g->pci, &dev[i], i + 1));
}

/* One vCPU: its own device's registers.  The address register is one for both, as on a machine
 * whose driver forgot its lock: what is read and written may be the other device's. */
static void *vcpu(void *arg)
{
	unsigned me = (unsigned)(size_t)arg;

	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t word, gpa;

		guest_cfg_set(g, me + 1, 0x10, 4, PORT(i % 4));
		guest_cfg_set(g, me + 1, 4, 2,
		              i % 8 ? VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER : 0);
		for (unsigned k = 0; k < 4; k++) {
			uint32_t val = WRITTEN;

			vpci_io(&g->pci, PORT(k), 1, i & 1, &val);
		}
		word = i & 1;
		gpa = dev[i & 1].bar[1].home + 16 * (i % VECTORS) + 12;

		vpci_mmio(&g->pci, gpa, 4, i & 2, &word);
		guest_cfg_set(g, me + 1, dev[me].msix_cap + 2u, 2, i % 4 ? 0x8000 : 0xc000);
	}
	return NULL;
}

static void *sender(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		vpci_msix_send(&dev[i & 1], (uint16_t)(i % (VECTORS + 1)));
		vpci_msix_send(&dev[i & 1], VPCI_NO_VECTOR);
		sched_yield();
	}
	return NULL;
}

static void a_bus_has_no_race(void **state)
{
	pthread_t t[3];

	(void)state;
	g = guest_new();
	for (unsigned i = 0; i < DEVICES; i++)
		plug(i);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, vcpu, (void *)(size_t)i);
	pthread_create(&t[2], NULL, sender, NULL);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	atomic_store(&stop, true);
	pthread_join(t[2], NULL);
	assert_true(accesses[0] + accesses[1] > 0 && commands > 0);
	/* In the end everything is where it was put last. */
	for (unsigned i = 0; i < DEVICES; i++) {
		uint32_t val = WRITTEN;

		guest_cfg_set(g, i + 1, 4, 2, VPCI_CMD_IO);
		guest_cfg_set(g, i + 1, 0x10, 4, PORT(i));
		accesses[i] = 0;
		assert_true(vpci_io(&g->pci, PORT(i), 1, true, &val));
		assert_int_equal(accesses[i], 1);
	}
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_bus_has_no_race)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
