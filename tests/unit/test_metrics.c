/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `show metrics`: the format as its specification demands it, each sample where it belongs, and
 * docs/metrics.md, whose tables `build/unit/test_metrics --write` makes anew.
 */
/* The switch's and the devices' values are this program's. */
#define vnet_port_stats    test_port_stats
#define vnet_port_learned  test_port_learned
#define vnet_link_get      test_link_get
#define vnet_port_measured test_port_measured
#define virtio_pci_counter test_device_counter
#include "tests/unit/rig/config_text.h"
#include "tests/unit/rig/metrics_reader.h"
#include "vmm/control/show/metrics.c"
#include "vmm/control/show/metrics_guest.c"
#include "vmm/control/show/metrics_net.c"

#define DOCUMENT "docs/metrics.md"
#define GENERATED                                                                                  \
	"The rest of this page is made from the tables in the code: "                              \
	"`build/unit/test_metrics --write`.\n"
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
static struct node_config node;
static struct vnet_port port_a, edge, tunnel;
static struct virtio_net nic_a, nic_edge;
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

struct virtio_net *control_nic(unsigned slot)
{
	return slot == 0 || full ? &nic_a : slot == 1 ? &nic_edge : NULL;
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
	return device_value(v == &alice.hvc.v ? 1
	                    : v == &bob.hvc.v ? 2
	                    : v == &nic_a.v   ? 3
	                                      : 4,
	                    i, value);
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
	broken = full = false;
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

static char *answer(enum config_metrics form)
{
	const struct config_action a = {.verb = CONFIG_METRICS, .metrics = form};
	struct text t = {0};
	text_add(&t, "");
	show_metrics(&a, text_put, &t);
	return t.at;
}

/* ---- the format ---- */

/* The samples of an answer, as lines, the caller's. */
static char *read_answer(enum config_metrics form)
{
	char *text = answer(form), *samples;
	samples = metrics_read(text, form == CONFIG_METRICS_PROMETHEUS);
	free(text);
	return samples;
}

/* So many values of each bucket. */
static void fill(struct hist *h, uint64_t each)
{
	*h = (struct hist){0};
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		hist_add(h, hist_from(i), each);
}

static void both_forms_are_well_formed(void **state)
{
	struct hist all;
	(void)state;
	fill(&all, 7);
	hist_add(&all, 255, 1); /* the others' counts, were they not cumulative, would be less */
	for (unsigned i = 0; i < 2; i++) {
		char *open, *prometheus;
		broken = i;
		delivered = took = i ? &all : NULL;
		open = read_answer(CONFIG_METRICS_OPEN);
		prometheus = read_answer(CONFIG_METRICS_PROMETHEUS);
		assert_string_equal(open, prometheus);
		free(open);
		free(prometheus);
	}
}

/* ---- the samples ---- */

static void check_samples(const char *const *want, unsigned n, bool there)
{
	char *text = answer(CONFIG_METRICS_OPEN);
	for (unsigned i = 0; i < n; i++) {
		char line[300];
		snprintf(line, sizeof line, "\n%s%s", want[i], there ? "\n" : "");
		if (!strstr(text, line) == there)
			fail_msg("%s: %s in\n%s", want[i], there ? "not" : "is", text);
	}
	free(text);
}
#define SAMPLES(there, ...)                                                                        \
	do {                                                                                       \
		static const char *const want[] = {__VA_ARGS__};                                   \
		check_samples(want, sizeof want / sizeof want[0], there);                          \
	} while (0)

static void of_the_node(void **state)
{
	static const struct panic_record record = {.time = 1795812345};
	(void)state;
	SAMPLES(
	    true,
	    "patio_info{node=\"paris-1\",version=\"v1-2-gabc\",vendor=\"Vendor\",cpu=\"A\\\\B\","
	    "hypervisor=\"an \\\"emulator\\\"\",tsc_hz=\"2400000000\"} 1",
	    "patio_uptime_seconds 12.345678000", "patio_exit_cost_seconds 0.000001000",
	    "patio_log_lost_lines_total 17", "patio_poll_rounds_total 20",
	    "patio_poll_rests_total 18", "patio_poll_wakes_total 19", "patio_memory_size_bytes 701",
	    "patio_memory_free_bytes 702", "patio_memory_largest_free_bytes 703",
	    "patio_memory_vmm_bytes 704", "patio_memory_lost_bytes 5",
	    "patio_core_role{core=\"0\",patio_core_role=\"idle\"} 1",
	    "patio_core_role{core=\"0\",patio_core_role=\"guest\"} 0",
	    "patio_core_role{core=\"1\",patio_core_role=\"guest\"} 1",
	    "patio_core_role{core=\"2\",patio_core_role=\"poll\"} 1",
	    "patio_core_stray_interrupts_total{core=\"2\"} 708");
	SAMPLES(false, "patio_last_panic_time", "patio_core_role{core=\"3\"");
	panicked = &record;
	SAMPLES(true, "patio_last_panic_time_seconds 1795812345");
}

static void of_guests(void **state)
{
	(void)state;
	SAMPLES(true, "patio_guest_info{guest=\"alice\",kernel=\"vmlinuz\"} 1",
	        "patio_guest_state{guest=\"alice\",patio_guest_state=\"running\"} 1",
	        "patio_guest_state{guest=\"alice\",patio_guest_state=\"ended\"} 0",
	        "patio_guest_state{guest=\"bob\",patio_guest_state=\"ended\"} 1",
	        "patio_guest_exit_status{guest=\"bob\"} 9", "patio_guest_vcpus{guest=\"alice\"} 2",
	        "patio_guest_memory_bytes{guest=\"alice\"} 801",
	        "patio_guest_starts_total{guest=\"alice\"} 802",
	        "patio_guest_lost_interrupts_total{guest=\"alice\"} 803",
	        "patio_guest_console_output_lost_bytes_total{guest=\"alice\"} 804",
	        "patio_guest_console_input_lost_bytes_total{guest=\"alice\"} 805",
	        "patio_guest_console_com1_lost_bytes_total{guest=\"alice\"} 806",
	        "patio_guest_absent_reads_total{guest=\"alice\"} 807",
	        "patio_guest_absent_writes_total{guest=\"alice\"} 808",
	        "patio_vcpu_core_info{guest=\"alice\",vcpu=\"0\",core=\"1\"} 1",
	        "patio_vcpu_masked_lvts_total{guest=\"alice\",vcpu=\"1\"} 809",
	        "patio_vcpu_refused_bases_total{guest=\"alice\",vcpu=\"1\"} 810");
	SAMPLES(false, "patio_guest_exit_status{guest=\"alice\"}",
	        "patio_vcpu_core_info{guest=\"bob\"",
	        "patio_vcpu_core_info{guest=\"alice\",vcpu=\"1\"");
}

/* Ticks are seconds, up to the last one that 64 bits hold. */
static void of_exits(void **state)
{
	(void)state;
	SAMPLES(true, "patio_vcpu_exits_total{guest=\"alice\",vcpu=\"1\",reason=\"io\"} 811",
	        "patio_vcpu_exit_seconds_total{guest=\"alice\",vcpu=\"1\",reason=\"io\"} "
	        "0.001000001",
	        "patio_vcpu_exit_seconds_total{guest=\"alice\",vcpu=\"1\",reason=\"raw\"} "
	        "7686143364.045646506");
	SAMPLES(false, "patio_vcpu_exits_total{guest=\"alice\",vcpu=\"1\",reason=\"msr\"}",
	        "patio_vcpu_exits_total{guest=\"bob\"");
}

static void of_ports(void **state)
{
	(void)state;
	SAMPLES(true,
	        "patio_port_info{port=\"alice.0\",kind=\"port\",network=\"default\","
	        "guest=\"alice\",edge=\"no\",move=\"poll\"} 1",
	        "patio_port_info{port=\"uplink\",kind=\"port\",network=\"wire\",guest=\"bob\","
	        "edge=\"yes\",move=\"kick\"} 1",
	        "patio_port_info{port=\"paris\",kind=\"link\",network=\"default\",guest=\"\","
	        "edge=\"no\",move=\"kick\"} 1",
	        "patio_port_up{port=\"alice.0\"} 1", "patio_port_up{port=\"uplink\"} 0",
	        "patio_port_mtu_bytes{port=\"alice.0\"} 1500",
	        "patio_port_mtu_bytes{port=\"paris\"} 1450",
	        "patio_port_in_frames_total{port=\"alice.0\"} 501",
	        "patio_port_in_bytes_total{port=\"alice.0\"} 502",
	        "patio_port_out_frames_total{port=\"alice.0\"} 503",
	        "patio_port_out_bytes_total{port=\"alice.0\"} 504",
	        "patio_port_lost_frames_total{port=\"alice.0\"} 505",
	        "patio_port_lost_frames_total{port=\"uplink\"} 0",
	        "patio_port_flooded_frames_total{port=\"alice.0\"} 506",
	        "patio_port_drops_total{port=\"alice.0\",cause=\"runt\"} 507",
	        "patio_port_drops_total{port=\"alice.0\",cause=\"arp_conflict\"} 508",
	        "patio_port_learned_addresses{port=\"uplink\"} 12",
	        "patio_port_address_limit{port=\"uplink\"} 256");
	SAMPLES(false, "patio_port_drops_total{port=\"alice.0\",cause=\"oversize\"}",
	        "patio_port_drops_total{port=\"uplink\"", "patio_port_up{port=\"wan\"}");
}

/* Each value is in the first bucket whose bound it does not exceed, and in all after that; a port
 * or vCPU without values has no sample. */
static void of_histograms(void **state)
{
	static struct hist h;
	(void)state;
	SAMPLES(true, "# TYPE patio_port_delivery_seconds histogram",
	        "# TYPE patio_vcpu_exit_time_seconds histogram");
	SAMPLES(false, "patio_port_delivery_seconds_", "patio_vcpu_exit_time_seconds_");
	h = (struct hist){0};
	hist_add(&h, 255, 2);
	hist_add(&h, 256, 1);
	hist_add(&h, (1ull << 31) - 1, 4);
	hist_add(&h, 1ull << 31, 8);
	delivered = took = &h;
	SAMPLES(true,
	        "patio_port_delivery_seconds_bucket{port=\"alice.0\",le=\"1.06e-07\"} 2\n"
	        "patio_port_delivery_seconds_bucket{port=\"alice.0\",le=\"2.12e-07\"} 3",
	        "patio_port_delivery_seconds_bucket{port=\"alice.0\",le=\"0.447392426\"} 3\n"
	        "patio_port_delivery_seconds_bucket{port=\"alice.0\",le=\"0.894784852\"} 7\n"
	        "patio_port_delivery_seconds_bucket{port=\"alice.0\",le=\"+Inf\"} 15\n"
	        "patio_port_delivery_seconds_sum{port=\"alice.0\"} 10.737418557\n"
	        "patio_port_delivery_seconds_count{port=\"alice.0\"} 15",
	        "patio_vcpu_exit_time_seconds_bucket{guest=\"alice\",vcpu=\"1\",le=\"1.06e-07\"} 2",
	        "patio_vcpu_exit_time_seconds_sum{guest=\"alice\",vcpu=\"1\"} 10.737418557",
	        "patio_vcpu_exit_time_seconds_count{guest=\"alice\",vcpu=\"1\"} 15");
	SAMPLES(false, "patio_port_delivery_seconds_bucket{port=\"uplink\"",
	        "patio_port_delivery_seconds_count{port=\"uplink\"",
	        "patio_vcpu_exit_time_seconds_bucket{guest=\"alice\",vcpu=\"0\"",
	        "patio_vcpu_exit_time_seconds_bucket{guest=\"bob\"");
}

static void of_links_and_networks(void **state)
{
	(void)state;
	SAMPLES(true,
	        "patio_link_info{link=\"paris\",kind=\"vxlan\",network=\"default\","
	        "edge=\"uplink\",remote=\"192.0.2.2\",vni=\"42\",udp_port=\"4789\"} 1",
	        "patio_link_info{link=\"wan\",kind=\"direct\",network=\"wire\",edge=\"uplink\","
	        "remote=\"\",vni=\"\",udp_port=\"\"} 1",
	        "patio_link_state{link=\"paris\",patio_link_state=\"unresolved\"} 1",
	        "patio_link_state{link=\"paris\",patio_link_state=\"up\"} 0",
	        "patio_link_state{link=\"wan\",patio_link_state=\"up\"} 1",
	        "patio_link_mtu_bytes{link=\"paris\"} 1450",
	        "patio_link_mtu_bytes{link=\"wan\"} 1500",
	        "patio_network_info{network=\"default\",mode=\"learn\"} 1",
	        "patio_network_mtu_bytes{network=\"default\"} 1450",
	        "patio_network_learned_addresses{network=\"default\"} 30",
	        "patio_network_learned_addresses{network=\"wire\"} 12");
	SAMPLES(false, "patio_network_info{network=\"\"", "patio_link_info{link=\"alice.0\"");
}

#define ON(guest, device, port) "{guest=\"" guest "\",device=\"" device "\",port=\"" port "\""

/* Each of a device's counters is taken from its place, and each device's from that device. */
static void of_devices(void **state)
{
	char line[200], last[200];
	const char *const at = last;
	(void)state;
	SAMPLES(true, "patio_device_kicks_total" ON("alice", "console", "") "} 1000",
	        "patio_device_kicks_total" ON("bob", "console", "") "} 2000",
	        "patio_device_kicks_total" ON("alice", "net", "alice.0") "} 3000",
	        "patio_device_kicks_total" ON("bob", "net", "uplink") "} 4000",
	        "patio_device_kicks_total" ON("alice", "control", "") "} 5000",
	        "patio_device_early_kicks_total" ON("alice", "console", "") "} 1001",
	        "patio_device_master_off_total" ON("alice", "console", "") "} 1007",
	        "patio_control_requests_total{guest=\"alice\"} 600",
	        "patio_control_input_lost_bytes_total{guest=\"alice\"} 602",
	        "patio_control_discarded_bytes_total{guest=\"alice\"} 606");
	SAMPLES(false, "patio_device_kicks_total" ON("bob", "control", ""),
	        "patio_control_requests_total{guest=\"bob\"}", "patio_device_violations_total{");
	snprintf(line, sizeof line,
	         "patio_device_suppressed_total" ON("alice", "console", "") "} %d",
	         1000 + VIRTIO_COUNTER_SUPPRESSED);
	snprintf(last, sizeof last,
	         "patio_device_no_vector_total" ON("alice", "net", "alice.0") "} %d",
	         3000 + VIRTIO_COUNTER_MSIX + VPCI_no_vector);
	check_samples((const char *const[]){line, at}, 2, true);
	broken = true;
	snprintf(
	    line, sizeof line,
	    "patio_device_violations_total" ON("alice", "console", "") ",rule=\"queue_size\"} %d",
	    1000 + VIRTIO_COUNTER_VIOLATION + VRING_E_queue_size);
	snprintf(
	    last, sizeof last,
	    "patio_device_violations_total" ON("alice", "control", "") ",rule=\"no_header\"} %d",
	    5000 + VIRTIO_COUNTER_VIOLATION + VRING_E_no_header);
	check_samples((const char *const[]){line, at}, 2, true);
}

/* Names are the language's: none can end a label.  A kernel's may. */
static void a_name_cannot_break_out(void **state)
{
	(void)state;
	strcpy(node.guest[CONTROLLED].kernel, "x\"} 1\n# EOF\n");
	SAMPLES(true, "patio_guest_info{guest=\"alice\",kernel=\"x\\\"} 1\\n# EOF\\n\"} 1");
	free(read_answer(CONFIG_METRICS_OPEN));
}

/* How many bounds a text has.  Not by strstr(), of which the sanitizer reads all the rest each
 * time.
 */
static unsigned bounds_in(const char *text)
{
	unsigned n = 0;
	for (; *text; text++)
		n += *text == ',' && strncmp(text, ",le=", 4) == 0;
	return n;
}

/* As many guests as there can be, and this many ports, with names of usual length, two causes at
 * each port, and these buckets at each port and vCPU. */
static void check_full(unsigned ports, const char *first_buckets, unsigned buckets)
{
	unsigned objects = ports + CONFIG_GUESTS * alice.nvcpus;
	char *text;
	full = true;
	node.ports = ports;
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		vms[i] = &alice;
	strcpy(port_a.name, "guest-64.eth1");
	strcpy(node.port[0].name, "guest-64.eth1");
	for (unsigned i = 1; i < ports; i++)
		node.port[i] = node.port[0];
	text = answer(CONFIG_METRICS_PROMETHEUS);
	assert_in_range(strlen(text), SESSION_ANSWER / 4, SESSION_ANSWER / 4 * 3);
	assert_int_equal(bounds_in(text), objects * buckets);
	assert_non_null(strstr(text, first_buckets));
	free(text);
}

#define AT "patio_port_delivery_seconds_bucket{port=\"guest-64.eth1\",le="

/* With histograms, a node of many ports has fewer buckets, of the same ones. */
static void a_full_node_fits(void **state)
{
	static struct hist all;
	(void)state;
	check_full(CONFIG_PORTS, "", 0);
	fill(&all, 1000000);
	delivered = took = &all;
	check_full(CONFIG_PORTS, AT "\"4.26e-07\"} 36000000\n" AT "\"3.412e-06\"} 48000000\n",
	           6 + 1);
	check_full(CONFIG_PORTS / 2, AT "\"4.26e-07\"} 36000000\n" AT "\"8.52e-07\"} 40000000\n",
	           24 + 1);
}

/* ---- the document ---- */

static void family_rows(FILE *out, const char *title, const struct family_table *table)
{
	static const char *const type[] = {"gauge", "counter", "info", "states", "histogram"};
	static const char *const suffix[] = {"", "_total", "_info", "", ""};
	fprintf(out, "\n### %s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n",
	        title);
	for (unsigned i = 0; i < table->n; i++) {
		const struct metric_family *f = &table->family[i].head;
		fprintf(out, "| `%s%s%s%s` | %s | ", f->name, f->unit ? "_" : "",
		        f->unit ? f->unit : "", suffix[f->type], type[f->type]);
		for (const char *c = f->labels; *c; c++)
			fprintf(out, *c == ',' ? ", " : "%c", *c);
		fprintf(out, " | %s |\n", f->help);
	}
}

struct label_value {
	const char *name, *meaning;
};

static void value_rows(FILE *out, const char *title, const struct label_value *row)
{
	fprintf(out, "\n### %s\n\n| value | meaning |\n|---|---|\n", title);
	for (; row->name; row++)
		fprintf(out, "| `%s` | %s |\n", row->name, row->meaning);
}

#define X(name, help) {#name, help},
static const struct label_value reasons[] = {VMEXIT_KINDS(X){NULL, NULL}};
#undef X

/* The page: what stands there up to the generated part, and that part as it should be. */
static char *page(void)
{
	char *text = NULL, line[1000] = "";
	size_t size;
	FILE *out = open_memstream(&text, &size), *in = fopen(DOCUMENT, "r");
	assert_non_null(in);
	while (strcmp(line, GENERATED) != 0 && fgets(line, sizeof line, in))
		fputs(line, out);
	fclose(in);
	family_rows(out, "The node", &metrics_node);
	family_rows(out, "Guests", &metrics_guest);
	family_rows(out, "The network", &metrics_net);
	value_rows(out, "`reason`: why a vCPU exits", reasons);
	fclose(out);
	return text;
}

static void the_document_is_up_to_date(void **state)
{
	char *should = page(), *is = calloc(1, strlen(should) + 2);
	FILE *f = fopen(DOCUMENT, "r");
	size_t got;
	(void)state;
	got = fread(is, 1, strlen(should) + 1, f);
	fclose(f);
	if (got != strlen(should) || memcmp(is, should, got) != 0)
		fail_msg(DOCUMENT " is not what the tables say: build/unit/test_metrics --write");
	free(is);
	free(should);
}

static int write_document(void)
{
	char *text = page();
	FILE *f = fopen(DOCUMENT, "w");
	fputs(text, f);
	free(text);
	return fclose(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(both_forms_are_well_formed, setup),
	    cmocka_unit_test_setup(of_the_node, setup),
	    cmocka_unit_test_setup(of_guests, setup),
	    cmocka_unit_test_setup(of_exits, setup),
	    cmocka_unit_test_setup(of_ports, setup),
	    cmocka_unit_test_setup(of_histograms, setup),
	    cmocka_unit_test_setup(of_links_and_networks, setup),
	    cmocka_unit_test_setup(of_devices, setup),
	    cmocka_unit_test_setup(a_name_cannot_break_out, setup),
	    cmocka_unit_test_setup(a_full_node_fits, setup),
	    cmocka_unit_test(the_document_is_up_to_date),
	};
	if (argc > 1 && !strcmp(argv[1], "--write"))
		return write_document();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
