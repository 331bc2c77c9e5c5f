/* SPDX-License-Identifier: BSD-2-Clause */
/* `show counters`: every source of an object is read to its end, and zeroes are left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
/* The switch's and the device's counters are this program's. */
#define vnet_port_stats    test_port_stats
#define virtio_pci_counter test_device_counter
#define vnet_rests_get     test_rests
#include "vmm/control/show/counters.c"
#include "drivers/shm/shm.h"
#include "drivers/virtio/virtio_net.h"

#define JSON 4096

struct vm *vms[CONFIG_GUESTS];
struct vnet *node_vnet;
static struct vm vm;
static struct node_config node;
static struct vnet_port port;
static struct virtio_net nic;
static struct shm_member group_port;
static struct vnet_port_stats stats;
static uint64_t lost;
static uint64_t rounds, rests, wakes;
static struct ism ism;
static bool has_nic, has_group, has_control, has_ism, has_device;
static char json[JSON];
static size_t used;

/* ---- the node ---- */

const struct node_config *control_config(void)
{
	return &node;
}

struct vnet_port *control_port(unsigned slot)
{
	return slot ? NULL : &port;
}

static bool nic_has(const struct vpci_dev *d, unsigned i, char *name, size_t size, uint64_t *value)
{
	assert_ptr_equal(d, &nic.v.pci);
	return virtio_pci_counter(&nic.v, i, name, size, value);
}

const struct nic *control_nic(unsigned slot)
{
	static const struct nic_ops ops = {.counter = nic_has};
	static const struct nic own = {&ops, &nic.v.pci}, member = {&shm_nic, &group_port.pci};

	return slot ? NULL : has_group ? &member : has_nic ? &own : NULL;
}

uint64_t control_copied(unsigned slot)
{
	return slot || !has_group ? 0 : shm_nic.copied(&group_port.pci);
}

struct vnet_core *vnet_this_core(void)
{
	return NULL;
}

/* A device, one of whose writes was stopped. */
bool passthrough_counter(const struct vm *of, unsigned i, char *name, size_t size, uint64_t *value)
{
	assert_ptr_equal(of, &vm);
	snprintf(name, size, "device.00:03.0.%u", i);
	*value = i == 1 ? 13 : 0;
	return has_device && i < 3;
}

struct iommu_stopped iommu_stopped_others(void)
{
	return (struct iommu_stopped){.interrupts = has_device ? 14 : 0};
}

uint64_t iommu_reports_lost(void)
{
	return 0;
}

bool wanted_port(const struct config_action *a, unsigned slot)
{
	return a->guest < 0 || node.port[slot].guest == a->guest;
}

void vnet_port_stats(const struct vnet_port *p, struct vnet_port_stats *s)
{
	assert_ptr_equal(p, &port);
	*s = stats;
}

/* Two of them, of which the first is 0. */
bool virtio_pci_counter(const struct virtio_pci *v, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	*value = i ? v == &nic.v ? 7 : 8 : 0;
	snprintf(name, size, i ? "second" : "first");
	return i < 2;
}

bool control_console_counter(const struct vm *v, unsigned i, char *name, size_t size,
                             uint64_t *value)
{
	assert_ptr_equal(v, &vm);
	*value = 9;
	snprintf(name, size, "control.requests");
	return has_control && i < 1;
}

const struct ism *control_ism(unsigned slot)
{
	assert_int_equal(slot, 3);
	return has_ism ? &ism : NULL;
}

uint64_t log_lost(void)
{
	return lost;
}

uint64_t poll_rounds(void)
{
	return rounds;
}

struct vnet_rests test_rests(struct vnet *v)
{
	assert_ptr_equal(v, node_vnet);
	return (struct vnet_rests){rests, wakes};
}

/* ---- */

static void put(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	assert_true(used + len < sizeof json);
	memcpy(json + used, text, len);
	json[used += len] = 0;
}

static const char *counters(int guest)
{
	static struct out o;
	const struct config_action a = {.guest = guest, .net = -1, .port = -1};

	used = 0;
	out_begin(&o, true, put, NULL);
	show_counters(&o, &a);
	out_end(&o);
	assert_int_equal(o.errors, 0);
	return json;
}

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof vm);
	memset(&node, 0, sizeof node);
	memset(&stats, 0, sizeof stats);
	lost = rounds = rests = wakes = 0;
	has_device = has_nic = has_group = has_control = has_ism = false;
	vm.slot = 3;
	node.ports = 1;
	strcpy(vm.name, "g");
	vms[3] = &vm;
	node.port[0].guest = 3;
	strcpy(port.name, "p");
	return 0;
}

#define ROW(object, counter, value)                                                                \
	"{\"object\":\"" object "\",\"counter\":\"" counter "\",\"value\":" value "}"
#define FRAMES ROW("p", "in_frames", "0") "," ROW("p", "out_frames", "0")

static void frames_are_always_there(void **state)
{
	(void)state;
	assert_non_null(strstr(counters(-1), FRAMES "," ROW("g", "console.second", "8") "]"));
}

/* Of a port in a group: its device's, and what that has copied. */
static void a_port_of_a_group(void **state)
{
	(void)state;
	has_group = true;
	group_port.copied = 21;
	group_port.count[SHM_COUNT_handed] = 22;
	group_port.pci.msix_count[VPCI_masked] = 23;
	atomic_store(&group_port.violation[SHM_E_wrong_owner], 24);
	assert_non_null(
	    strstr(counters(-1), FRAMES "," ROW("p", "copied", "21") "," ROW(
	                             "p", "handed", "22") "," ROW("p", "masked", "23")));
	assert_non_null(strstr(json, ROW("p", "violation.wrong_owner", "24")));
}

static void each_source_is_asked(void **state)
{
	static struct group group = {.name = "frames"};
	static struct group_member member = {.group = &group};
	static const char *const rows[] = {
	    FRAMES,
	    ROW("p", "flooded", "3"),
	    "\"value\":1}",
	    "\"value\":2}",
	    ROW("p", "second", "7"),
	    ROW("g", "console.output_lost", "4"),
	    ROW("g", "console.input_lost", "5"),
	    ROW("g", "console.com1_lost", "6"),
	    ROW("g", "console.second", "8"),
	    ROW("g", "control.requests", "9"),
	    ROW("g", "absent.reads", "10"),
	    ROW("g", "absent.writes", "11"),
	    ROW("g", "ism.messages", "16"),
	    ROW("g", "ism.no_window", "17"),
	    ROW("g", "ism.interrupts", "18"),
	    ROW("g", "device.00:03.0.1", "13"),
	    ROW("g", "pmem.frames.flushes", "16"),
	    ROW("g", "pmem.frames.second", "8"),
	    ROW("node", "log.lost", "12"),
	    ROW("node", "poll.rounds", "13"),
	    ROW("node", "poll.rests", "14"),
	    ROW("node", "poll.wakes", "15"),
	    ROW("node", "iommu.stopped_interrupts", "14") "]",
	};
	const char *text;

	(void)state;
	stats.drop[0] = 1;
	stats.drop[VNET_DROP_CAUSES - 1] = 2;
	stats.flooded = 3;
	has_nic = has_control = has_ism = has_device = true;
	vm.console.dropped = 4;
	vm.console.missed = 5;
	vm.uart.unsent = 6;
	vm.absent.reads = 10;
	vm.absent.writes = 11;
	vm.joined[2] = &member;
	atomic_store(&member.pmem.flushes, 16);
	ism.job[1].count[ISM_COUNT_messages] = 16;
	ism.count[ISM_COUNT_REFUSED + ISM_no_window - ISM_bad_command] = 17;
	ism.pci.msix_count[VPCI_interrupts] = 18;
	lost = 12;
	rounds = 13;
	rests = 14;
	wakes = 15;
	text = counters(-1);
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		text = strstr(text, rows[i]); /* in this order */
		assert_non_null(text);
	}
	assert_null(strstr(json, "first"));
}

/* The node's own are of no guest. */
static void narrowed_to_a_guest(void **state)
{
	(void)state;
	lost = rests = 1;
	assert_null(strstr(counters(2), "\"value\""));
	assert_non_null(strstr(counters(3), ROW("g", "console.second", "8")));
	assert_null(strstr(json, "node"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(frames_are_always_there, setup),
	    cmocka_unit_test_setup(each_source_is_asked, setup),
	    cmocka_unit_test_setup(a_port_of_a_group, setup),
	    cmocka_unit_test_setup(narrowed_to_a_guest, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
