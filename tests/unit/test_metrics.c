/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `show metrics`: the format as its specification demands it, each sample where it belongs, and
 * docs/metrics.md, whose tables `build/unit/test_metrics --write` makes anew.
 */
#include "tests/unit/rig/metrics_node.h"
#include "tests/unit/rig/metrics_reader.h"
#include "tests/unit/rig/document.h"

#define DOCUMENT "docs/metrics.md"
#define GENERATED                                                                                  \
	"The rest of this page is made from the tables in the code: "                              \
	"`build/unit/test_metrics --write`.\n"

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
	        "patio_ism_data_bytes_total{guest=\"alice\"} 812",
	        "patio_ism_starts_total{guest=\"alice\"} 813", "patio_ism_dmbs{guest=\"alice\"} 1",
	        "patio_vcpu_core_info{guest=\"alice\",vcpu=\"0\",core=\"1\"} 1",
	        "patio_vcpu_masked_lvts_total{guest=\"alice\",vcpu=\"1\"} 809",
	        "patio_vcpu_refused_bases_total{guest=\"alice\",vcpu=\"1\"} 810");
	SAMPLES(false, "patio_ism_dmbs{guest=\"bob\"}", "patio_ism_refusals_total{",
	        "patio_guest_exit_status{guest=\"alice\"}", "patio_vcpu_core_info{guest=\"bob\"",
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
	        "patio_port_copied_bytes_total{port=\"alice.0\"} 1520",
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

static void of_services_and_flows(void **state)
{
	(void)state;
	SAMPLES(true,
	        "patio_service_frames_total{service=\"firewall\",network=\"default\",port=\"alice."
	        "0\"} 70",
	        "patio_flow_frames_total{flow=\"web\",network=\"default\"} 81",
	        "patio_flow_bytes_total{flow=\"web\",network=\"default\"} 8181");
	/* Neither the port that is gone nor the service that is none. */
	SAMPLES(false, "patio_service_frames_total{service=\"\"", "} 71\n");
}

#define ON(guest, device, port) "{guest=\"" guest "\",device=\"" device "\",port=\"" port "\""

/* Each of a device's counters is taken from its place, and each device's from that device. */
static void of_devices(void **state)
{
	char line[200], last[200];
	const char *const at = last;

	(void)state;
	SAMPLES(true, "patio_member_memory_bytes{guest=\"bob\",group=\"frames\"} 901",
	        "patio_member_prepared_bytes{guest=\"bob\",group=\"frames\"} 902",
	        "patio_member_flushes_total{guest=\"bob\",group=\"frames\"} 903");
	SAMPLES(true, "patio_device_kicks_total" ON("alice", "console", "") "} 1000",
	        "patio_device_kicks_total" ON("bob", "console", "") "} 2000",
	        "patio_device_kicks_total" ON("alice", "net", "alice.0") "} 3000",
	        "patio_device_kicks_total" ON("bob", "net", "uplink") "} 4000",
	        "patio_device_kicks_total" ON("alice", "control", "") "} 5000",
	        "patio_device_kicks_total" ON("bob", "pmem", "frames") "} 6000",
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
	ism.count[ISM_COUNT_REFUSED + ISM_not_peer - ISM_bad_command] = 814;
	SAMPLES(true, "patio_ism_refusals_total{guest=\"alice\",rule=\"not_peer\"} 814");
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

/* A group's port has no virtio device's counters but those of MSI-X, and rules of its own. */
static void of_ports_in_groups(void **state)
{
	char line[200], last[200];
	const char *const at = last;

	(void)state;
	SAMPLES(false, "patio_group_port_handed_total{");
	shared = true;
	port(4, "shared", CONFIG_NIC, NULL);
	snprintf(line, sizeof line,
	         "patio_group_port_handed_total{guest=\"bob\",port=\"shared\"} %d",
	         7000 + SHM_COUNT_handed);
	snprintf(last, sizeof last,
	         "patio_device_interrupts_total" ON("bob", "group", "shared") "} %d",
	         7000 + SHM_COUNTER_MSIX + VPCI_interrupts);
	check_samples((const char *const[]){line, at}, 2, true);
	SAMPLES(false, "patio_device_kicks_total" ON("bob", "group", "shared"),
	        "patio_device_suppressed_total" ON("bob", "group", "shared"),
	        "patio_device_violations_total{");
	broken = true;
	snprintf(line, sizeof line,
	         "patio_device_violations_total" ON("bob", "group",
	                                            "shared") ",rule=\"ring_broken\"} %d",
	         7000 + SHM_COUNTER_VIOLATION + SHM_E_ring_broken);
	check_samples((const char *const[]){line}, 1, true);
	SAMPLES(false, "patio_device_violations_total" ON("bob", "group",
	                                                  "shared") ",rule=\"queue_size\"");
}

/* An emulated NIC has of a virtio device's those of MSI-X; the others are its own. */
static void of_emulated_nics(void **state)
{
	(void)state;
	SAMPLES(false, "patio_e1000_kicks_total{");
	has_emulated = true;
	port(4, "old", CONFIG_NIC, NULL);
	atomic_store(&emulated.count[E1000_MODEL_COUNT_filtered], 31);
	emulated.pci.msix_count[VPCI_masked] = 32;
	atomic_store(&emulated.violation[E1000_MODEL_E_rx_address], 33);
	SAMPLES(true, "patio_e1000_filtered_total{guest=\"bob\",port=\"old\"} 31",
	        "patio_device_masked_total" ON("bob", "net", "old") "} 32",
	        "patio_device_violations_total" ON("bob", "net", "old") ",rule=\"rx_address\"} 33");
	SAMPLES(false, "patio_device_kicks_total" ON("bob", "net", "old"),
	        "patio_device_violations_total" ON("bob", "net", "old") ",rule=\"tx_ring\"");
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
	assert_in_range(strlen(text), SESSION_ANSWER / 4, SESSION_ANSWER / 16 * 13);
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
	(void)state;
	document_check(DOCUMENT, page(), "build/unit/test_metrics --write");
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
	    cmocka_unit_test_setup(of_services_and_flows, setup),
	    cmocka_unit_test_setup(of_devices, setup),
	    cmocka_unit_test_setup(of_ports_in_groups, setup),
	    cmocka_unit_test_setup(of_emulated_nics, setup),
	    cmocka_unit_test_setup(a_name_cannot_break_out, setup),
	    cmocka_unit_test_setup(a_full_node_fits, setup),
	    cmocka_unit_test(the_document_is_up_to_date),
	};

	if (argc > 1 && !strcmp(argv[1], "--write"))
		return document_write(DOCUMENT, page());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
