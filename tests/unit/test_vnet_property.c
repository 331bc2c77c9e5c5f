/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vnet_property.c: the compiled table compared with a direct reading of the rules: random
 * routes and frames, through the whole walk, cached and not.
 */
#include "tests/unit/rig/vnet_rig.h"

#define ROUNDS 400
#define ROUTES 40
#define FRAMES 300

static uint64_t seed = 42;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static mac_t some_mac(void)
{
	static const mac_t mac[] = {A, B, C, D, 0x520000000000, MAC_BROADCAST};

	return mac[pick(6)];
}

/* The rules, one after the other, as they are written in the design. */
static int naive_priority(const struct vnet_route *r, mac_t src, mac_t dst, unsigned from)
{
	bool src_is = r->src.match == VNET_MAC_IS && r->src.mac == src;
	bool dst_is = r->dst.match == VNET_MAC_IS && r->dst.mac == dst;
	bool src_not = r->src.match == VNET_MAC_NOT && r->src.mac != src;
	bool dst_not = r->dst.match == VNET_MAC_NOT && r->dst.mac != dst;
	bool src_any = r->src.match == VNET_MAC_ANY, dst_any = r->dst.match == VNET_MAC_ANY;

	if (r->from != -1 && r->from != (int)from)
		return 0;
	if (src_is && dst_is)
		return 8;
	if ((src_is && dst_not) || (src_not && dst_is))
		return 7;
	if ((src_is && dst_any) || (src_any && dst_is))
		return 6;
	if ((src_not && dst_any) || (src_any && dst_not))
		return 5;
	if (src_is && r->dst.match == VNET_MAC_NONE)
		return 4;
	return src_any && dst_any ? 3 : 0;
}

static uint64_t hits[ROUTES];

/* Which ports get a frame; adds the hits of the routes that win. */
static unsigned naive_reach(const struct vnet_route *t, unsigned n, mac_t src, mac_t dst,
                            unsigned from, bool *matched)
{
	unsigned net = from >= 6, mask = 0;
	int best = 1;

	for (unsigned i = 0; i < n; i++) {
		int p = t[i].net == net ? naive_priority(&t[i], src, dst, from) : 0;

		if (p < best)
			continue;
		if (p > best)
			mask = 0;
		best = p;
		*matched = true;
		if (t[i].to != from || t[i].reflect)
			mask |= 1u << t[i].to;
	}
	for (unsigned i = 0; i < n; i++)
		hits[i] += t[i].net == net && naive_priority(&t[i], src, dst, from) == best;
	return mask;
}

static struct vnet_route random_route(void)
{
	struct vnet_route r = {.net = (uint16_t)(pick(4) == 0), .reflect = pick(8) == 0};
	const char *why;

	r.to = (uint16_t)(r.net ? 6 + pick(2) : pick(6));
	r.from = pick(4) ? -1 : (int)(r.net ? 6 + pick(2) : pick(6));
	do {
		r.src = (struct vnet_qual){(enum vnet_match)pick(4), some_mac()};
		r.dst = (struct vnet_qual){(enum vnet_match)pick(4), some_mac()};
	} while (!vnet_route_priority(&r, &why));
	return r;
}

/* Random routes, without those that the table refuses as equal to an earlier one. */
static unsigned random_routes(struct rig *r, struct vnet_route *t)
{
	unsigned want = 1 + pick(ROUTES), n = 0;
	char err[128];

	for (unsigned i = 0; i < want; i++) {
		t[n] = random_route();
		if (vnet_routes_set(r->v, t, n + 1, err, sizeof err))
			n++;
		else
			assert_non_null(strstr(err, "the same as"));
	}
	assert_int_equal(rig_count_routes(r->v), n);
	return n;
}

static void expect_drops(struct rig *r, unsigned from, unsigned mask, bool matched,
                         const struct vnet_port_stats *before)
{
	uint64_t none = rig_drops(r, from, VNET_DROP_no_route) - before->drop[VNET_DROP_no_route];
	uint64_t same = rig_drops(r, from, VNET_DROP_same_port) - before->drop[VNET_DROP_same_port];

	assert_int_equal(none, !matched);
	assert_int_equal(same, matched && !mask);
}

static void expect_hits(struct rig *r, unsigned n)
{
	struct vnet_route route;
	uint64_t got;

	for (unsigned i = 0; i < n; i++) {
		assert_true(vnet_route_get(r->v, i, &route, &got));
		assert_int_equal(got, hits[i]);
	}
}

static void the_table_is_the_rules(void **state)
{
	struct rig *r = *state;
	struct vnet_route t[ROUTES];

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n;

		rig_routes(r, NULL,
		           0); /* or an equal route of the last round would keep its hits */
		memset(hits, 0, sizeof hits);
		n = random_routes(r, t);
		for (unsigned i = 0; i < FRAMES; i++) {
			mac_t dst = some_mac(), src = some_mac() & ~MAC_MULTICAST;
			unsigned from = pick(RIG_PORTS), mask;
			bool matched = false;
			struct vnet_port_stats before;

			vnet_port_stats(r->dev[from].port, &before);
			mask = naive_reach(t, n, src, dst, from, &matched);
			assert_int_equal(rig_reach_from(r, from, dst, src), mask);
			expect_drops(r, from, mask, matched, &before);
		}
		expect_hits(r, n);
	}
}

static void ten_thousand_exact_routes(void **state)
{
	struct rig *r = *state;
	struct vnet_route *t = calloc(VNET_ROUTES + 1, sizeof *t);
	char err[64];

	for (unsigned i = 0; i < VNET_ROUTES + 1; i++) {
		mac_t mac = 0x52 | (mac_t)(i + 1) << 16;

		t[i] = i % 3 ? rig_route(ANY, IS(mac), 1 + i % 5)
		             : rig_route(IS(A), IS(mac), 1 + i % 5);
	}
	assert_false(vnet_routes_set(r->v, t, VNET_ROUTES + 1, err, sizeof err));
	assert_string_equal(err, "16385 routes are more than 16384");
	rig_routes(r, t, VNET_ROUTES);
	for (unsigned i = 0; i < VNET_ROUTES; i++)
		assert_int_equal(rig_reach(r, 0x52 | (mac_t)(i + 1) << 16, A), 1u << (1 + i % 5));
	assert_int_equal(rig_reach(r, 0x52 | (mac_t)1 << 16, B), 0);
	free(t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_table_is_the_rules),
	    T(ten_thousand_exact_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
