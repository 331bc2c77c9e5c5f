/* SPDX-License-Identifier: BSD-2-Clause */
/* test_config_chain.c: services and flows that come and go in any order, and long texts of them. */
#include "tests/unit/rig/config_text.h"
#include "vnet/chain/chain.h"

static unsigned comparisons; /* of a flow with all others */

static bool compare(const struct vnet_chain_rules *r, unsigned i, char *why, size_t size)
{
	comparisons++;
	return vnet_chains_wrong(r, i, why, size);
}

#define vnet_chains_wrong compare
#include "vmm/config/chain.c"
#undef vnet_chains_wrong

#define PORTS 6

static void add_ports(struct text *t, unsigned n)
{
	char line[64];

	text_add(t, "guest g kernel k\n");
	for (unsigned i = 0; i < n; i++) {
		snprintf(line, sizeof line, "port p%u guest g\n", i);
		text_add(t, line);
	}
}

static unsigned any(unsigned n)
{
	return (unsigned)rand() % n;
}

/* A statement that may be right or wrong. */
static void random_statement(char *line, size_t size)
{
	static const char *const from[] = {"", "from p0", "from p1", "from p2", "from p3"};
	static const char *const src[] = {"", "src 10.0.0.1/32", "src 10.0.0.0/8"};
	static const char *const chain[] = {"", "chain s0", "chain s1", "chain s0 s1", "chain s2"};
	static const char *const to[] = {"out", "to p1", "to p3", "to p4", "to p5"};

	switch (any(5)) {
	case 0:
		snprintf(line, size, "service s%u ports p%u", any(3), any(PORTS));
		break;
	case 1:
		snprintf(line, size, "remove service s%u", any(3));
		break;
	case 2:
		snprintf(line, size, "remove flow f%u", any(4));
		break;
	default:
		snprintf(line, size, "flow f%u %s %s %s %s", any(4), src[any(3)], from[any(5)],
		         chain[any(5)], to[any(5)]);
	}
}

static void assert_all_right(const struct node_config *n, const char *line)
{
	const struct vnet_chain_rules rules = {n->service, n->services, n->flow, n->flows};
	char why[200];

	for (unsigned i = 0; i < n->flows; i++)
		if (vnet_chains_wrong(&rules, i, why, sizeof why))
			fail_msg("after \"%s\": flow %s: %s", line, n->flow[i].name, why);
}

/* Whatever was accepted, one after the other, no flow is wrong. */
static void test_any_order(void **state)
{
	struct config *c = new_config();
	struct config_report report;
	struct text t = {0};
	unsigned taken = 0;
	char line[128];

	(void)state;
	srand(1);
	add_ports(&t, PORTS);
	accept_text(c, t.at);
	free(t.at);
	for (unsigned i = 0; i < 20000; i++) {
		random_statement(line, sizeof line);
		if (config_read(c, line, strlen(line), &report) != CONFIG_CHANGED)
			continue;
		config_commit(c);
		assert_all_right(config_live(c), line);
		taken++;
	}
	assert_true(taken > 2000);
	free(c);
}

#define LONG_PORTS (VNET_SERVICES + 100u)

static void add_flows(struct text *t)
{
	char line[128];

	for (unsigned i = 0; i < VNET_FLOWS; i++) {
		snprintf(line, sizeof line,
		         "flow f%u from p%u src 10.%u.%u.0/24 chain s0 s1 s2 s3 s4 s5 s6 s7 out\n",
		         i, VNET_SERVICES + i % 100u, i / 256, i % 256);
		text_add(t, line);
	}
}

static void add_services(struct text *t, unsigned first, unsigned end)
{
	char line[64];

	for (unsigned i = first; i < end; i++) {
		snprintf(line, sizeof line, "service s%u ports p%u\n", i, i);
		text_add(t, line);
	}
}

/* How often a flow is compared with all others while all flows are read with the first services
 * before them and the other ones behind. */
static unsigned comparisons_of(unsigned services_before)
{
	struct config *c = new_config();
	struct config_report report;
	struct text t = {0};

	add_ports(&t, LONG_PORTS);
	add_services(&t, 0, services_before);
	add_flows(&t);
	add_services(&t, services_before, VNET_SERVICES);
	comparisons = 0;
	assert_int_equal(config_read(c, t.at, t.len, &report), CONFIG_CHANGED);
	free(t.at);
	free(c);
	return comparisons;
}

/* A flow is compared with the others when it is added, and not again for services that it does not
 * name the ports of: with 1024 flows each of those would cost a million comparisons. */
static void test_services_behind_flows(void **state)
{
	(void)state;
	assert_int_equal(comparisons_of(VNET_SERVICES), VNET_FLOWS);
	assert_int_equal(comparisons_of(VNET_CHAIN), VNET_FLOWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_order),
	    cmocka_unit_test(test_services_behind_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
