/* SPDX-License-Identifier: BSD-2-Clause */
/* rule.c: what a flow takes, and which flows contradict each other. */
#include <stdio.h>
#include <string.h>
#include "vnet/chain/table.h"

/* The first `bits` of a word, all if there are more, none if fewer than 1. */
static uint64_t upper_bits(int bits)
{
	return bits <= 0 ? 0 : bits >= 64 ? ~0ull : ~0ull << (64 - bits);
}

/* One address and its mask as two words each, as in struct flow_key. */
static void compile_prefix(uint64_t address[2], uint64_t mask[2], const struct vnet_prefix *p)
{
	unsigned bytes = p->version == 4 ? 4 : 16;

	address[0] = address[1] = 0;
	for (unsigned i = 0; p->version && i < bytes; i++)
		address[i / 8] |= (uint64_t)p->address[i] << (56 - 8 * (i % 8));
	mask[0] = p->version ? upper_bits(p->bits) : 0;
	mask[1] = p->version == 6 ? upper_bits((int)p->bits - 64) : 0;
	address[0] &= mask[0];
	address[1] &= mask[1];
}

static uint64_t service_bits(const struct vnet_flow *flow)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < flow->services; i++)
		bits |= 1ull << flow->service[i];
	return bits;
}

/* The version that a flow needs, or 0. */
static uint8_t version_of(const struct vnet_flow *f)
{
	return f->version ? f->version : f->src.version ? f->src.version : f->dst.version;
}

void rule_compile(struct flow_rule *rule, const struct vnet_flow *flow)
{
	memset(rule, 0, sizeof *rule);
	compile_prefix(rule->address, rule->mask, &flow->src);
	compile_prefix(rule->address + 2, rule->mask + 2, &flow->dst);
	rule->services = service_bits(flow);
	atomic_init(&rule->from, flow->from);
	rule->protocol = flow->protocol;
	rule->version = version_of(flow);
	rule->ranges = (uint8_t)flow->ranges;
	memcpy(rule->range, flow->range, sizeof rule->range);
}

static bool in_ranges(const struct flow_rule *r, unsigned port)
{
	for (unsigned i = 0; i < r->ranges; i++)
		if (port >= r->range[i].first && port <= r->range[i].last)
			return true;
	return false;
}

bool rule_matches(const struct flow_rule *r, const struct flow_key *k)
{
	for (unsigned i = 0; i < 4; i++)
		if ((k->address[i] & r->mask[i]) != r->address[i])
			return false;
	if (r->version && r->version != k->version)
		return false;
	if (r->protocol >= 0 && (!k->version || r->protocol != k->protocol))
		return false;
	if (!r->ranges)
		return true;
	return k->has_ports && (in_ranges(r, k->port[0]) || in_ranges(r, k->port[1]));
}

/* Whether there may be a frame that both flows match, wherever it comes from.  Ranges never keep
 * two flows apart: a frame has two ports. */
static bool rules_overlap(const struct flow_rule *a, const struct flow_rule *b)
{
	if (a->version && b->version && a->version != b->version)
		return false;
	if (a->protocol >= 0 && b->protocol >= 0 && a->protocol != b->protocol)
		return false;
	for (unsigned i = 0; i < 4; i++)
		if ((a->address[i] ^ b->address[i]) & a->mask[i] & b->mask[i])
			return false;
	return true;
}

/* Protocols whose header begins with source and destination port (IANA's registry of protocols). */
#define IP_DCCP    33
#define IP_SCTP    132
#define IP_UDPLITE 136

bool vnet_protocol_has_ports(unsigned protocol)
{
	return protocol == IP_TCP || protocol == IP_UDP || protocol == IP_SCTP ||
	       protocol == IP_DCCP || protocol == IP_UDPLITE;
}

/* --- contradictions ----------------------------------------------------------------------- */

/* The service whose port has this number; -1: none. */
static int service_with(const struct vnet_chain_rules *r, int port)
{
	for (unsigned s = 0; s < r->services; s++)
		for (unsigned i = 0; r->service[s].name[0] && i < r->service[s].replicas; i++)
			if (r->service[s].port[i] == port)
				return (int)s;
	return -1;
}

static bool prefix_wrong(const struct vnet_prefix *p)
{
	return (p->version != 0 && p->version != 4 && p->version != 6) ||
	       p->bits > (p->version == 4   ? 32
	                  : p->version == 6 ? 128
	                                    : 0);
}

/* What it says of addresses, protocol and ports; NULL: nothing is wrong. */
static const char *match_wrong(const struct vnet_flow *f)
{
	uint8_t version = version_of(f);

	if (f->net >= VNET_NETS)
		return "there is no such network";
	if (prefix_wrong(&f->src) || prefix_wrong(&f->dst))
		return "a prefix that is none";
	if ((f->src.version && f->src.version != version) ||
	    (f->dst.version && f->dst.version != version))
		return "it needs IPv4 and IPv6 at once, so no frame matches";
	if ((version != 0 && version != 4 && version != 6) || f->protocol > 255)
		return "there is no such protocol";
	if (f->ranges > VNET_FLOW_RANGES)
		return "it has too many ranges of ports";
	if (f->ranges && f->protocol >= 0 && !vnet_protocol_has_ports((unsigned)f->protocol))
		return "its protocol has no ports, so no frame matches";
	for (unsigned i = 0; i < f->ranges; i++)
		if (f->range[i].first > f->range[i].last)
			return "a range of ports ends before it begins";
	return NULL;
}

/* Whether its chain is none; `why` as in vnet_chains_wrong(). */
static bool chain_wrong(const struct vnet_chain_rules *r, const struct vnet_flow *f, char *why,
                        size_t size)
{
	uint64_t seen = 0;

	if (f->services > VNET_CHAIN) {
		snprintf(why, size, "its chain has more than %d services", VNET_CHAIN);
		return true;
	}
	for (unsigned i = 0; i < f->services; i++) {
		unsigned s = f->service[i];

		if (s >= r->services || !r->service[s].name[0]) {
			snprintf(why, size, "there is no such service");
			return true;
		}
		if (r->service[s].net != f->net) {
			snprintf(why, size, "service %s is in another network", r->service[s].name);
			return true;
		}
		if (seen >> s & 1) {
			snprintf(why, size,
			         "service %s is twice in its chain: a frame that comes back from "
			         "there would not say whether for the first time",
			         r->service[s].name);
			return true;
		}
		seen |= 1ull << s;
	}
	return false;
}

/* Whether it ends where it cannot. */
static bool end_wrong(const struct vnet_chain_rules *r, const struct vnet_flow *f, char *why,
                      size_t size)
{
	int service = f->end == VNET_FLOW_TO ? service_with(r, f->to) : -1;

	if ((unsigned)f->end > VNET_FLOW_DROP || (f->end == VNET_FLOW_DROP && f->services)) {
		snprintf(why, size, "it has no end, or drops what its chain is to get");
		return true;
	}
	if (service >= 0) {
		snprintf(why, size, "it ends at a port of service %s; name that in its chain",
		         r->service[service].name);
		return true;
	}
	if (f->end == VNET_FLOW_TO && !f->services && f->from == f->to) {
		snprintf(why, size, "it leads back to the port where its frames come from");
		return true;
	}
	return false;
}

/* Whether it comes from a service of its chain. */
static bool from_itself(const struct vnet_chain_rules *r, const struct vnet_flow *f, char *why,
                        size_t size)
{
	int s = f->from < 0 ? -1 : service_with(r, f->from);

	if (s < 0 || !(service_bits(f) >> s & 1))
		return false;
	snprintf(why, size, "it comes from a port of service %s, which is in its chain",
	         r->service[s].name);
	return true;
}

/* Whether all frames that enter flow `b`, if they match `a`, which is before it, enter that. */
static bool covers(const struct vnet_chain_rules *r, const struct vnet_flow *a,
                   const struct vnet_flow *b)
{
	int s;

	if (a->from == b->from)
		return true;
	s = b->from < 0 ? -1 : service_with(r, b->from);
	if (s >= 0)
		return service_bits(a) >> s & 1;
	return a->from < 0;
}

/* Whether behind a service that both have, a frame of `b` would be taken for one of `a`. */
static bool confused(const struct vnet_chain_rules *r, const struct vnet_flow *a,
                     const struct vnet_flow *b)
{
	struct flow_rule one, other;

	if (a->net != b->net || a->from == b->from || !(service_bits(a) & service_bits(b)))
		return false;
	rule_compile(&one, a);
	rule_compile(&other, b);
	return rules_overlap(&one, &other) && !covers(r, a, b);
}

static bool confused_any(const struct vnet_chain_rules *r, unsigned i, char *why, size_t size)
{
	const struct vnet_flow *f = &r->flow[i];

	for (unsigned k = 0; k < r->flows; k++) {
		const struct vnet_flow *g = &r->flow[k];
		unsigned both;

		if (k == i || !(k < i ? confused(r, g, f) : confused(r, f, g)))
			continue;
		both = (unsigned)__builtin_ctzll(service_bits(f) & service_bits(g));
		snprintf(why, size,
		         "behind service %s its frames cannot be told from those of flow %s, which "
		         "come from elsewhere: let addresses or protocols differ",
		         r->service[both].name, g->name);
		return true;
	}
	return false;
}

bool vnet_chains_wrong(const struct vnet_chain_rules *r, unsigned i, char *why, size_t size)
{
	const struct vnet_flow *f = &r->flow[i];
	const char *wrong = match_wrong(f);

	if (wrong) {
		snprintf(why, size, "%s", wrong);
		return true;
	}
	return chain_wrong(r, f, why, size) || end_wrong(r, f, why, size) ||
	       from_itself(r, f, why, size) || confused_any(r, i, why, size);
}

/* --- flows that never get a frame --------------------------------------------------------- */

static bool prefix_has(const struct vnet_prefix *a, const struct vnet_prefix *b)
{
	unsigned bytes = a->bits / 8, rest = a->bits % 8;

	if (!a->version)
		return true;
	return a->version == b->version && a->bits <= b->bits &&
	       !memcmp(a->address, b->address, bytes) &&
	       (!rest || !((a->address[bytes] ^ b->address[bytes]) >> (8 - rest)));
}

/* Whether each of b's ranges is in one of a's. */
static bool ranges_have(const struct vnet_flow *a, const struct vnet_flow *b)
{
	for (unsigned i = 0; a->ranges && i < b->ranges; i++) {
		bool in = false;

		for (unsigned k = 0; k < a->ranges; k++)
			in |= a->range[k].first <= b->range[i].first &&
			      a->range[k].last >= b->range[i].last;
		if (!in)
			return false;
	}
	return !a->ranges || b->ranges;
}

/* Whether all frames that match `b` match `a`. */
static bool flow_has(const struct vnet_flow *a, const struct vnet_flow *b)
{
	return a->net == b->net && (a->protocol < 0 || a->protocol == b->protocol) &&
	       (!a->version || a->version == version_of(b)) && prefix_has(&a->src, &b->src) &&
	       prefix_has(&a->dst, &b->dst) && ranges_have(a, b);
}

int vnet_flow_hidden(const struct vnet_chain_rules *r, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (flow_has(&r->flow[k], &r->flow[i]) && covers(r, &r->flow[k], &r->flow[i]))
			return (int)k;
	return -1;
}
