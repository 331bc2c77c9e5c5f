/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics_node.h: the node whose metrics test_metrics.c reads, and functions that stand for those
 * of the switch, the devices and the machine.  It has definitions, for that one program, which
 * includes it before all else.
 */
#ifndef TESTS_UNIT_RIG_METRICS_NODE_H
#define TESTS_UNIT_RIG_METRICS_NODE_H
/* The switch's and the devices' values are this program's. */
#define vnet_port_stats    test_port_stats
#define vnet_port_learned  test_port_learned
#define vnet_link_get      test_link_get
#define vnet_port_measured test_port_measured
#define vnet_port_get      test_port_get
#define vnet_service_get   test_service_get
#define vnet_flow_get      test_flow_get
#define vnet_rests_get     test_rests
#define virtio_pci_counter test_device_counter
#define shm_member_counter test_member_counter
#include "tests/unit/rig/config_text.h"
#include "vnet/chain/chain.h"
#include "vmm/control/show/metrics.c"
#include "vmm/control/show/metrics_guest.c"
#include "vmm/control/show/metrics_net.c"

#define CONTROLLED 3 /* the guest that has a control console */

struct vm *vms[CONFIG_GUESTS];
struct vnet *node_vnet;
struct core cores[CORES_MAX];
unsigned ncores;
uint64_t tsc_khz;
struct machine machine;
const struct hvm_ops *hvm;
const char patio_version[64] = "v1-2-gabc";
static struct hvm_ops vendor = {.name = "Vendor"};
static struct vm alice, bob;
static struct group group = {.name = "frames", .size = 901, .cleared = 902};
static struct group_member share = {.pmem.flushes = 903, .group = &group, .vm = &bob};
static struct node_config node;
static struct vnet_port port_a, edge, tunnel;
static struct virtio_net nic_a, nic_edge;
static struct shm_member member; /* bob's, at the port "shared" where a test has made it */
static bool shared;
static struct e1000_model emulated; /* bob's, at the port "old" where a test has made it */
static bool has_emulated;
static struct ism ism; /* alice's */
static struct vnet_port_stats stats;
static const struct panic_record *panicked;
static bool broken;                   /* do drivers break rules? */
static bool full;                     /* is the first port in each slot? */
static struct hist *delivered, *took; /* of port_a, of alice's vCPU 1; NULL: nothing is measured */

/* ---- the node ---- */

const struct node_config *control_config(void)
{
	return &node;
}

struct vnet_port *control_port(unsigned slot)
{
	static struct vnet_port *const port[] = {&port_a, &edge, NULL, &tunnel};

	if (full)
		return &port_a;
	return slot < 4 ? port[slot] : NULL;
}

struct shm_member *control_group_port(unsigned slot)
{
	return shared && slot == 4 ? &member : NULL;
}

uint64_t control_copied(unsigned slot)
{
	return 520 + slot;
}

/* For what the devices' files need; nobody calls it. */
struct vnet_core *vnet_this_core(void)
{
	return NULL;
}

const struct nic *control_nic(unsigned slot)
{
	static const struct nic a = {&virtio_net_nic, &nic_a.v.pci},
	                        edge_nic = {&virtio_net_nic, &nic_edge.v.pci},
	                        of_group = {&shm_nic, &member.pci},
	                        old = {&e1000_model_nic, &emulated.pci};

	if (has_emulated && slot == 4)
		return &old;

	return slot == 0 || full          ? &a
	       : slot == 1                ? &edge_nic
	       : control_group_port(slot) ? &of_group
	                                  : NULL;
}

void vnet_port_stats(const struct vnet_port *p, struct vnet_port_stats *s)
{
	*s = p == &port_a ? stats : (struct vnet_port_stats){0};
}

uint64_t lost_frames(const struct vnet_port_stats *s)
{
	return s->in_frames ? 505 : 0;
}

unsigned vnet_port_learned(const struct vnet_port *p)
{
	return p == &port_a ? 30 : p == &edge ? 12 : 0;
}

bool vnet_link_get(const struct vnet_port *p, struct vnet_link_info *info)
{
	if (p != &tunnel)
		return false;
	*info = (struct vnet_link_info){
	    .config = {VNET_LINK_VXLAN, 0xc0000202, 42, 4789, 0}, .edge = &edge, .mtu = 1450};
	return true;
}

struct vnet_port *vnet_port_get(struct vnet *v, unsigned number)
{
	(void)v;
	return number == 0 || full ? &port_a : NULL;
}

/* One service, of whose two ports one is gone, and a free number before it; or all that there can
 * be. */
bool vnet_service_get(struct vnet *v, unsigned i, struct vnet_service *s,
                      uint64_t hits[VNET_REPLICAS])
{
	(void)v;
	*s = (struct vnet_service){.name = "firewall", .replicas = full ? VNET_REPLICAS : 2};
	s->port[1] = VNET_PORTS;
	if (!full && i == 0)
		s->name[0] = '\0';
	for (unsigned k = 0; k < VNET_REPLICAS; k++)
		hits[k] = 70 + k;
	return i < (full ? VNET_SERVICES : 2);
}

bool vnet_flow_get(struct vnet *v, unsigned i, struct vnet_flow *f, struct vnet_flow_count *count)
{
	(void)v;
	*f = (struct vnet_flow){.name = "web"};
	*count = (struct vnet_flow_count){81, 8181};
	return i < (full ? VNET_FLOWS : 1);
}

bool vnet_port_measured(struct vnet_port *p, int core, struct hist *sum)
{
	assert_int_equal(core, -1);
	if (delivered && p == &port_a)
		hist_merge(sum, delivered);
	return delivered;
}

bool exit_times_read(const struct vcpu *v, enum vmexit_kind kind, struct hist *sum)
{
	assert_int_equal(kind, VMEXIT_COUNT);
	if (took && (v == &alice.vcpu[1] || full))
		hist_merge(sum, took);
	return took;
}

const char *const guest_state_name[GUEST_STATES] = {"new",      "starting", "running",
                                                    "stopping", "ended",    "stopped"};
enum guest_state guest_state(const struct vm *vm)
{
	return vm == &alice ? GUEST_RUNNING : GUEST_ENDED;
}

const char *const link_state_name[LINK_STATES] = {"up", "unresolved", "down"};
enum link_state link_state(const struct vnet_port *p)
{
	return p == &tunnel ? LINK_UNRESOLVED : LINK_UP;
}

/* Of the i-th one: i, and from 1000 of which device it is; violations only if they are wanted. */
static bool device_value(unsigned device, unsigned i, uint64_t *value)
{
	if (i >= VIRTIO_COUNTER_VIOLATION + VRING_ERROR_COUNT)
		return false;
	*value = i > VIRTIO_COUNTER_VIOLATION && !broken ? 0 : 1000 * device + i;
	return true;
}

bool virtio_pci_counter(const struct virtio_pci *v, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	snprintf(name, size, "%u", i);
	return device_value(v == &alice.hvc.v    ? 1
	                    : v == &bob.hvc.v    ? 2
	                    : v == &nic_a.v      ? 3
	                    : v == &share.pmem.v ? 6
	                                         : 4,
	                    i, value);
}

bool shm_member_counter(const struct shm_member *m, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	assert_ptr_equal(m, &member);
	snprintf(name, size, "%u", i);
	*value = i > SHM_COUNTER_VIOLATION && !broken ? 0 : 7000 + i;
	return i < SHM_COUNTER_VIOLATION + SHM_ERROR_COUNT;
}

bool control_console_counter(const struct vm *vm, unsigned i, char *name, size_t size,
                             uint64_t *value)
{
	snprintf(name, size, "%u", i);
	if (vm->slot != CONTROLLED)
		return false;
	*value = 600 + i;
	return i < SESSION_COUNTER_COUNT || device_value(5, i - SESSION_COUNTER_COUNT, value);
}

const struct ism *control_ism(unsigned slot)
{
	return slot == CONTROLLED || full ? &ism : NULL;
}

void mem_stats(struct mem_stats *out)
{
	*out = (struct mem_stats){.total = 701, .free = 702, .largest = 703, .vmm = 704, .lost = 5};
}

struct vnet_rests vnet_rests_get(struct vnet *v)
{
	(void)v;
	return (struct vnet_rests){18, 19};
}

uint64_t poll_rounds(void)
{
	return 20;
}

uint64_t log_lost(void)
{
	return 17;
}

uint64_t tsc_us(void)
{
	return 12345678;
}

const struct panic_record *last_panic(void)
{
	return panicked;
}

const char *machine_hypervisor(void)
{
	return "an \"emulator\"";
}

static const char *const exit_name[] = {
#define X(name, help) #name,
    VMEXIT_KINDS(X)
#undef X
};

const char *vmexit_name(enum vmexit_kind kind)
{
	return exit_name[kind];
}

static void guest(struct vm *vm, const char *name, unsigned slot, unsigned vcpus)
{
	memset(vm, 0, sizeof *vm);
	strcpy(vm->name, name);
	vm->slot = slot;
	vms[slot] = vm;
	vm->config = &node.guest[slot];
	vm->nvcpus = vcpus;
	for (unsigned i = 0; i < vcpus; i++)
		vm->vcpu[i].vm = vm;
	strcpy(node.guest[slot].name, name);
	strcpy(node.guest[slot].kernel, "vmlinuz");
}

static void port(unsigned slot, const char *name, enum config_kind kind, struct vnet_port *p)
{
	strcpy(node.port[slot].name, name);
	node.port[slot].kind = kind;
	node.port[slot].mtu = 1500;
	node.port[slot].addresses = 256;
	node.port[slot].link.edge = 1;
	node.ports = slot + 1;
	if (p)
		strcpy(p->name, name);
}

/* Guests in slots 0 and 3, with values of their own. */
static void make_guests(void)
{
	guest(&bob, "bob", 0, 1);
	guest(&alice, "alice", CONTROLLED, 2);
	bob.joined[1] = &share;
	bob.ended = true;
	bob.exit_status = 9;
	alice.mem_size = 801;
	alice.starts = 802;
	alice.lost_interrupts = 803;
	alice.console.dropped = 804;
	alice.console.missed = 805;
	alice.uart.unsent = 806;
	alice.absent.reads = 807;
	alice.absent.writes = 808;
	alice.vcpu[1].masked_lvts = 809;
	alice.vcpu[1].refused_bases = 810;
	memset(&ism, 0, sizeof ism);
	ism.job[63].count[ISM_COUNT_data] = 812;
	ism.count[ISM_COUNT_starts] = 813;
	ism.dmb[5].state = ISM_DMB_LIVE;
	alice.vcpu[0].cpu.core = &cores[1];
	alice.vcpu[0].state = VCPU_RUN;
	bob.vcpu[0].cpu.core = &cores[1];
	bob.vcpu[0].state = VCPU_LEFT;
	alice.vcpu[1].exits[VMEXIT_io] = (struct exit_stat){811, 2400003};
	alice.vcpu[1].exits[VMEXIT_raw] = (struct exit_stat){1, UINT64_MAX};
}

static void make_network(void)
{
	strcpy(node.net[0].name, "default");
	node.net[0].mode = VNET_LEARN;
	node.net[0].mtu = 1450;
	strcpy(node.net[2].name, "wire");
	node.net[2].mode = VNET_ROUTE;
	node.nets = 3;
	port(0, "alice.0", CONFIG_NIC, &port_a);
	port(1, "uplink", CONFIG_NIC, &edge);
	port(2, "wan", CONFIG_DIRECT, NULL);
	port(3, "paris", CONFIG_VXLAN, &tunnel);
	node.port[0].guest = CONTROLLED;
	node.port[1].edge = true;
	node.port[1].net = 2;
	node.port[2].net = 2;
	port_a.up = true;
	port_a.mode = VNET_POLL;
	stats.in_frames = 501;
	stats.in_bytes = 502;
	stats.out_frames = 503;
	stats.out_bytes = 504;
	stats.flooded = 506;
	stats.copied = 1000;
	stats.drop[VNET_DROP_runt] = 507;
	stats.drop[VNET_DROP_arp_conflict] = 508;
}

static int setup(void **state)
{
	(void)state;
	memset(&node, 0, sizeof node);
	memset(&stats, 0, sizeof stats);
	memset(cores, 0, sizeof cores);
	panicked = NULL;
	broken = full = shared = has_emulated = false;
	delivered = took = NULL;
	memset(vms, 0, sizeof vms);
	hvm = &vendor;
	tsc_khz = 2400000;
	strcpy(node.name, "paris-1");
	strcpy(machine.cpu, "A\\B");
	machine.exit_min = 2400;
	ncores = 3;
	for (unsigned i = 0; i < ncores; i++)
		cores[i].index = i;
	cores[1].vcpu = &alice.vcpu[0];
	cores[2].poll = true;
	cores[2].stray_vectors = 708;
	make_guests();
	make_network();
	return 0;
}

#endif
