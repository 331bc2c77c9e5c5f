/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c: making, using and reading tables of flows. */
#include "vnet/chain/table.h"
#include <stdio.h>
#include <string.h>
#include "vnet/lookup/trial.h"

/* --- what is wrong with them -------------------------------------------------------------- */

/* The name of a port for messages. */
static const char *port_name(struct vnet *v, unsigned number)
{
	struct vnet_port *port = number < VNET_PORTS ? port_at(v, number) : NULL;

	return port ? port->name : "?";
}

/* Why a port cannot be one of this network; NULL: it can. */
static const char *port_wrong(struct vnet *v, unsigned net, unsigned number)
{
	struct vnet_port *port = number < VNET_PORTS ? port_at(v, number) : NULL;

	if (!port)
		return "is not there";
	return port->net == net ? NULL : "is in another network";
}

static const char *replica_wrong(struct vnet *v, const struct vnet_service *s, unsigned number,
                                 const struct vnet_chains *t)
{
	const char *why = port_wrong(v, s->net, number);

	if (why)
		return why;
	if (port_at(v, number)->flags & VNET_OUTSIDE)
		return "leads out of the node";
	return chain_service(t, number) == NO_SERVICE ? NULL : "is in a service already";
}

static bool name_wrong(const char name[VNET_NAME])
{
	size_t len = strnlen(name, VNET_NAME);

	return len == 0 || len == VNET_NAME;
}

static bool net_there(const struct vnet *v, unsigned net)
{
	return net < VNET_NETS && v->net[net];
}

/* Enters a service; false, and err says why not. */
static bool add_service(struct vnet *v, struct vnet_chains *t, unsigned i, char *err, size_t size)
{
	const struct vnet_service *s = &t->service[i];

	if (name_wrong(s->name) || !net_there(v, s->net) || !s->replicas ||
	    s->replicas > VNET_REPLICAS) {
		snprintf(err, size, "service %u: no name, network or replica, or too many", i);
		return false;
	}
	for (unsigned k = 0; k < s->replicas; k++) {
		unsigned number = s->port[k];
		const char *why = replica_wrong(v, s, number, t);

		if (why) {
			snprintf(err, size, "service %s: port %s %s", s->name, port_name(v, number),
			         why);
			return false;
		}
		atomic_init(&t->service_of[number], (uint8_t)i);
		atomic_init(&t->replica[i][k], s->port[k]);
		t->weigh[i][k] = mix_keyed(&t->mix, number);
	}
	t->net[s->net].there = true;
	return true;
}

static bool add_services(struct vnet *v, struct vnet_chains *t, char *err, size_t size)
{
	for (unsigned i = 0; i < t->services; i++)
		if (t->service[i].name[0] && !add_service(v, t, i, err, size))
			return false;
	return true;
}

/* Whether the ports that a flow names are not there. */
static bool places_wrong(struct vnet *v, const struct vnet_flow *f, char *err, size_t size)
{
	const char *why = f->from >= 0 ? port_wrong(v, f->net, (unsigned)f->from) : NULL;
	unsigned number = (unsigned)f->from;

	if (!why && f->end == VNET_FLOW_TO) {
		number = f->to;
		why = port_wrong(v, f->net, number);
	}
	if (why)
		snprintf(err, size, "flow %s: port %s %s", f->name, port_name(v, number), why);
	return why;
}

static bool flow_wrong(struct vnet *v, const struct vnet_chain_rules *r, unsigned i, char *err,
                       size_t size)
{
	const struct vnet_flow *f = &r->flow[i];
	char why[160];

	if (name_wrong(f->name) || !net_there(v, f->net)) {
		snprintf(err, size, "flow %u: no name, or no such network", i);
		return true;
	}
	if (places_wrong(v, f, err, size))
		return true;
	if (!vnet_chains_wrong(r, i, why, sizeof why))
		return false;
	snprintf(err, size, "flow %s: %s", f->name, why);
	return true;
}

/* --- making ------------------------------------------------------------------------------- */

/* The offset of the next `bytes` of the one allocation, in whole cache lines. */
static size_t reserve(size_t *at, size_t bytes)
{
	size_t here = *at;

	*at += (bytes + 63) & ~(size_t)63;
	return here;
}

/* How many services have shares. */
static unsigned shared(const struct vnet_service *service, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		found += service[i].replicas > 1;
	return found;
}

static struct vnet_chains *chains_alloc(struct vnet *v, const struct vnet_chain_rules *r)
{
	size_t at = 0, rows = v->cores + 2ul, services = r->services, flows = r->flows;
	size_t rule, flow, given, to, count, hits, share;
	struct vnet_chains *t;
	uint8_t *base;

	reserve(&at, sizeof *t);
	rule = reserve(&at, flows * sizeof *t->rule);
	flow = reserve(&at, flows * sizeof *t->flow);
	given = reserve(&at, flows * sizeof *t->given);
	to = reserve(&at, flows * sizeof *t->to);
	count = reserve(&at, rows * flows * sizeof *t->count);
	hits = reserve(&at, rows * services * VNET_REPLICAS * sizeof *t->hits);
	share = reserve(&at, shared(r->service, r->services) * CHAIN_SHARES * sizeof(uint32_t));
	base = v->mem.alloc(at);
	if (!base)
		return NULL;
	t = (struct vnet_chains *)base;
	t->size = at;
	t->vnet = v;
	t->cores = v->cores;
	t->flows = r->flows;
	t->services = r->services;
	t->rule = (struct flow_rule *)(base + rule);
	t->flow = (struct vnet_flow *)(base + flow);
	t->given = (uint16_t *)(base + given);
	t->to = (_Atomic uint16_t *)(base + to);
	t->count = (struct vnet_flow_count *)(base + count);
	t->hits = (uint64_t *)(base + hits);
	for (unsigned i = 0; i < r->services; i++) {
		if (r->service[i].replicas < 2)
			continue;
		t->share[i] = (_Atomic uint32_t *)(base + share);
		share += CHAIN_SHARES * sizeof(uint32_t);
	}
	return t;
}

/* Enters the flows, each network's together, in the order given. */
static void add_flows(struct vnet_chains *t, const struct vnet_chain_rules *r)
{
	unsigned n = 0;

	for (unsigned net = 0; net < VNET_NETS; net++) {
		struct chain_policy *p = &t->net[net];

		p->first = n;
		for (unsigned i = 0; i < r->flows; i++) {
			if (r->flow[i].net != net)
				continue;
			t->given[i] = (uint16_t)n;
			t->flow[n] = r->flow[i];
			atomic_init(&t->to[n], r->flow[i].to);
			rule_compile(&t->rule[n++], &r->flow[i]);
		}
		p->end = n;
		p->there |= n > p->first;
	}
}

static bool core_ready(struct vnet *v, struct vnet_core *c)
{
	struct chain_core *chain;

	if (atomic_load(&c->chain))
		return true;
	chain = v->mem.alloc(sizeof *chain);
	c->chain_bytes = sizeof *chain;
	atomic_store(&c->chain, chain);
	return chain;
}

/* What each core needs stays for the next table. */
static bool cores_ready(struct vnet *v)
{
	for (unsigned i = 0; i < v->cores; i++)
		if (!core_ready(v, v->core[i]))
			return false;
	return core_ready(v, &v->trials->core);
}

static bool fill(struct vnet *v, struct vnet_chains *t, const struct vnet_chain_rules *r, char *err,
                 size_t size)
{
	t->mix = mix_key_make(v->secret, VNET_NETS); /* those below are the networks' own */
	for (unsigned i = 0; i < VNET_PORTS; i++)
		atomic_init(&t->service_of[i], NO_SERVICE);
	memcpy(t->service, r->service, r->services * sizeof *r->service);
	for (unsigned i = 0; i < VNET_NETS; i++)
		t->net[i] = (struct chain_policy){.policy = {&policy_flows}, .table = t};
	if (!add_services(v, t, err, size))
		return false;
	for (unsigned i = 0; i < r->flows; i++)
		if (flow_wrong(v, r, i, err, size))
			return false;
	add_flows(t, r);
	return true;
}

static struct vnet_chains *chains_make(struct vnet *v, const struct vnet_chain_rules *r, char *err,
                                       size_t size)
{
	struct vnet_chains *t;

	if (r->services > VNET_SERVICES || r->flows > VNET_FLOWS) {
		snprintf(err, size, "%u services or %u flows are too many", r->services, r->flows);
		return NULL;
	}
	if ((r->services || r->flows) && !cores_ready(v))
		t = NULL;
	else
		t = chains_alloc(v, r);
	if (!t) {
		snprintf(err, size, "no memory for %u flows", r->flows);
		return NULL;
	}
	if (fill(v, t, r, err, size))
		return t;
	v->mem.free(t, t->size);
	return NULL;
}

struct vnet_chains *vnet_chains_make(struct vnet *v, const struct vnet_chain_rules *r, char *err,
                                     size_t size)
{
	struct vnet_chains *t;

	control_lock(v);
	t = chains_make(v, r, err, size);
	control_unlock(v);
	return t;
}

void vnet_chains_free(struct vnet *v, struct vnet_chains *c)
{
	v->mem.free(c, c->size);
}

/* --- using -------------------------------------------------------------------------------- */

/* The table in use; NULL: no network has flows. */
static struct vnet_chains *present(struct vnet *v)
{
	for (unsigned i = 0; i < VNET_NETS; i++) {
		struct policy *p = atomic_load(&v->policy[i]);

		if (p->ops == &policy_flows)
			return ((struct chain_policy *)p)->table;
	}
	return NULL;
}

static uint64_t hits_sum(const struct vnet_chains *t, unsigned service, unsigned replica)
{
	uint64_t sum = 0;

	for (unsigned core = 0; core <= t->cores; core++)
		sum += count_read(&chain_hits(t, core, service)[replica]);
	return sum;
}

static struct vnet_flow_count count_sum(const struct vnet_chains *t, unsigned flow)
{
	struct vnet_flow_count sum = {0};

	for (unsigned core = 0; core <= t->cores; core++) {
		sum.frames += count_read(&chain_count(t, core, flow)->frames);
		sum.bytes += count_read(&chain_count(t, core, flow)->bytes);
	}
	return sum;
}

/* The flow of the old table that has this one's name and network; -1: none.  Most have kept their
 * number. */
static int same_flow(const struct vnet_chains *old, const struct vnet_flow *f, unsigned number)
{
	const struct chain_policy *p = &old->net[f->net];

	if (number >= p->first && number < p->end && !strcmp(old->flow[number].name, f->name))
		return (int)number;
	for (unsigned i = p->first; i < p->end; i++)
		if (!strcmp(old->flow[i].name, f->name))
			return (int)i;
	return -1;
}

static int same_service(const struct vnet_chains *old, const struct vnet_service *s)
{
	for (unsigned i = 0; i < old->services; i++)
		if (old->service[i].net == s->net && !strcmp(old->service[i].name, s->name))
			return (int)i;
	return -1;
}

/* A replica takes over the hits of the same port. */
static void keep_hits(const struct vnet_chains *t, const struct vnet_chains *old, unsigned service)
{
	int before = t->service[service].name[0] ? same_service(old, &t->service[service]) : -1;
	const struct vnet_service *s = &t->service[service];

	for (unsigned i = 0; before >= 0 && i < s->replicas; i++)
		for (unsigned k = 0; k < old->service[before].replicas; k++)
			if (atomic_load(&old->replica[before][k]) == s->port[i])
				chain_hits(t, t->cores, service)[i] =
				    hits_sum(old, (unsigned)before, k);
}

/* Shares stay with the same port. */
static void keep_shares(const struct vnet_chains *t, const struct vnet_chains *old,
                        unsigned service)
{
	const struct vnet_service *s = &t->service[service];
	int before = t->share[service] ? same_service(old, s) : -1;
	uint8_t now[VNET_REPLICAS + 1] = {0}; /* by what stood in the share */

	if (before < 0 || !old->share[before])
		return;
	for (unsigned i = 0; i < s->replicas; i++)
		for (unsigned k = 0; k < old->service[before].replicas; k++)
			if (atomic_load(&old->replica[before][k]) == s->port[i])
				now[k + 1] = (uint8_t)(i + 1);
	for (unsigned i = 0; i < CHAIN_SHARES; i++) {
		uint32_t was = atomic_load(&old->share[before][i]);

		atomic_init(&t->share[service][i], (was & ~0xffu) | now[was & 0xff]);
	}
}

static void keep_counts(const struct vnet_chains *t, const struct vnet_chains *old)
{
	for (unsigned i = 0; i < t->flows; i++) {
		int before = same_flow(old, &t->flow[i], i);

		if (before >= 0)
			*chain_count(t, t->cores, i) = count_sum(old, (unsigned)before);
	}
	for (unsigned i = 0; i < t->services; i++)
		keep_hits(t, old, i);
}

void vnet_chains_use(struct vnet *v, struct vnet_chains *c)
{
	struct vnet_chains *old;

	control_lock(v);
	old = present(v);
	c->generation = ++v->chains;
	for (unsigned i = 0; old && i < c->services; i++)
		keep_shares(c, old, i);
	for (unsigned i = 0; i < VNET_NETS; i++) {
		struct policy *base = atomic_load(&v->base[i]);

		c->users += c->net[i].there;
		atomic_store(&v->policy[i], c->net[i].there ? &c->net[i].policy : base);
	}
	vnet_sync(v);
	if (old) {
		keep_counts(c, old);
		v->mem.free(old, old->size);
	}
	if (!c->users)
		v->mem.free(c, c->size);
	control_unlock(v);
}

/* --- reading ------------------------------------------------------------------------------ */

bool vnet_flow_get(struct vnet *v, unsigned i, struct vnet_flow *flow,
                   struct vnet_flow_count *count)
{
	struct vnet_chains *t;
	bool there;

	control_lock(v);
	t = present(v);
	there = t && i < t->flows;
	if (there) {
		unsigned n = t->given[i];

		*flow = t->flow[n];
		flow->from = atomic_load(&t->rule[n].from);
		flow->to = atomic_load(&t->to[n]);
		*count = count_sum(t, n);
	}
	control_unlock(v);
	return there;
}

bool vnet_service_get(struct vnet *v, unsigned i, struct vnet_service *service,
                      uint64_t hits[VNET_REPLICAS])
{
	struct vnet_chains *t;
	bool there;

	control_lock(v);
	t = present(v);
	there = t && i < t->services;
	if (there) {
		*service = t->service[i];
		for (unsigned k = 0; k < service->replicas; k++) {
			service->port[k] = atomic_load(&t->replica[i][k]);
			hits[k] = hits_sum(t, i, k);
		}
	}
	control_unlock(v);
	return there;
}
