/* SPDX-License-Identifier: BSD-2-Clause */
/* test_chain_rules.c: which services and flows are refused, and what a change keeps. */
#include "tests/unit/rig/chain_rig.h"
#include "tests/unit/rig/vnet_rig.h"

#define ABC "service a 4\nservice b 5\nservice c 6\n"

static void refused(struct chain_rig *r, const char *text, const char *why)
{
	const char *got;

	chain_text(r, text);
	got = chain_try(r);
	assert_non_null(got);
	assert_string_equal(got, why);
}

static void services_are_checked(void **state)
{
	struct chain_rig *r = *state;

	refused(r, "service a 4\nservice b 5 4\n", "service b: port f4 is in a service already");
	refused(r, "service a 4 4\n", "service a: port f4 is in a service already");
	refused(r, "service a 99\n", "service a: port ? is not there");
	refused(r, "service a 65535\n", "service a: port ? is not there");
	refused(r, "service a\n", "service 0: no name, network or replica, or too many");
	chain_text(r, "service a 4\n");
	r->service[0].net = 1;
	assert_string_equal(chain_try(r), "service a: port f4 is in another network");
	r->service[0].net = VNET_NETS;
	assert_string_equal(chain_try(r), "service 0: no name, network or replica, or too many");
	r->service[0].net = 0;
	r->dev[4].port->flags = VNET_EDGE;
	assert_string_equal(chain_try(r), "service a: port f4 leads out of the node");
}

static void flows_are_checked(void **state)
{
	struct chain_rig *r = *state;

	refused(r, ABC "flow f chain a b a out\n",
	        "flow f: service a is twice in its chain: a frame that comes back from there would "
	        "not say whether for the first time");
	refused(r, ABC "flow f chain a x out\n", "flow f: there is no such service");
	refused(r, ABC "flow f chain a to 99\n", "flow f: port ? is not there");
	refused(r, ABC "flow f from 99 chain a out\n", "flow f: port ? is not there");
	refused(r, ABC "flow f from 4 chain a out\n",
	        "flow f: it comes from a port of service a, which is in its chain");
	refused(r, ABC "flow f chain a to 5\n",
	        "flow f: it ends at a port of service b; name that in its chain");
	refused(r, ABC "flow f from 1 to 1\n",
	        "flow f: it leads back to the port where its frames come from");
	refused(r, ABC "flow f ports 9-8 chain a out\n",
	        "flow f: a range of ports ends before it begins");
	refused(r, ABC "flow f proto 1 ports 80-80 chain a out\n",
	        "flow f: its protocol has no ports, so no frame matches");
	refused(r, ABC "flow f src 10.0.0.0/8 dst 2001:db8::/32 chain a out\n",
	        "flow f: it needs IPv4 and IPv6 at once, so no frame matches");
	refused(r, ABC "flow f src 10.0.0.0/33 chain a out\n", "flow f: a prefix that is none");
	refused(r, ABC "flow f src ::/129 chain a out\n", "flow f: a prefix that is none");
	refused(r, ABC "flow f proto 256 chain a out\n", "flow f: there is no such protocol");
	refused(r, ABC "flow f chain a drop\n",
	        "flow f: it has no end, or drops what its chain is to get");
	refused(r, ABC "flow f net 9 chain a out\n", "flow 0: no name, or no such network");
	refused(r, ABC "flow f net 1 chain a out\n", "flow f: service a is in another network");
	refused(r, ABC "flow f net 1 to 3\n", "flow f: port h3 is in another network");
	chain_text(r, ABC "flow f chain a out\n");
	r->flow[0].services = VNET_CHAIN + 1;
	assert_string_equal(chain_try(r), "flow f: its chain has more than 8 services");
	r->flow[0].services = 1;
	r->flow[0].ranges = VNET_FLOW_RANGES + 1;
	assert_string_equal(chain_try(r), "flow f: it has too many ranges of ports");
	r->flow[0].ranges = 0;
	r->flow[0].end = 7;
	assert_string_equal(chain_try(r),
	                    "flow f: it has no end, or drops what its chain is to get");
	r->flow[0].end = VNET_FLOW_OUT;
	r->flow[0].name[0] = '\0';
	assert_string_equal(chain_try(r), "flow 0: no name, or no such network");
}

#define CONFUSED(f, s, g)                                                                          \
	"flow " f ": behind service " s " its frames cannot be told from those of flow " g         \
	", which come from elsewhere: let addresses or protocols differ"

static void flows_that_cannot_be_told_apart_are_refused(void **state)
{
	struct chain_rig *r = *state;

	refused(r, ABC "flow f from 0 chain a b to 1\nflow g from 1 chain b a to 0\n",
	        CONFUSED("f", "a", "g"));
	refused(r, ABC "flow f from 0 chain a to 1\nflow g chain a b to 0\n",
	        CONFUSED("f", "a", "g"));
	refused(r, ABC "flow f proto 17 from 0 chain a to 1\nflow g src 10.0.0.0/8 chain c a out\n",
	        CONFUSED("f", "a", "g"));
	refused(r, ABC "flow f chain a b out\nflow g from 6 chain b out\n",
	        CONFUSED("f", "b", "g"));
	/* These can. */
	chain_use(r, ABC "flow f from 0 src 10.0.0.0/32 chain a b to 1\n"
	                 "flow g from 1 src 10.0.0.1/32 chain b a to 0\n");
	chain_use(r, ABC "flow f proto 6 from 0 chain a to 1\nflow g proto 17 chain a b to 0\n");
	chain_use(r, ABC "flow f from 0 chain a to 1\nflow g chain b c to 0\n");
	chain_use(r, ABC "flow f chain a to 1\nflow g from 0 chain a b to 0\n");
	chain_use(r, ABC "flow f chain c b out\nflow g from 6 chain b out\n");
}

/* Services may hand frames on to each other: a frame that a flow has sent to a service is that
 * flow's, or an earlier one's, when it comes back. */
static void services_may_follow_services(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(4, 1, 1, 2);

	chain_use(r, ABC "flow f from 4 chain b out\nflow g from 5 chain a out\n");
	assert_string_equal(chain_way(r, 4, &p), "f5 h1");
	chain_use(r, ABC "flow g from 5 chain c out\nflow f from 4 chain b out\n");
	assert_string_equal(chain_way(r, 4, &p), "f5 f6 h1");
}

static int hidden(struct chain_rig *r, const char *text)
{
	const struct vnet_chain_rules rules = {r->service, VNET_SERVICES, r->flow, 2};

	chain_text(r, text);
	return vnet_flow_hidden(&rules, 1);
}

static void hidden_flows_are_found(void **state)
{
	struct chain_rig *r = *state;

	assert_int_equal(hidden(r, ABC "flow f out\nflow g src 10.0.0.0/8 proto 6 ports 7 out\n"),
	                 0);
	assert_int_equal(hidden(r, ABC "flow f src 10.0.0.0/7 out\nflow g src 10.0.0.0/8 out\n"),
	                 0);
	assert_int_equal(hidden(r, ABC "flow f src 10.0.0.0/9 out\nflow g src 10.0.0.0/8 out\n"),
	                 -1);
	assert_int_equal(hidden(r, ABC "flow f src 12.0.0.0/7 out\nflow g src 10.0.0.0/8 out\n"),
	                 -1);
	assert_int_equal(hidden(r, ABC "flow f src ::/0 out\nflow g src 10.0.0.0/8 out\n"), -1);
	assert_int_equal(hidden(r, ABC "flow f ports 5-9 out\nflow g ports 7 ports 8-9 out\n"), 0);
	assert_int_equal(hidden(r, ABC "flow f ports 5-9 out\nflow g ports 7 ports 8-10 out\n"),
	                 -1);
	assert_int_equal(hidden(r, ABC "flow f ports 0-65535 out\nflow g out\n"), -1);
	assert_int_equal(hidden(r, ABC "flow f proto 6 out\nflow g proto 17 out\n"), -1);
	assert_int_equal(hidden(r, ABC "flow f proto 6 out\nflow g out\n"), -1);
	assert_int_equal(hidden(r, ABC "flow f from 0 out\nflow g from 1 out\n"), -1);
	assert_int_equal(hidden(r, ABC "flow f from 0 out\nflow g from 0 out\n"), 0);
	assert_int_equal(hidden(r, ABC "flow f out\nflow g from 0 out\n"), 0);
	assert_int_equal(hidden(r, ABC "flow f out\nflow g from 4 out\n"), -1);
	assert_int_equal(hidden(r, ABC "flow f chain a out\nflow g from 4 out\n"), 0);
}

static void too_many_are_refused(void **state)
{
	struct chain_rig *r = *state;

	chain_text(r, ABC "flow f chain a out\n");
	for (unsigned i = 1; i < VNET_FLOWS; i++) {
		r->flow[i] = r->flow[0];
		snprintf(r->flow[i].name, sizeof r->flow[i].name, "f%u", i);
	}
	r->flows = VNET_FLOWS;
	assert_null(chain_try(r));
	r->flows = VNET_FLOWS + 1;
	assert_string_equal(chain_try(r), "3 services or 1025 flows are too many");
	for (unsigned fails = 1; fails < 6; fails++) {
		rig_alloc_fails = 1;
		r->flows = VNET_FLOWS;
		assert_string_equal(chain_try(r), "no memory for 1024 flows");
	}
	rig_alloc_fails = 0;
}

/* With the first table each core gets memory, and what there is stays when some is missing. */
static void memory_may_be_missing(void **state)
{
	struct chain_rig *r = *state;

	chain_text(r, ABC "flow f chain a out\n");
	for (unsigned i = 1; i <= 4; i++) {
		rig_alloc_fails = 1;
		assert_string_equal(chain_try(r), "no memory for 1 flows");
		rig_alloc_fails = 0;
	}
	assert_null(chain_try(r));
}

static void counters_outlive_changes(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 2);
	struct vnet_flow_count count;
	uint64_t hits[VNET_REPLICAS];
	struct vnet_service s;
	struct vnet_flow f;

	chain_use(r, ABC "flow f chain a b out\n");
	assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1");
	chain_use(r, "service b 7 5\nservice a 4\nflow g proto 6 out\nflow f chain a b to 2\n");
	assert_true(vnet_flow_get(r->v, 1, &f, &count));
	assert_string_equal(f.name, "f");
	assert_int_equal(count.frames, 1);
	assert_true(vnet_service_get(r->v, 0, &s, hits));
	assert_string_equal(s.name, "b");
	assert_int_equal(hits[0], 0);
	assert_int_equal(hits[1], 1);
	assert_true(vnet_service_get(r->v, 1, &s, hits));
	assert_int_equal(hits[0], 1);
	assert_false(vnet_flow_get(r->v, 2, &f, &count));
	assert_false(vnet_service_get(r->v, 2, &s, hits));
	chain_use(r, "");
	assert_false(vnet_flow_get(r->v, 0, &f, &count));
	assert_string_equal(chain_way(r, 0, &p), "h1");
	chain_use(r, ABC "flow f chain a b out\n");
	assert_true(vnet_flow_get(r->v, 0, &f, &count));
	assert_int_equal(count.frames, 0);
}

/* A port that is removed is nobody's replica, nor is another one that gets its number. */
static void a_removed_port_is_forgotten(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 2);
	const struct vnet_port_ops *ops = r->dev[4].port->ops;
	struct vnet_flow_count count;
	struct vnet_flow f;

	chain_use(r, ABC "flow f from 0 chain a to 1\nflow g chain b to 2\n");
	assert_string_equal(chain_way(r, 0, &p), "f4 h1");
	assert_true(vnet_port_remove(r->dev[4].port));
	r->dev[4].port = vnet_port_add(r->v, "new4", 0, ops, &r->dev[4], 0);
	assert_int_equal(r->dev[4].port->number, 4);
	r->dev[4].port->up = true;
	assert_string_equal(chain_way(r, 0, &p), "");
	assert_int_equal(chain_drops(r, 0, VNET_DROP_service_down), 1);
	assert_true(vnet_port_remove(r->dev[0].port));
	r->dev[0].port = vnet_port_add(r->v, "new0", 0, ops, &r->dev[0], 0);
	r->dev[0].port->up = true;
	assert_string_equal(chain_way(r, 0, &p), "f5 h2"); /* no longer from 0 */
	assert_true(vnet_flow_get(r->v, 0, &f, &count));
	assert_int_equal(f.from, VNET_PORTS);
}

/* The mode may change under flows, and flows stay. */
static void modes_change_under_flows(void **state)
{
	struct chain_rig *r = *state;
	struct chain_packet p = chain_udp(0, 1, 1, 2), q = chain_udp(0, 1, 1, 3);
	struct vnet_route route = {
	    .src = {VNET_MAC_ANY, 0}, .dst = {VNET_MAC_ANY, 0}, .from = -1, .to = 3};
	char err[100];

	chain_use(r, ABC "flow f ports 2 chain a b out\n");
	assert_true(vnet_routes_set(r->v, &route, 1, err, sizeof err));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(vnet_net_set(r->v, 0, VNET_ROUTE));
		assert_string_equal(chain_way(r, 0, &p), "f4 f5 h3");
		assert_string_equal(chain_way(r, 0, &q), "h3");
		assert_true(vnet_net_set(r->v, 0, VNET_EXACT));
		assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1");
		assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
		assert_string_equal(chain_way(r, 0, &p), "f4 f5 h1");
		assert_string_equal(chain_way(r, 0, &q), "h1");
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, chain_setup, chain_teardown)
	const struct CMUnitTest tests[] = {
	    T(services_are_checked),
	    T(flows_are_checked),
	    T(flows_that_cannot_be_told_apart_are_refused),
	    T(services_may_follow_services),
	    T(hidden_flows_are_found),
	    T(too_many_are_refused),
	    T(memory_may_be_missing),
	    T(counters_outlive_changes),
	    T(a_removed_port_is_forgotten),
	    T(modes_change_under_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
