/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor: run-time statements become actions, others change the staged description. */
#include "tests/unit/rig/config_text.h"

static struct config *node(void)
{
	struct config *c = new_config();

	accept_text(c, "network lab\n"
	               "guest dom0 kernel k\n"
	               "guest alice kernel k\n"
	               "port uplink guest dom0 edge\n"
	               "port alice.0 guest alice network lab mac 52:54:00:00:00:0a\n"
	               "port alice guest alice\n"
	               "underlay uplink address 192.0.2.1/24\n"
	               "link far vxlan vni 42 remote 192.0.2.2\n"
	               "link wan direct\n");
	return c;
}

static struct config_action act(struct config *c, const char *line)
{
	struct config_action a;
	struct config_report r;
	enum config_outcome o = config_read_line(c, line, strlen(line), &a, &r);

	if (o == CONFIG_REFUSED)
		fail_msg("%s: %s", line, r.error.text);
	assert_int_equal(o, CONFIG_ACTION);
	return a;
}

static void refuse_line(struct config *c, const char *line, const char *message)
{
	struct config_action a;
	struct config_report r;
	char got[400];

	assert_int_equal(config_read_line(c, line, strlen(line), &a, &r), CONFIG_REFUSED);
	config_format(&r.error, "", got, sizeof got);
	assert_string_equal(got, message);
}

static void test_show(void **state)
{
	struct config *c = node();
	struct config_action a = act(c, "show guests");

	(void)state;
	assert_int_equal(a.verb, CONFIG_SHOW);
	assert_int_equal(a.what, CONFIG_SHOW_GUESTS);
	assert_true(a.guest == -1 && a.net == -1 && a.port == -1 && !a.json);
	a = act(c, "show all json");
	assert_true(a.what == CONFIG_SHOW_ALL && a.json);
	a = act(c, "show exits alice json");
	assert_true(a.what == CONFIG_SHOW_EXITS && a.guest == 1 && a.port == -1 && a.json);
	a = act(c, "show ports json alice");
	assert_true(a.what == CONFIG_SHOW_PORTS && a.port == 2 && a.guest == -1 && a.json);
	a = act(c, "show counters dom0");
	assert_true(a.what == CONFIG_SHOW_COUNTERS && a.guest == 0 && a.port == -1);
	a = act(c, "show histogram alice json");
	assert_true(a.what == CONFIG_SHOW_HISTOGRAM && a.port == 2 && a.json);
	a = act(c, "show routes lab");
	assert_true(a.what == CONFIG_SHOW_ROUTES && a.net == 1);
	a = act(c, "show boot json");
	assert_true(a.what == CONFIG_SHOW_BOOT && a.guest == -1 && a.json);
	refuse_line(c, "show boot alice",
	            ":1:11: unknown name \"alice\"; this answer has no such object");
	a = act(c, "show last-panic");
	assert_true(a.what == CONFIG_SHOW_LAST_PANIC && a.guest == -1 && !a.json);
	a = act(c, "show links far json");
	assert_true(a.what == CONFIG_SHOW_LINKS && a.port == 3 && a.net == -1 && a.json);
	a = act(c, "show links lab");
	assert_true(a.what == CONFIG_SHOW_LINKS && a.port == -1 && a.net == 1);
	a = act(c, "show underlays uplink");
	assert_true(a.what == CONFIG_SHOW_UNDERLAYS && a.port == 0);
	a = act(c, "show counters far");
	assert_true(a.what == CONFIG_SHOW_COUNTERS && a.port == 3);
	refuse_line(c, "show links uplink",
	            ":1:12: unknown name \"uplink\"; this answer has no such object");
	refuse_line(c, "show ports fare",
	            ":1:12: unknown name \"fare\"; this answer has no such object");
	refuse_line(
	    c, "show",
	    ":1:5: missing: WHAT; write one of guests, vcpus, ports, links, underlays, networks, "
	    "routes, services, flows, mirrors, groups, exits, counters, memory, machine, all, "
	    "histogram, ism, trace, boot, last-panic");
	refuse_line(c, "show port", ":1:6: unknown word \"port\"; did you mean \"ports\"?");
	refuse_line(c, "show vcpus alise",
	            ":1:12: unknown name \"alise\"; did you mean \"alice\"?");
	refuse_line(c, "show counters uplnk",
	            ":1:15: unknown name \"uplnk\"; did you mean \"uplink\"?");
	refuse_line(c, "show memory uplink",
	            ":1:13: unknown name \"uplink\"; this answer has no such object");
	refuse_line(c, "show vcpus alice jsno",
	            ":1:18: unknown word \"jsno\"; did you mean \"json\"?");
	refuse_line(c, "show all json json", ":1:15: \"json\" is given twice");
	free(c);
}

static void test_metrics(void **state)
{
	struct config *c = node();
	struct config_action a = act(c, "show metrics");

	(void)state;
	assert_true(a.verb == CONFIG_METRICS && a.metrics == CONFIG_METRICS_OPEN);
	a = act(c, "show metrics openmetrics");
	assert_true(a.verb == CONFIG_METRICS && a.metrics == CONFIG_METRICS_OPEN);
	a = act(c, "show metrics prometheus");
	assert_true(a.verb == CONFIG_METRICS && a.metrics == CONFIG_METRICS_PROMETHEUS);
	refuse_line(c, "show metrics json",
	            ":1:14: unknown word \"json\"; write one of openmetrics, prometheus");
	refuse_line(c, "show metrics prometheus alice",
	            ":1:25: \"alice\" is unexpected; the statement ends before it");
	free(c);
}

static void test_verbs(void **state)
{
	static const struct {
		const char *line;
		enum config_verb verb;
		int32_t guest;
	} row[] = {
	    {"start alice", CONFIG_START, 1},
	    {"stop dom0", CONFIG_STOP, 0},
	    {"restart alice", CONFIG_RESTART, 1},
	    {"console alice", CONFIG_ENTER, 1},
	    {"poweroff", CONFIG_POWEROFF, -1},
	    {"reboot", CONFIG_REBOOT, -1},
	    {"load", CONFIG_LOAD, -1},
	    {"lint", CONFIG_LINT, -1},
	    {"help", CONFIG_HELP, -1},
	};
	struct config *c = node();
	struct config_action a;

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct config_action a = act(c, row[i].line);

		assert_int_equal(a.verb, row[i].verb);
		assert_int_equal(a.guest, row[i].guest);
	}
	a = act(c, "load patio.conf.good");
	assert_int_equal(a.verb, CONFIG_LOAD);
	assert_string_equal(a.word, "patio.conf.good");
	a = act(c, "load");
	assert_string_equal(a.word, "");
	assert_int_equal(config_live(c)->console, -1);
	refuse_line(c, "load two modules",
	            ":1:10: \"modules\" is unexpected; the statement ends before it");
	refuse_line(c, "start", ":1:6: missing: GUEST; see `help start`");
	refuse_line(c, "stop bob", ":1:6: unknown guest \"bob\"; declare it first");
	refuse_line(c, "reboot now", ":1:8: \"now\" is unexpected; the statement ends before it");
	free(c);
}

static void test_explain(void **state)
{
	struct config *c = node();
	struct config_action a = act(c, "explain 52:54:00:00:00:0a ff:ff:ff:ff:ff:ff alice.0 json");

	(void)state;
	assert_int_equal(a.verb, CONFIG_EXPLAIN);
	assert_int_equal(a.src, 0x0a0000005452ull);
	assert_int_equal(a.dst, MAC_BROADCAST);
	assert_true(a.port == 1 && a.json);
	a = act(c, "explain 52:54:00:00:00:0a ff:ff:ff:ff:ff:ff far");
	assert_int_equal(a.port, 3);
	a = act(c, "explain 52:54:00:00:00:0a ff:ff:ff:ff:ff:ff wan");
	assert_int_equal(a.port, 0);
	assert_int_equal(a.packet.version, 0);
	a = act(c,
	        "explain 52:54:00:00:00:0a 52:54:00:00:00:0b alice.0 ports 40000 80 src 10.0.0.1 "
	        "proto udp dst 10.0.0.2");
	assert_int_equal(a.packet.version, 4);
	assert_int_equal(a.packet.protocol, 17);
	assert_memory_equal(a.packet.src, "\x0a\0\0\x01", 4);
	assert_memory_equal(a.packet.dst, "\x0a\0\0\x02", 4);
	assert_int_equal(a.packet.port[0], 40000);
	assert_int_equal(a.packet.port[1], 80);
	a = act(c, "explain 52:54:00:00:00:0a 52:54:00:00:00:0b alice.0 src ::1 dst 2001:db8::9");
	assert_int_equal(a.packet.version, 6);
	assert_int_equal(a.packet.dst[15], 9);
#define TO_BOB "explain 52:54:00:00:00:0a 52:54:00:00:00:0b alice.0 "
	refuse_line(c, TO_BOB "src 10.0.0.1",
	            ":1:57: an IP packet has both: src ADDRESS dst ADDRESS");
	refuse_line(c, TO_BOB "proto tcp", ":1:59: an IP packet has both: src ADDRESS dst ADDRESS");
	refuse_line(c, TO_BOB "src 10.0.0.1 dst ::1",
	            ":1:70: src and dst are of different versions of IP");
	refuse_line(
	    c, TO_BOB "src 10.0.0.1 dst 10.0.0.0/8",
	    ":1:70: dst \"10.0.0.0/8\" is no address; write it as 192.0.2.1 or 2001:db8::1");
	refuse_line(c, TO_BOB "src 10.0.0.1 dst 10.0.0.2 ports 80",
	            ":1:87: ports needs 2 values: SRC-PORT DST-PORT");
	refuse_line(c, TO_BOB "src 10.0.0.1 dst 10.0.0.2 proto udp ports 80 1-2",
	            ":1:98: a packet has one port, no range");
	refuse_line(c, TO_BOB "src 10.0.0.1 dst 10.0.0.2 ports 80 81",
	            ":1:85: without a protocol that has ports: proto tcp, udp or sctp");
	refuse_line(c, TO_BOB "src 10.0.0.1 dst 10.0.0.2 proto icmp ports 80 81",
	            ":1:96: without a protocol that has ports: proto tcp, udp or sctp");
	refuse_line(c, "explain ff:ff:ff:ff:ff:ff 52:54:00:00:00:0a alice.0",
	            ":1:9: SRC-MAC ff:ff:ff:ff:ff:ff is a group address; "
	            "only a single station's is allowed here");
	refuse_line(c, "explain 52:54:00:00:00:0a 52:54:00:00:00:0b",
	            ":1:44: missing: PORT; see `help explain`");
	free(c);
}

static void test_help(void **state)
{
	struct config *c = node();
	struct text t = {0};

	(void)state;
	assert_string_equal(act(c, "help remove").word, "remove");
	assert_string_equal(act(c, "help").word, "");
	refuse_line(c, "help gest", ":1:6: unknown statement \"gest\"; did you mean \"guest\"?");
	config_help("remove", text_put, &t);
	assert_string_equal(
	    t.at,
	    "remove route [network NET] src QUAL dst QUAL [from [port|link] NAME] to port|link "
	    "NAME [reflect]\n    remove the route that was given with the same words\n"
	    "remove port PORT\n    remove a port that no route, link, mirror, service or flow "
	    "names\n"
	    "remove link LINK\n    remove a link that no route, mirror or flow names\n"
	    "remove underlay PORT\n    remove the underlay of a port that no link goes through\n"
	    "remove network NET\n    remove a network that has no port, link, mirror or flow\n"
	    "remove service SERVICE\n    remove a service that no flow names\n"
	    "remove flow FLOW\n    remove a flow\n"
	    "remove mirror MIRROR\n    copy no more for this mirror\n"
	    "remove group GROUP\n    remove a group that no port names, and its memory; no member "
	    "may run\n");
	t.len = 0;
	config_help("", text_put, &t);
	assert_non_null(strstr(t.at, "\nmove kick|poll|adaptive [core N] [for TIME]\n"));
	assert_non_null(strstr(t.at, "\nshow guests|vcpus|"));
	free(t.at);
	free(c);
}

static void test_changes(void **state)
{
	struct config *c = node();
	struct config_action a;
	struct config_report r;

	(void)state;
	assert_int_equal(config_read_line(c, "move poll core 3\n", 17, &a, &r), CONFIG_CHANGED);
	assert_int_equal(config_staged(c)->move, CONFIG_MOVE_POLL);
	config_commit(c);
	assert_int_equal(config_read_line(c, "port uplink move kick", 21, &a, &r), CONFIG_CHANGED);
	config_commit(c);
	assert_int_equal(config_live(c)->port[0].move, CONFIG_MOVE_KICK);
	assert_int_equal(config_read_line(c, "network lab mode route", 22, &a, &r), CONFIG_CHANGED);
	config_commit(c);
	assert_int_equal(config_live(c)->net[1].mode, VNET_ROUTE);
	assert_int_equal(config_read_line(c, " # hm", 5, &a, &r), CONFIG_NOTHING);
	assert_int_equal(config_read_line(c, "", 0, &a, &r), CONFIG_NOTHING);
	refuse_line(c, "log info\nlog debug", ":2:1: one statement per line; `load` takes several");
	refuse_line(c, "log info\n\"", ":2:1: the quote that opens here is not closed on its line");
	assert_int_equal(config_live(c)->log, CONFIG_LOG_INFO);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_show),  cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_verbs), cmocka_unit_test(test_explain),
	    cmocka_unit_test(test_help),  cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
