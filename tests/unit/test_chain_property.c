/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_chain_property.c: random services, flows and frames; where each goes is compared with a
 * plain reading of the rules.  Nothing goes in a circle, whatever table is accepted.
 */
#include "tests/unit/rig/chain_rig.h"
#include "tests/unit/rig/vnet_rig.h"

#define ROUNDS 300
#define FRAMES 100

static uint64_t seed = 4711;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

/* --- random rules ------------------------------------------------------------------------- */

static void random_services(struct chain_rig *r)
{
	unsigned port = CHAIN_HOSTS;

	memset(r->service, 0, sizeof r->service);
	r->services = 1 + pick(5);
	for (unsigned i = 0; i < r->services; i++) {
		struct vnet_service *s = &r->service[i];

		snprintf(s->name, sizeof s->name, "s%u", i);
		s->fail_open = pick(4) == 0;
		s->replicas = (uint16_t)(1 + pick(2));
		for (unsigned k = 0; k < s->replicas; k++)
			s->port[k] = (uint16_t)port++;
	}
}

static struct vnet_prefix random_prefix(unsigned version)
{
	struct vnet_prefix p = {.version = (uint8_t)version};

	if (pick(2))
		return (struct vnet_prefix){0};
	p.address[0] = 10;
	p.bits = (uint8_t)(8 * (1 + pick(version == 4 ? 4 : 5)) - pick(3));
	p.address[3] = (uint8_t)pick(CHAIN_HOSTS);
	return p;
}

static struct vnet_flow random_flow(const struct chain_rig *r, unsigned number)
{
	struct vnet_flow f = {.protocol = -1, .from = -1};
	unsigned version = pick(3) ? 4 : 6, s = pick(8), n = pick(4);

	snprintf(f.name, sizeof f.name, "f%u", number);
	if (pick(2))
		f.protocol = pick(2) ? 6 : 17;
	f.version = pick(4) ? 0 : (uint8_t)version;
	f.src = random_prefix(version);
	f.dst = random_prefix(version);
	if (pick(3) == 0)
		f.range[f.ranges++] = (struct vnet_port_range){(uint16_t)pick(4), 5};
	if (pick(4) == 0)
		f.from = (int)pick(CHAIN_HOSTS + 4);
	for (unsigned i = 0; i < n; i++, s++)
		if (s % 8 < r->services)
			f.service[f.services++] = (uint16_t)(s % 8);
	f.end = (enum vnet_flow_end)pick(f.services ? 2 : 3);
	f.to = (uint16_t)pick(CHAIN_HOSTS);
	return f;
}

/* A random table; a flow that is refused is left out. */
static void random_rules(struct chain_rig *r)
{
	random_services(r);
	r->flows = 0;
	for (unsigned i = 0; i < 12; i++) {
		r->flow[r->flows++] = random_flow(r, i);
		if (chain_try(r))
			r->flows--;
	}
	assert_null(chain_try(r));
}

/* --- the plain reading -------------------------------------------------------------------- */

static bool prefix_has(const struct vnet_prefix *p, const uint8_t *address, unsigned version)
{
	if (!p->version)
		return true;
	if (p->version != version)
		return false;
	for (unsigned bit = 0; bit < p->bits; bit++)
		if ((p->address[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool flow_has(const struct vnet_flow *f, const struct chain_packet *p)
{
	bool ports = f->ranges == 0;

	for (unsigned i = 0; i < f->ranges; i++)
		for (unsigned k = 0; k < 2; k++)
			ports |= p->version && p->port[k] >= f->range[i].first &&
			         p->port[k] <= f->range[i].last;
	return ports && (f->protocol < 0 || (p->version && f->protocol == (int)p->protocol)) &&
	       (!f->version || f->version == p->version) &&
	       prefix_has(&f->src, p->from, p->version) && prefix_has(&f->dst, p->to, p->version);
}

static int service_of(const struct chain_rig *r, unsigned port)
{
	for (unsigned i = 0; i < r->services; i++)
		for (unsigned k = 0; k < r->service[i].replicas; k++)
			if (r->service[i].port[k] == port)
				return (int)i;
	return -1;
}

/* Where in its chain a frame from that port is: -1 if it is not in the flow. */
static int step_in(const struct vnet_flow *f, int from, int service)
{
	if (f->from == from)
		return 0;
	if (service < 0)
		return f->from < 0 ? 0 : -1;
	for (unsigned i = 0; i < f->services; i++)
		if (f->service[i] == service)
			return (int)i + 1;
	return -1;
}

static bool any_up(const struct chain_rig *r, unsigned service)
{
	for (unsigned k = 0; k < r->service[service].replicas; k++)
		if (r->dev[r->service[service].port[k]].port->up)
			return true;
	return false;
}

#define NOWHERE   (-1)
#define BY_MAC    (-2)
#define TO_PORT   1000
#define OF_CHAINS 100 /* and a service's number */

/* What becomes of a frame from this port: OF_CHAINS + service, TO_PORT + port, or one of the above.
 */
static int expected(const struct chain_rig *r, const struct chain_packet *p, unsigned from)
{
	int service = service_of(r, from);

	for (unsigned i = 0; i < r->flows; i++) {
		const struct vnet_flow *f = &r->flow[i];
		int step = flow_has(f, p) ? step_in(f, (int)from, service) : -1;

		if (step < 0)
			continue;
		for (; step < f->services; step++) {
			if (any_up(r, f->service[step]))
				return OF_CHAINS + f->service[step];
			if (!r->service[f->service[step]].fail_open)
				return NOWHERE;
		}
		if (f->end == VNET_FLOW_TO)
			return f->to == from ? NOWHERE : TO_PORT + f->to;
		return f->end == VNET_FLOW_DROP ? NOWHERE : BY_MAC;
	}
	return BY_MAC;
}

/* The port that has the packet's destination MAC. */
static int owner_of(const struct chain_packet *p)
{
	for (unsigned i = 0; i < CHAIN_PORTS; i++)
		if (chain_mac(i) == p->dst)
			return (int)i;
	return -1;
}

static int origin_of(const struct chain_packet *p)
{
	for (unsigned i = 0; i < CHAIN_HOSTS; i++)
		if (chain_mac(i) == p->src)
			return (int)i;
	return -1;
}

/* Follows a frame that was sent from `from`, hop by hop. */
static void follow(struct chain_rig *r, const struct chain_packet *p, unsigned from,
                   uint32_t serial)
{
	for (unsigned i = 0; i <= r->steps[serial]; i++) {
		int want = expected(r, p, from);
		int got = i < r->steps[serial] ? r->way[serial][i] : -1;

		if (want == NOWHERE) {
			assert_int_equal(got, -1);
		} else if (want == BY_MAC) {
			int owner = owner_of(p), origin = origin_of(p);

			if (!r->dev[owner].port->up)
				return; /* flooded: test_chain_hostile.c */
			if (service_of(r, from) >= 0) {
				/* By a flow's end to no function; else with no other's address. */
				assert_true(got == -1 ||
				            (got == owner && service_of(r, (unsigned)got) < 0));
				assert_int_not_equal(got, origin);
			} else {
				assert_int_equal(got, owner == origin ? -1 : owner);
			}
		} else if (want >= TO_PORT) {
			assert_int_equal(got, want - TO_PORT);
		} else {
			assert_int_equal(service_of(r, (unsigned)got), want - OF_CHAINS);
		}
		if (got < CHAIN_HOSTS || service_of(r, (unsigned)got) < 0)
			return;
		from = (unsigned)got;
	}
}

static struct chain_packet random_packet(unsigned from)
{
	struct chain_packet p = chain_udp(from, pick(CHAIN_HOSTS + 4), pick(8), pick(8));

	p.version = pick(8) ? (pick(3) ? 4 : 6) : 0;
	p.protocol = pick(2) ? 6 : 17;
	p.tags = pick(3);
	return p;
}

static void frames_go_where_the_rules_say(void **state)
{
	struct chain_rig *r = *state;

	for (unsigned round = 0; round < ROUNDS; round++) {
		random_rules(r);
		for (unsigned i = CHAIN_HOSTS; i < CHAIN_PORTS; i++)
			r->dev[i].port->up = pick(5) != 0;
		r->pieces = pick(3) ? 0 : 1 + pick(60);
		for (unsigned i = 0; i < FRAMES; i++) {
			unsigned from = pick(CHAIN_HOSTS);
			struct chain_packet p = random_packet(from);
			uint32_t serial;

			r->serial = 0; /* used again for each */
			r->steps[0] = 0;
			serial = chain_send(r, from, &p);
			chain_run(r); /* fails when it does not end */
			follow(r, &p, from, serial);
		}
	}
}

/* A flow of all frames, most often from a service's port. */
static struct vnet_flow wide_flow(const struct chain_rig *r, unsigned number)
{
	struct vnet_flow f = {.protocol = pick(4) ? -1 : 17, .from = -1, .services = 1};

	snprintf(f.name, sizeof f.name, "f%u", number);
	if (pick(4))
		f.from = (int)(CHAIN_HOSTS + pick(6));
	f.service[0] = (uint16_t)pick(r->services);
	if (pick(3) == 0)
		f.service[f.services++] = (uint16_t)pick(r->services);
	f.end = pick(2) ? VNET_FLOW_OUT : VNET_FLOW_TO;
	return f;
}

/* Services hand frames on to services: in no table that is accepted do they come back. */
static void no_table_makes_a_circle(void **state)
{
	struct chain_rig *r = *state;
	unsigned from_services = 0;

	for (unsigned round = 0; round < 4 * ROUNDS; round++) {
		random_services(r);
		r->flows = 0;
		for (unsigned i = 0; i < 20; i++) {
			struct vnet_flow *f = &r->flow[r->flows++];

			*f = wide_flow(r, i);
			if (chain_try(r))
				r->flows--;
			else
				from_services +=
				    f->from >= 0 && service_of(r, (unsigned)f->from) >= 0;
		}
		for (unsigned from = 0; from < CHAIN_HOSTS + 8; from++) {
			struct chain_packet p = chain_udp(from, pick(CHAIN_PORTS), 1, 2);

			r->serial = 0;
			r->steps[0] = 0;
			chain_send(r, from, &p);
			chain_run(r);
		}
	}
	assert_true(from_services > 1000);
}

/* --- order while replicas come and go ------------------------------------------------------- */

#define KINDS 32 /* flows: by source port */

/* Its driver goes, with all that waits in its ring, or comes back. */
static void toggle(struct chain_rig *r, unsigned port)
{
	bool up = atomic_load(&r->dev[port].port->up);

	atomic_store(&r->dev[port].port->up, !up);
	r->dev[port].n = 0;
}

/* The frames of each flow that have arrived did so in their order. */
static void check_order(const struct chain_rig *r, const uint8_t *kind)
{
	uint32_t last[KINDS] = {0};

	for (unsigned i = 0; i < r->narrived; i++) {
		uint32_t serial = r->arrived[i];

		assert_true(serial >= last[kind[serial]]);
		last[kind[serial]] = serial;
	}
}

/* Functions give back what they got at random times, but within a second of the clock. */
static void flows_keep_their_order(void **state)
{
	static uint8_t kind[CHAIN_SERIAL];
	struct chain_rig *r = *state;
	uint64_t second = 0;

	chain_use(r, "service a 4 5 6 7\nservice b 8 9 10\nflow all chain a b to 1\n");
	r->batch = 3;
	while (r->serial < CHAIN_SERIAL) {
		struct chain_packet p;
		unsigned what = pick(64);

		if (what < 30) {
			kind[r->serial] = (uint8_t)pick(KINDS);
			p = chain_udp(0, 1, 1000 + kind[r->serial], 80);
			chain_send(r, 0, &p);
		} else if (what < 60) {
			chain_give_back(r, CHAIN_HOSTS + pick(7));
		} else if (what < 62) {
			toggle(r, CHAIN_HOSTS + pick(7));
		} else {
			chain_run(r);
			vnet_clock_set(r->core, ++second);
		}
		r->dev[1].n = 0;
	}
	chain_run(r);
	assert_true(r->narrived > CHAIN_SERIAL / 8);
	check_order(r, kind);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, chain_setup, chain_teardown)
	const struct CMUnitTest tests[] = {
	    T(frames_go_where_the_rules_say),
	    T(no_table_makes_a_circle),
	    T(flows_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
