/* SPDX-License-Identifier: BSD-2-Clause */
/* Underlays, links and MTUs over several texts; what lint finds in the live description. */
#include "tests/unit/rig/config_text.h"

static struct config *node(void)
{
	struct config *c = new_config();

	accept_text(c, "network lab\n"
	               "guest dom0 kernel k\n"
	               "port uplink guest dom0 edge\n"
	               "port a guest dom0 network lab mac 52:54:00:00:00:0a\n"
	               "underlay uplink address 192.0.2.1/24\n");
	return c;
}

static const struct port_config *port(const struct config *c, const char *name)
{
	int slot = config_find_port(config_live(c), name);

	assert_true(slot >= 0);
	return &config_live(c)->port[slot];
}

static void refuse(struct config *c, const char *text, const char *message)
{
	refuse_text(c, text, strlen(text), message);
}

/* An underlay changes while no link is over it; the same one may always be said again. */
static void test_underlay_changes(void **state)
{
	struct config *c = node();

	(void)state;
	assert_int_equal(port(c, "uplink")->underlay.mac, 0x010200c05002ull);
	accept_text(c, "underlay uplink address 198.51.100.1/30 mtu 9000");
	assert_int_equal(port(c, "uplink")->underlay.address, 0xc6336401);
	assert_int_equal(port(c, "uplink")->mtu, 9000);
	accept_text(c, "underlay uplink address 192.0.2.1/24");
	accept_text(c, "link far udp remote 192.0.2.2 network lab");
	accept_text(c, "underlay uplink address 192.0.2.1/24 mtu 1500");
	refuse(c, "underlay uplink address 192.0.2.1/24 mtu 1400",
	       "text:1:10: link \"far\" goes through port \"uplink\"; remove it first");
	refuse(c, "underlay uplink address 192.0.2.3/24",
	       "text:1:10: link \"far\" goes through port \"uplink\"; remove it first");
	accept_text(c, "remove link far\nunderlay uplink address 192.0.2.3/24\n");
	free(c);
}

/* The guests' MTU follows the smallest link, both ways; what was said stays and is checked. */
static void test_mtu_follows(void **state)
{
	struct config *c = node();

	(void)state;
	assert_int_equal(port(c, "a")->mtu, 1500);
	accept_text(c, "link far udp remote 192.0.2.2 network lab");
	assert_int_equal(port(c, "a")->mtu, 1458);
	accept_text(c, "link far2 vxlan vni 1 remote 192.0.2.2 network lab");
	assert_int_equal(port(c, "a")->mtu, 1450);
	assert_int_equal(port(c, "far")->mtu, 1458);
	assert_int_equal(port(c, "uplink")->mtu, 1500);
	refuse(c, "network lab mtu 1458",
	       "text:1:17: mtu 1458 of network \"lab\" does not fit link \"far2\"; 1450 at most");
	accept_text(c, "network lab mtu 1400");
	assert_int_equal(port(c, "a")->mtu, 1400);
	refuse(c, "port b guest dom0 network lab mtu 1401",
	       "text:1:35: mtu 1401 of port \"b\" is more than 1400 of network \"lab\"");
	accept_text(c, "remove link far2\nremove link far\n");
	assert_int_equal(port(c, "a")->mtu, 1400);
	free(c);
}

/* The edge of a network that has links, too, bounds what its guests may send. */
static void test_mtu_of_an_edge(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "underlay uplink address 192.0.2.1/24 mtu 9000\n"
	               "link far udp remote 192.0.2.2 network lab\n");
	assert_int_equal(port(c, "a")->mtu, 8958);
	accept_text(c, "port wan guest dom0 network lab edge\n");
	assert_int_equal(port(c, "a")->mtu, 1500);
	accept_text(c, "remove port wan\nport wan2 guest dom0 network lab edge mtu 4000\n");
	assert_int_equal(port(c, "a")->mtu, 4000);
	free(c);
}

/* In a group it carries what the buffers hold, though its network has more. */
static void test_mtu_of_an_edge_in_a_group(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "network wide mtu 4000\n"
	               "guest b kernel k\n"
	               "group m memory 4M buffers 2M members dom0 b\n"
	               "port x guest dom0 network wide edge group m\n"
	               "port y guest b network wide\n");
	assert_int_equal(port(c, "x")->mtu, CONFIG_FRAMES_MTU);
	assert_int_equal(port(c, "y")->mtu, 4000);
	accept_text(c, "underlay x address 198.51.100.1/24 mtu 1600\n");
	assert_int_equal(port(c, "x")->mtu, 1600);
	free(c);
}

static void add_line(void *ctx, const char *text)
{
	text_add(ctx, text);
	text_add(ctx, "\n");
}

static void expect_lint(struct config *c, const char *expected)
{
	struct text t = {0};

	text_add(&t, "");
	config_lint(c, add_line, &t);
	assert_string_equal(t.at, expected);
	free(t.at);
}

static uint32_t warnings(struct config *c, const char *line)
{
	struct config_action a;
	struct config_report r;

	assert_int_equal(config_read_line(c, line, strlen(line), &a, &r), CONFIG_CHANGED);
	config_commit(c);
	return r.warnings;
}

/* What a port and a link may learn, and what changes of it while they are there. */
static void test_learning(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "link far udp remote 192.0.2.2 network lab\n"
	               "link near udp remote 192.0.2.3 network lab path-mtu learn addresses 7 "
	               "dscp copy\n");
	assert_int_equal(port(c, "far")->link.dscp, 0);
	assert_int_equal(port(c, "near")->link.dscp, VNET_DSCP_COPY);
	assert_int_equal(port(c, "a")->addresses, VNET_QUOTA);
	assert_int_equal(port(c, "uplink")->addresses, VNET_QUOTA_OUTSIDE);
	assert_int_equal(port(c, "far")->addresses, VNET_QUOTA_OUTSIDE);
	assert_int_equal(port(c, "near")->addresses, 7);
	assert_true(config_learns_path_mtu(config_live(c), port(c, "far")));
	accept_text(c, "underlay uplink address 192.0.2.1/24 path-mtu ignore");
	assert_false(config_learns_path_mtu(config_live(c), port(c, "far")));
	assert_true(config_learns_path_mtu(config_live(c), port(c, "near")));
	accept_text(c, "port a addresses 5");
	assert_int_equal(port(c, "a")->addresses, 5);
	accept_text(c, "port a move kick addresses 6");
	assert_int_equal(port(c, "a")->addresses, 6);
	refuse(c, "port a addresses 7169",
	       "text:1:18: addresses 7169 is out of range; write 0 to 7168");
	refuse(c, "link b udp remote 192.0.2.9 dscp 64",
	       "text:1:34: dscp \"64\" is neither `copy` nor 0 to 63");
	refuse(c, "link b direct dscp 7", "text:1:20: dscp is not for a link of kind direct");
	refuse(c, "link b direct addresses 7",
	       "text:1:25: addresses is not for a link of kind direct");
	free(c);
}

/* A warning comes with the text that brings it about, once; lint repeats it. */
static void test_lint(void **state)
{
	struct config *c = node();

	(void)state;
	expect_lint(c, "");
	assert_int_equal(warnings(c, "route src any dst any to port a"), 1);
	assert_int_equal(warnings(c, "log debug"), 0);
	expect_lint(c, "network \"lab\" is in mode learn: its routes (1) have no effect until "
	               "its mode is route\n");
	assert_int_equal(warnings(c, "network lab mode route"), 0);
	assert_int_equal(warnings(c, "port b guest dom0 network lab"), 0);
	assert_int_equal(warnings(c, "link far udp remote 192.0.2.2 network lab"), 1);
	expect_lint(c, "port \"b\" has the default MAC, made from its name: a port of that name on "
	               "another node of its network has the same; set it with `mac`\n");
	assert_int_equal(warnings(c, "remove port b"), 0);
	assert_int_equal(warnings(c, "remove route src any dst any to port a"), 0);
	assert_int_equal(warnings(c, "route src 52:54:00:00:00:0a dst none to link far"), 0);
	assert_int_equal(warnings(c, "route src 52:54:00:00:00:0a dst any to link far"), 1);
	expect_lint(c, "route 0 never wins: route 1 has a higher priority and takes all its "
	               "frames\n");
	free(c);
}

/* A finding that is of no line is told without one. */
static void test_format(void **state)
{
	struct config_message m = {.text = "so it is"};
	char buf[64];

	(void)state;
	config_format(&m, "lint", buf, sizeof buf);
	assert_string_equal(buf, "lint: so it is");
}

/* What a refused text put into slots is in no later description. */
static void test_refused_slots(void **state)
{
	struct config *c = node();
	struct config_report r;
	const char *bad = "network x\nguest g kernel k\nport p guest g network x\nnonsense\n";
	const struct node_config *n;

	(void)state;
	assert_int_equal(config_read(c, bad, strlen(bad), &r), CONFIG_REFUSED);
	accept_text(c, "log debug");
	n = config_live(c);
	for (unsigned i = n->ports; i < CONFIG_PORTS; i++)
		assert_string_equal(n->port[i].name, "");
	for (unsigned i = n->nets; i < CONFIG_NETS; i++)
		assert_string_equal(n->net[i].name, "");
	for (unsigned i = n->guests; i < CONFIG_GUESTS; i++)
		assert_string_equal(n->guest[i].name, "");
	free(c);
}

/* What comes in a text does not take the slot of what goes in it, while there is another one. */
static void test_slots(void **state)
{
	struct config *c = node();
	int slot;

	(void)state;
	accept_text(c, "link far udp remote 192.0.2.2 network lab");
	slot = config_find_port(config_live(c), "far");
	accept_text(c, "remove link far\nlink far2 udp remote 192.0.2.3 network lab\n");
	assert_int_not_equal(config_find_port(config_live(c), "far2"), slot);
	accept_text(c, "link far3 udp remote 192.0.2.4 network lab\n");
	assert_int_equal(config_find_port(config_live(c), "far3"), slot);
	free(c);
}

/* A guest beside an underlay reaches the wire of the links. */
static void test_guests_on_the_wire(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "guest alice kernel k\nport b guest alice mac 52:54:00:00:00:0b\n");
	expect_lint(c, "port \"b\" shares network \"default\" with the underlay of \"uplink\": "
	               "its guest reaches the wire of the links; give the edge a network of its "
	               "own\n");
	accept_text(c, "remove port b");
	expect_lint(c, "");
	free(c);
}

/* A mirror of a network without ports copies nothing; of a direct link, what its edge does. */
static void test_mirrors(void **state)
{
	struct config *c = node();
	const struct node_config *n;

	(void)state;
	accept_text(c, "network empty\nmirror m network empty\n");
	expect_lint(c, "mirror \"m\" copies nothing: network \"empty\" has no port\n");
	accept_text(c,
	            "remove mirror m\nlink way direct\nmirror w link way\nmirror l network lab\n");
	expect_lint(c, "");
	n = config_live(c);
	assert_true(config_mirror_sees(n, &n->mirror[0], (unsigned)config_find_port(n, "uplink")));
	assert_false(config_mirror_sees(n, &n->mirror[0], (unsigned)config_find_port(n, "a")));
	assert_true(config_mirror_sees(n, &n->mirror[1], (unsigned)config_find_port(n, "a")));
	assert_false(config_mirror_sees(n, &n->mirror[1], (unsigned)config_find_port(n, "way")));
	free(c);
}

static void test_lonely_group(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "guest alice kernel k\nguest bob kernel k\ngroup m memory 4M members bob\n");
	expect_lint(c, "group \"m\" has one member: nobody shares its memory\n");
	accept_text(c, "remove group m\n");
	expect_lint(c, "");
	accept_text(c, "group m memory 4M members bob alice\n");
	expect_lint(c, "");
	free(c);
}

#define SEEN_BY(guest, net, edge)                                                                  \
	"guest \"" guest "\" of group \"m\" sees, and can change, the frames of network \"" net    \
	"\" that edge \"" edge "\" moves, and has no port there\n"
#define SEEN(net, edge) SEEN_BY("b", net, edge)
#define WIDE(port)                                                                                 \
	"network \"wide\" has MTU 4000, but port \"" port "\", in a group, has 1902: larger "      \
	"packets do not pass there\n"

/* What an edge in a group opens to its members; each text that completes it is answered with it. */
static void test_edges_in_groups(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "network wide mtu 4000\nnetwork near\nguest b kernel k\n"
	               "group m memory 32M buffers 16M members dom0 b\n");
	assert_int_equal(warnings(c, "port x guest dom0 network wide edge group m\n"), 2);
	expect_lint(c, WIDE("x") SEEN("wide", "x"));
	accept_text(c, "remove port x\nport x guest dom0 network near edge group m\n"
	               "port y guest b network near group m\n");
	expect_lint(c, "");
	accept_text(c, "remove port y\nunderlay x address 198.51.100.1/24\nnetwork far\n");
	assert_int_equal(warnings(c, "link l vxlan vni 7 remote 198.51.100.2 edge x network far\n"),
	                 1);
	expect_lint(c, SEEN("far", "x"));
	accept_text(c, "port z guest b network far mac 52:54:00:00:00:09\n");
	expect_lint(c, "");
	free(c);
}

static void test_two_edges_in_a_group(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "network near\nnetwork far\nguest b kernel k\nguest dom1 kernel k\n"
	               "group m memory 32M buffers 16M members dom0 dom1 b\n"
	               "port x guest dom0 network near edge group m\n"
	               "port y guest b network near\nport z guest dom1 network near\n");
	expect_lint(c, "");
	assert_int_equal(warnings(c, "port x2 guest dom1 network far edge group m\n"), 1);
	free(c);
}

/* What ports in groups cannot carry. */
static void test_ports_in_groups(void **state)
{
	struct config *c = node();

	(void)state;
	accept_text(c, "network wide mtu 4000\nnetwork calm\nguest b kernel k\nguest d kernel k\n"
	               "group m memory 32M buffers 16M members b d\n"
	               "port y guest b network wide group m\nport z guest d network wide\n");
	assert_int_equal(port(c, "y")->mtu, CONFIG_FRAMES_MTU);
	assert_int_equal(port(c, "z")->mtu, 4000);
	expect_lint(c, WIDE("y"));
	refuse(c, "port w guest d network wide mtu 4000 group m\n",
	       "text:1:33: mtu 4000 of port \"w\" does not fit the buffers of its group; 1902 at "
	       "most");
	accept_text(c, "remove port y\nremove port z\nremove group m\n"
	               "guest e kernel k\nguest f kernel k\nguest g kernel k\n"
	               "guest h kernel k\nguest i kernel k\nguest j kernel k\n"
	               "group m memory 4M buffers 2M members dom0 b e f g h i j\n"
	               "port x guest dom0 network calm edge group m\n"
	               "port y guest b network calm group m\n");
	expect_lint(c, SEEN_BY("e", "calm", "x")); /* nobody outside sends large frames */
	accept_text(c, "port z guest d network calm\n");
	expect_lint(c, "group \"m\" has 128 buffers for each member: port \"x\" has 32 for a large "
	               "frame (TSO) from outside, which may need 45\n" SEEN_BY("e", "calm", "x"));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lonely_group),
	    cmocka_unit_test(test_edges_in_groups),
	    cmocka_unit_test(test_two_edges_in_a_group),
	    cmocka_unit_test(test_ports_in_groups),
	    cmocka_unit_test(test_underlay_changes),
	    cmocka_unit_test(test_mtu_follows),
	    cmocka_unit_test(test_mtu_of_an_edge),
	    cmocka_unit_test(test_mtu_of_an_edge_in_a_group),
	    cmocka_unit_test(test_lint),
	    cmocka_unit_test(test_learning),
	    cmocka_unit_test(test_guests_on_the_wire),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_refused_slots),
	    cmocka_unit_test(test_slots),
	    cmocka_unit_test(test_mirrors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
