/* SPDX-License-Identifier: BSD-2-Clause */
/* test_virtio_pci.c: the transport's registers and states, driven as Linux drives them. */
#include "tests/unit/rig/virtio_guest.h"

#define NUM 16
#define ON  (VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER)

/* A device that counts its calls. */
static struct {
	struct virtio_pci v;
	unsigned kicks[2], starts, stops;
	bool break_at_start; /* another core finds a violation as soon as the device starts */
} dev;

static void kick(struct virtio_pci *v, unsigned q)
{
	(void)v;
	dev.kicks[q]++;
}

static void started(struct virtio_pci *v)
{
	dev.starts++;
	if (dev.break_at_start)
		virtio_pci_break(v, VRING_E_bad_address);
}

static void stopped(struct virtio_pci *v)
{
	assert_false(virtio_pci_running(v));
	dev.stops++;
}

static bool fit(uint64_t f)
{
	return (f & 3) != 2; /* bit 1 needs bit 0 */
}

static const struct virtio_ops ops = {
    .id = 5,
    .class_code = 0x010000,
    .features_fit = fit,
    .kick = kick,
    .start = started,
    .stop = stopped,
};

static const uint8_t config[6] = {1, 2, 3, 4, 5, 6};
static struct guest *g;
static struct probe p;
static struct queue q[2];

#define ALL (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | 3)

static int setup(void **state)
{
	const uint16_t max[2] = {64, NUM};

	(void)state;
	memset(&dev, 0, sizeof dev);
	g = guest_new();
	virtio_pci_init(&dev.v, "toy", &ops, &g->mem, max, 2, 3, config, sizeof config);
	assert_true(vpci_add(&g->pci, &dev.v.pci, 0));
	p = guest_probe(g, 1);
	for (int i = 0; i < 2; i++)
		queue_alloc(g, &q[i], NUM);
	msix_on(g, &p, 3, 0);
	dev.stops = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_free(g);
	return 0;
}

static uint16_t reg(unsigned off)
{
	return (uint16_t)(p.common + off);
}

static void go(void)
{
	assert_true(negotiate(g, &p, ALL));
	queue_setup(g, &p, 0, &q[0], 1);
	queue_setup(g, &p, 1, &q[1], 2);
	status_add(g, &p, VIRTIO_DRIVER_OK);
}

static void broken(const char *why)
{
	char name[64] = "violation.";

	assert_int_equal(status_get(g, &p) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	assert_false(virtio_pci_running(&dev.v));
	strcat(name, why);
	assert_int_equal(device_counter(&dev.v, name), 1);
}

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(guest_cfg(g, 1, 0, 4), 0x10451af4);
	assert_int_equal(guest_cfg(g, 1, 8, 1), 1);
	assert_true(guest_cfg(g, 1, 0x2e, 2) >= 0x40);
	assert_int_equal(guest_cfg(g, 1, 0x10, 4) & 3, 1);
	assert_int_equal(p.notify_step, 4);
	assert_int_not_equal(p.common, 0);
	assert_int_not_equal(p.isr, 0);
	assert_int_not_equal(p.device, 0);
	assert_int_not_equal(p.window_cap, 0);
	assert_int_equal(guest_in(g, reg(0x12), 2), 2);
	assert_int_equal(guest_in(g, p.device, 4), 0x04030201);
	assert_int_equal(guest_in(g, (uint16_t)(p.device + 4), 2), 0x0605);
	assert_int_equal(guest_in(g, (uint16_t)(p.device + 5), 1), 6);
	assert_int_equal(guest_in(g, (uint16_t)(p.device + 5), 2), 0xffff); /* over its end */
}

static void test_violation_at_start_stays(void **state)
{
	(void)state;
	dev.break_at_start = true;
	go();
	assert_int_equal(dev.starts, 1);
	assert_false(virtio_pci_running(&dev.v));
	assert_int_equal(status_get(g, &p) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
}

static void test_life(void **state)
{
	(void)state;
	assert_int_equal(features_offered(g, &p), ALL);
	go();
	assert_int_equal(dev.starts, 1);
	assert_true(virtio_pci_running(&dev.v));
	assert_int_equal(dev.v.features, ALL);
	assert_int_equal(status_get(g, &p), 0xf);
	assert_int_equal(dev.kicks[0], 1); /* the first look */
	guest_out(g, q[0].notify, 2, 0);
	guest_out(g, q[1].notify, 2, 1);
	guest_out(g, q[1].notify, 2, 1);
	assert_int_equal(dev.kicks[0], 2);
	assert_int_equal(dev.kicks[1], 3);
	assert_int_equal(device_counter(&dev.v, "kicks"), 3);
	virtio_pci_notify(&dev.v, 1);
	assert_int_equal(g->msi_of[2], 1);
	assert_int_equal(guest_in(g, p.isr, 1), 0);
	guest_out(g, reg(0x14), 1, 0);
	assert_int_equal(status_get(g, &p), 0);
	assert_int_equal(dev.stops, 2);
	assert_int_equal(guest_in(g, reg(0x1c), 2), 0);
	assert_int_equal(guest_in(g, reg(0x1a), 2), VPCI_NO_VECTOR);
	go();
	assert_int_equal(dev.starts, 2);
}

static void test_features_refused(void **state)
{
	(void)state;
	assert_false(negotiate(g, &p, ALL & ~VIRTIO_F_VERSION_1));
	assert_false(negotiate(g, &p, ALL | 1ull << 40));
	assert_false(negotiate(g, &p, (ALL & ~1ull)));
	assert_int_equal(device_counter(&dev.v, "bad_features"), 3);
	status_add(g, &p, VIRTIO_DRIVER_OK); /* without FEATURES_OK */
	assert_int_equal(status_get(g, &p) & VIRTIO_DRIVER_OK, 0);
	assert_int_equal(dev.starts, 0);
	/* Too late to change them, and there are only 64. */
	assert_true(negotiate(g, &p, ALL));
	guest_out(g, reg(8), 4, 0);
	guest_out(g, reg(12), 4, 0);
	assert_int_equal(guest_in(g, reg(12), 4), (uint32_t)ALL);
	guest_out(g, reg(8), 4, 2);
	assert_int_equal(guest_in(g, reg(12), 4), 0);
	guest_out(g, reg(0), 4, 7);
	assert_int_equal(guest_in(g, reg(4), 4), 0);
}

static void test_early_kick(void **state)
{
	(void)state;
	assert_true(negotiate(g, &p, ALL));
	queue_setup(g, &p, 0, &q[0], 1);
	guest_out(g, q[0].notify, 2, 0);
	assert_int_equal(dev.kicks[0], 0);
	assert_int_equal(device_counter(&dev.v, "early_kicks"), 1);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	assert_int_equal(dev.kicks[0], 1);            /* what was there is found all the same */
	guest_out(g, (uint16_t)(p.notify + 4), 2, 1); /* a queue that is not enabled */
	guest_out(g, (uint16_t)(p.notify + 8), 2, 2); /* one that does not exist */
	assert_int_equal(device_counter(&dev.v, "early_kicks"), 3);
}

static void test_queue_registers(void **state)
{
	(void)state;
	assert_true(negotiate(g, &p, ALL));
	guest_out(g, reg(0x16), 2, 0);
	assert_int_equal(guest_in(g, reg(0x18), 2), 64);
	guest_out(g, reg(0x16), 2, 2);
	assert_int_equal(guest_in(g, reg(0x18), 2), 0);
	assert_int_equal(guest_in(g, reg(0x20), 4), 0);
	guest_out(g, reg(0x1c), 2, 1);
	guest_out(g, reg(0x20), 4, 1);
	assert_int_equal(device_counter(&dev.v, "bad_access"), 2);
	guest_out(g, reg(0x16), 2, 1);
	guest_out(g, reg(0x1a), 2, 3); /* three vectors: 0 to 2 */
	assert_int_equal(guest_in(g, reg(0x1a), 2), VPCI_NO_VECTOR);
	guest_out(g, reg(0x10), 2, 0);
	assert_int_equal(guest_in(g, reg(0x10), 2), 0);
	queue_setup(g, &p, 1, &q[1], 2);
	assert_int_equal(guest_in(g, reg(0x1c), 2), 1);
	assert_int_equal(guest_in(g, reg(0x1a), 2), 2);
	assert_int_equal(guest_in(g, reg(0x20), 4), (uint32_t)q[1].desc_gpa);
	assert_int_equal(guest_in(g, reg(0x28), 4), (uint32_t)q[1].avail_gpa);
	assert_int_equal(guest_in(g, reg(0x30), 4), (uint32_t)q[1].used_gpa);
	assert_int_equal(guest_in(g, reg(0x34), 4), 0);
	guest_out(g, reg(0x20), 4, 0); /* it does not move once enabled */
	assert_int_equal(guest_in(g, reg(0x20), 4), (uint32_t)q[1].desc_gpa);
}

static void test_widths(void **state)
{
	(void)state;
	assert_int_equal(guest_in(g, reg(0x14), 2), 0xffff);
	assert_int_equal(guest_in(g, reg(0x12), 1), 0xff);
	assert_int_equal(guest_in(g, reg(0x02), 4), 0xffffffff);
	assert_int_equal(guest_in(g, reg(0x38), 4), 0xffffffff);
	assert_int_equal(guest_in(g, reg(0x48), 1), 0xff);
	guest_out(g, reg(0x14), 4, 1);
	guest_out(g, reg(0x00), 1, 1);
	guest_out(g, p.isr, 1, 1);
	guest_out(g, p.device, 1, 1);
	assert_int_equal(device_counter(&dev.v, "bad_access"), 9);
	assert_int_equal(status_get(g, &p), 0);
}

static void enable_bad(uint64_t desc, uint16_t num, const char *why)
{
	assert_true(negotiate(g, &p, ALL));
	q[1].desc_gpa = desc;
	q[1].num = num;
	queue_setup(g, &p, 1, &q[1], 2);
	assert_int_equal(guest_in(g, reg(0x1c), 2), 0);
	broken(why);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	assert_int_equal(dev.starts, 0);
}

static void test_bad_rings(void **state)
{
	uint64_t good = q[1].desc_gpa;

	(void)state;
	enable_bad(good + 1, NUM, "ring_misaligned");
	enable_bad(1ull << 40, NUM, "ring_unmapped");
	enable_bad(good, NUM - 1, "queue_size");
	dev.v.violation[VRING_E_queue_size] = 0;
	enable_bad(good, 2 * NUM, "queue_size"); /* above this queue's maximum */
	dev.v.violation[VRING_E_queue_size] = 0;
	enable_bad(good, 0, "queue_size");
	q[1].desc_gpa = good;
	q[1].num = NUM;
	go();
	assert_int_equal(dev.starts, 1);
}

static void test_break(void **state)
{
	(void)state;
	go();
	guest_out(g, reg(0x10), 2, 0);
	virtio_pci_break(&dev.v, VRING_E_head_range);
	broken("head_range");
	assert_int_equal(g->msi_of[0], 1);
	assert_int_equal(guest_in(g, p.isr, 1), 2);
	assert_int_equal(guest_in(g, p.isr, 1), 0);
	guest_out(g, q[0].notify, 2, 0);
	assert_int_equal(device_counter(&dev.v, "early_kicks"), 1);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	assert_false(virtio_pci_running(&dev.v));
	go();
	assert_true(virtio_pci_running(&dev.v));
}

static void test_bus_master(void **state)
{
	(void)state;
	go();
	guest_cfg_set(g, 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM);
	assert_false(virtio_pci_running(&dev.v));
	assert_int_equal(dev.stops, 2);
	guest_out(g, q[0].notify, 2, 0);
	assert_int_equal(device_counter(&dev.v, "early_kicks"), 1);
}

/* What the driver said before bus mastering went off is not taken up again: Linux's kexec switches
 * it off, and the next kernel on before it resets the device. */
static void test_bus_master_comes_back(void **state)
{
	(void)state;
	go();
	guest_cfg_set(g, 1, 4, 2, 0); /* decoding too */
	guest_cfg_set(g, 1, 4, 2, ON);
	assert_false(virtio_pci_running(&dev.v));
	assert_int_equal(status_get(g, &p) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	assert_int_equal(device_counter(&dev.v, "master_off"), 1);
	guest_out(g, q[0].notify, 2, 0);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	assert_false(virtio_pci_running(&dev.v));
	assert_int_equal(dev.starts, 1);
	assert_int_equal(dev.kicks[0], 1); /* at the start */
	go();
	assert_true(virtio_pci_running(&dev.v));
	assert_int_equal(dev.kicks[0], 2);
}

/* A driver that is ready before bus mastering is on, and decoding that goes off and on. */
static void test_bus_master_comes_late(void **state)
{
	(void)state;
	assert_true(negotiate(g, &p, ALL));
	queue_setup(g, &p, 0, &q[0], 1);
	guest_cfg_set(g, 1, 4, 2, VPCI_CMD_IO);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	assert_false(virtio_pci_running(&dev.v));
	guest_cfg_set(g, 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM);
	guest_cfg_set(g, 1, 4, 2, ON);
	assert_true(virtio_pci_running(&dev.v));
	guest_cfg_set(g, 1, 4, 2, VPCI_CMD_MASTER);
	guest_cfg_set(g, 1, 4, 2, ON);
	assert_true(virtio_pci_running(&dev.v));
	assert_int_equal(device_counter(&dev.v, "master_off"), 0);
	assert_int_equal(dev.starts, 1);
}

/* A masked vector's message waits; a driver's that is gone waits for nobody. */
static void pend(void)
{
	go();
	msix_on(g, &p, 3, 0);
	guest_mmio_set(g, p.msix + 16 + 12, 1);
	virtio_pci_notify(&dev.v, 0);
	assert_int_equal(guest_mmio(g, p.msix + 2048), 2);
}

static void nothing_pends(void)
{
	unsigned before = g->msis;

	guest_mmio_set(g, p.msix + 16 + 12, 0);
	assert_int_equal(g->msis, before);
}

static void test_pending_interrupts(void **state)
{
	(void)state;
	pend();
	guest_cfg_set(g, 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM);
	guest_cfg_set(g, 1, 4, 2, ON);
	nothing_pends();
	pend();
	guest_out(g, reg(0x14), 1, 0);
	nothing_pends();
	pend();
	guest_cfg_set(g, 1, 4, 2,
	              VPCI_CMD_MASTER | VPCI_CMD_MEM); /* its registers are out of reach */
	guest_mmio_set(g, p.msix + 16 + 12, 0);
	assert_int_equal(g->msi_of[1], 1);
}

static void test_moved_bar(void **state)
{
	uint16_t old;

	(void)state;
	go();
	old = q[0].notify;
	guest_cfg_set(g, 1, 0x10, 4, 0xd000);
	guest_out(g, old, 2, 0);
	assert_int_equal(dev.kicks[0], 1);
	p = guest_probe(g, 1);
	assert_int_equal(p.common, 0xd000);
	guest_out(g, p.notify, 2, 0);
	assert_int_equal(dev.kicks[0], 2);
}

static void test_window(void **state)
{
	(void)state;
	guest_cfg_set(g, 1, p.window_cap + 4, 1, 0);
	guest_cfg_set(g, 1, p.window_cap + 8, 4, 0x12); /* num_queues */
	guest_cfg_set(g, 1, p.window_cap + 12, 4, 2);
	assert_int_equal(guest_cfg(g, 1, p.window_cap + 16, 2), 2);
	go();
	guest_cfg_set(g, 1, p.window_cap + 8, 4, 0x80);
	guest_cfg_set(g, 1, p.window_cap + 16, 2, 0);
	assert_int_equal(dev.kicks[0], 2);
	/* Targets that do not exist. */
	guest_cfg_set(g, 1, p.window_cap + 8, 4, 0xffffffff);
	guest_cfg_set(g, 1, p.window_cap + 16, 2, 0);
	guest_cfg_set(g, 1, p.window_cap + 8, 4, 0x80);
	guest_cfg_set(g, 1, p.window_cap + 12, 4, 3);
	guest_cfg_set(g, 1, p.window_cap + 16, 2, 0);
	guest_cfg_set(g, 1, p.window_cap + 12, 4, 2);
	guest_cfg_set(g, 1, p.window_cap + 4, 1, 1);
	guest_cfg_set(g, 1, p.window_cap + 16, 2, 0);
	assert_int_equal(dev.kicks[0], 2);
}

static void test_no_msix(void **state)
{
	(void)state;
	go();
	guest_cfg_set(g, 1, p.msix_cap + 2, 2, 0);
	virtio_pci_notify(&dev.v, 0);
	assert_int_equal(device_counter(&dev.v, "msix_off"), 1);
	assert_int_equal(guest_in(g, p.isr, 1), 1); /* a driver that polls sees it here */
}

static void test_machine_reset(void **state)
{
	(void)state;
	go();
	vpci_reset(&g->pci);
	assert_false(virtio_pci_running(&dev.v));
	assert_int_equal(status_get(g, &p), 0);
	msix_on(g, &p, 3, 0);
	go();
	assert_true(virtio_pci_running(&dev.v));
}

/* Who knows a counter's number need not know its name. */
static void test_counters_in_their_places(void **state)
{
	static const struct {
		unsigned at;
		const char *name;
	} row[] = {
	    {VIRTIO_COUNT_kicks, "kicks"},
	    {VIRTIO_COUNT_master_off, "master_off"},
	    {VIRTIO_COUNTER_MSIX + VPCI_interrupts, "interrupts"},
	    {VIRTIO_COUNTER_MSIX + VPCI_no_vector, "no_vector"},
	    {VIRTIO_COUNTER_SUPPRESSED, "suppressed"},
	    {VIRTIO_COUNTER_VIOLATION + VRING_E_queue_size, "violation.queue_size"},
	    {VIRTIO_COUNTER_VIOLATION + VRING_E_no_header, "violation.no_header"},
	};
	char name[64];
	uint64_t value;

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		assert_true(virtio_pci_counter(&dev.v, row[i].at, name, sizeof name, &value));
		assert_string_equal(name, row[i].name);
	}
	assert_false(virtio_pci_counter(&dev.v, VIRTIO_COUNTER_VIOLATION + VRING_ERROR_COUNT, name,
	                                sizeof name, &value));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_identity),
	    T(test_life),
	    T(test_violation_at_start_stays),
	    T(test_counters_in_their_places),
	    T(test_features_refused),
	    T(test_early_kick),
	    T(test_queue_registers),
	    T(test_widths),
	    T(test_bad_rings),
	    T(test_break),
	    T(test_bus_master_comes_back),
	    T(test_bus_master_comes_late),
	    T(test_pending_interrupts),
	    T(test_bus_master),
	    T(test_moved_bar),
	    T(test_window),
	    T(test_no_msix),
	    T(test_machine_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
