/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.c: looking frames up in flows, in front of a network's own look-up. */
#include <string.h>
#include "vnet/chain/table.h"
#include "vnet/frame/view.h"
#include "vnet/lookup/trial.h"

/* --- finding the flow --------------------------------------------------------------------- */

/* Whether frames from this port, which is of that service, may be in the flow. */
static inline bool may_be_in(const struct flow_rule *r, unsigned from, unsigned service)
{
	int32_t wanted = atomic_load_explicit(&r->from, memory_order_relaxed);

	if (wanted == (int32_t)from)
		return true;
	return service == NO_SERVICE ? wanted < 0 : r->services >> service & 1;
}

/* How many services of the flow a frame from that service has behind it. */
static unsigned step_of(const struct vnet_flow *f, unsigned service)
{
	for (unsigned i = 0; i < f->services; i++)
		if (f->service[i] == service)
			return i + 1;
	return 0;
}

/*
 * The flow that a frame with this key from this port is in: the first that matches, see chain.h.
 * At most as many steps as the network has flows.
 */
static struct flow_place chain_find(const struct chain_policy *p, const struct flow_key *k,
                                    unsigned from)
{
	const struct vnet_chains *t = p->table;
	unsigned service = chain_service(t, from);

	for (unsigned i = p->first; i < p->end; i++) {
		const struct vnet_flow *f = &t->flow[i];
		unsigned step;

		if (!may_be_in(&t->rule[i], from, service) || !rule_matches(&t->rule[i], k))
			continue;
		step = step_of(f, service);
		return (struct flow_place){(uint16_t)i, (uint8_t)step,
		                           step < f->services ? (uint8_t)f->service[step]
		                                              : NO_SERVICE};
	}
	return (struct flow_place){NO_FLOW, 0, NO_SERVICE};
}

/*
 * Whether a new entry takes the place of its port's last one, not of the other in its set, which
 * another port has: who makes up flows all the time would else empty the cache for all whose frames
 * this core moves.  Now and then, by bits of a keyed hash, the other goes all the same: it may be
 * of no use any more.
 */
static bool replaces_own(const struct flow_cached *set, unsigned from, uint64_t generation,
                         uint64_t hash)
{
	return set[0].from == from && set[1].from != from && set[1].generation == generation &&
	       hash % CHAIN_SPARED;
}

static __attribute__((noinline)) struct flow_place
find_missed(struct flow_cached *set, const struct chain_policy *p, const struct flow_key *k,
            unsigned from, uint64_t generation, uint64_t hash)
{
	if (!replaces_own(set, from, generation, hash))
		set[1] = set[0];
	set[0].key = *k;
	set[0].generation = generation;
	set[0].from = (uint16_t)from;
	set[0].place = chain_find(p, k, from);
	return set[0].place;
}

static inline bool is_cached(const struct flow_cached *e, const struct flow_key *k, unsigned from,
                             uint64_t generation)
{
	return e->generation == generation && e->from == from && key_equal(&e->key, k);
}

/* The frames of a walk, one bit each, that are left to the network's own look-up. */
struct left {
	uint64_t fresh, relayed;
};

/* What is the same for all frames of a walk. */
struct look {
	struct walk *w;
	const struct chain_policy *p;
	const struct vnet_chains *t;
	struct chain_core *c;
	struct policy *base;
	uint64_t generation;
	unsigned from;
	unsigned service; /* whose port they come from; NO_SERVICE: no service's */
	bool function;    /* it is a service's */
	struct left left;
};

/* As chain_find(), by the core's cache. */
static inline struct flow_place find_flow(const struct look *l, const struct flow_key *k)
{
	uint64_t hash = key_hash(&l->t->mix, k, l->from);
	struct flow_cached *set = l->c->set[hash >> (64 - CHAIN_SETS_BITS)];

	if (is_cached(&set[0], k, l->from, l->generation))
		return set[0].place;
	if (is_cached(&set[1], k, l->from, l->generation))
		return set[1].place;
	return find_missed(set, l->p, k, l->from, l->generation, hash);
}

/* --- one frame ---------------------------------------------------------------------------- */

/* Copies up to `want` bytes of the frame's head, with the addresses that were checked. */
static inline unsigned copy_head(const struct vnet_frame *f, uint8_t *head, unsigned want)
{
	unsigned have = want;

	if (f->seg->len >= KEY_FIRST && f->len >= KEY_FIRST && want == KEY_FIRST)
		__builtin_memcpy(head, f->seg->base, KEY_FIRST);
	else
		have = view_read(f, head, want);
	mac_write(head, f->dst);
	mac_write(head + 6, f->src);
	return have;
}

/* The whole of view_replace_head() for a frame in one piece. */
static inline unsigned replace_head(struct vnet_frame *f, uint8_t *head, unsigned have,
                                    struct vnet_seg *seg)
{
	if (f->nseg != 1 || f->seg->len != f->len)
		return view_replace_head(f, head, have, seg);
	seg[0] = (struct vnet_seg){head, have};
	seg[1] = (struct vnet_seg){f->seg->base + have, f->len - have};
	f->seg = seg;
	f->nseg = f->len > have ? 2 : 1;
	f->contiguous_head = true;
	return f->nseg;
}

/* What the first bytes do not say: all of them are read again, and those are the ones that count.
 */
static __attribute__((noinline)) unsigned read_more(const struct vnet_frame *f, uint8_t *head,
                                                    unsigned have, struct flow_key *k)
{
	key_read(k, head, have);
	if (key_is_short(k) && f->len > have) {
		have = copy_head(f, head, KEY_HEAD);
		key_read(k, head, have);
	}
	return have;
}

/* Reads the frame's key from a copy of its head, which replaces the original. */
static inline void read_frame(const struct look *l, struct vnet_frame *f, struct flow_key *k)
{
	struct chain_core *c = l->c;
	uint8_t *head = c->head[f - l->w->frame];
	unsigned have = copy_head(f, head, KEY_FIRST);

	if (!key_read_plain(k, head, have))
		have = read_more(f, head, have, k);
	count_add(&l->w->count->copied, have);
	c->used += replace_head(f, head, have, c->seg + c->used);
}

/* The port of replica `i` of a service; NULL: it is not up.  It stays for the walk, though its
 * number may be given up meanwhile. */
static inline struct vnet_port *replica_up(const struct vnet_chains *t, unsigned service,
                                           unsigned i)
{
	unsigned number = atomic_load_explicit(&t->replica[service][i], memory_order_relaxed);

	return number == CHAIN_GONE ? NULL : if_up(port_at(t->vnet, number));
}

/* The port of the replica that is highest for the share, and its number in *which; NULL: none is
 * up. */
static struct vnet_port *highest_replica(const struct vnet_chains *t, unsigned service,
                                         unsigned share, unsigned *which)
{
	uint64_t hash = mix_keyed(&t->mix, share), best = 0;
	struct vnet_port *found = NULL;

	for (unsigned i = 0; i < t->service[service].replicas; i++) {
		uint64_t weight = mix_fold(hash ^ t->weigh[service][i], t->mix.factor[0]);
		struct vnet_port *port;

		if (found && weight <= best)
			continue;
		port = replica_up(t, service, i);
		if (!port)
			continue;
		best = weight;
		found = port;
		*which = i;
	}
	return found;
}

/* The port of the replica that has the share `was`, at that second, and its number in *which; NULL:
 * nobody has, it is down, or the share may move. */
static inline struct vnet_port *present_replica(const struct vnet_chains *t, unsigned service,
                                                uint32_t was, uint32_t second, unsigned *which)
{
	*which = (was & 0xff) - 1;
	if (!(was & 0xff) || (uint32_t)(second - (was >> 8)) % (1u << 24) >= CHAIN_QUIET)
		return NULL;
	return replica_up(t, service, *which);
}

/*
 * The port of the replica that gets a flow, by its hash, and its number in *which; NULL: none is
 * up.  In a trial the share stays as it is.
 */
static __attribute__((noinline)) struct vnet_port *
replica_of_many(const struct look *l, unsigned service, uint64_t hash, unsigned *which)
{
	uint32_t second =
	    (uint32_t)atomic_load_explicit(&l->t->vnet->seconds, memory_order_relaxed);
	unsigned number = (unsigned)(hash >> (64 - CHAIN_SHARE_BITS));
	_Atomic uint32_t *share = &l->t->share[service][number];
	uint32_t was = atomic_load_explicit(share, memory_order_relaxed), now;
	struct vnet_port *port;

	do {
		port = present_replica(l->t, service, was, second, which);
		if (!port)
			port = highest_replica(l->t, service, number, which);
		now = second << 8 | (*which + 1);
		if (!port || now == was || l->c->base)
			return port;
		/* Another core may have moved it, or noted the second. */
	} while (!atomic_compare_exchange_weak_explicit(share, &was, now, memory_order_relaxed,
	                                                memory_order_relaxed));
	return port;
}

static inline struct vnet_port *replica_for(const struct look *l, unsigned service,
                                            const struct flow_key *k, const struct vnet_frame *f,
                                            unsigned *which)
{
	*which = 0;
	if (l->t->service[service].replicas == 1)
		return replica_up(l->t, service, 0);
	return replica_of_many(l, service, key_flow_hash(&l->t->mix, k, f->src, f->dst), which);
}

/* A frame that has its chain behind it. */
static void end_chain(struct look *l, unsigned flow, const struct vnet_frame *f, uint64_t bit)
{
	unsigned to = atomic_load_explicit(&l->t->to[flow], memory_order_relaxed);
	struct walk *w = l->w;
	struct vnet_port *port;

	if (l->t->flow[flow].end == VNET_FLOW_OUT) {
		*(l->function ? &l->left.relayed : &l->left.fresh) |= bit;
		return;
	}
	if (l->t->flow[flow].end == VNET_FLOW_DROP) {
		drop_here(w, f, VNET_DROP_flow_drop);
		return;
	}
	port = to == CHAIN_GONE ? NULL : port_at(w->core->vnet, to);
	if (!port)
		drop_here(w, f, VNET_DROP_no_route);
	else if (to == l->from)
		drop_here(w, f, VNET_DROP_same_port);
	else
		mark(w->core, port, bit);
}

/* Sends a frame to a service; false: no replica is up. */
static inline bool to_service(struct look *l, unsigned service, const struct flow_key *k,
                              const struct vnet_frame *f, uint64_t bit)
{
	struct vnet_core *core = l->w->core;
	unsigned replica;
	struct vnet_port *port = replica_for(l, service, k, f, &replica);

	if (!port)
		return false;
	count_add(&chain_hits(l->t, core->id, service)[replica], 1);
	mark(core, port, bit);
	return true;
}

/* Of the next service no replica is up: past it, and others like it, or nowhere. */
static __attribute__((noinline)) void pass_by(struct look *l, struct flow_place at,
                                              const struct flow_key *k, const struct vnet_frame *f,
                                              uint64_t bit)
{
	const struct vnet_flow *flow = &l->t->flow[at.flow];

	for (unsigned i = at.step; i < flow->services; i++) {
		if (to_service(l, flow->service[i], k, f, bit))
			return;
		if (!l->t->service[flow->service[i]].fail_open) {
			drop_here(l->w, f, VNET_DROP_service_down);
			return;
		}
	}
	end_chain(l, at.flow, f, bit);
}

/* A frame that came into its flow is counted there, once. */
static inline void count_flow(const struct look *l, unsigned flow, const struct vnet_frame *f)
{
	struct vnet_flow_count *count = chain_count(l->t, l->w->core->id, flow);

	count_add(&count->frames, 1);
	count_add(&count->bytes, f->len);
}

/* Sends a frame to the next service of its flow, or on from its last one. */
static inline void go_on(struct look *l, struct flow_place at, const struct flow_key *k,
                         const struct vnet_frame *f, uint64_t bit)
{
	if (!at.step)
		count_flow(l, at.flow, f);
	if (at.next == NO_SERVICE)
		end_chain(l, at.flow, f, bit);
	else if (!to_service(l, at.next, k, f, bit))
		pass_by(l, at, k, f, bit);
}

/* Whether the network takes the frame's source from its port, and has learned it. */
static inline bool source_fits(const struct look *l, const struct vnet_frame *f)
{
	return !l->base->ops->source || l->base->ops->source(l->w, l->base, f);
}

/* The port may be removed meanwhile, while a place in a chain is still cached for its frames. */
static bool may_leave(const struct look *l)
{
	return l->function && l->t->service[l->service].may_leave;
}

/* Looks one frame up that was admitted; `leaves`: past the services that are left of its chain. */
static inline __attribute__((always_inline)) void look_up_one(struct look *l, struct vnet_frame *f,
                                                              uint64_t bit, bool leaves)
{
	struct flow_place at;
	struct flow_key k;

	/* Who sends must not claim another's address, but functions send for others. */
	if (!l->function && !source_fits(l, f))
		return;
	read_frame(l, f, &k);
	at = find_flow(l, &k);
	/* Of the chain that it is in: who sends a frame into a flow does not leave it. */
	if (leaves && at.step) {
		if (!may_leave(l)) {
			drop_here(l->w, f, VNET_DROP_may_not_leave);
			return;
		}
		at.next = NO_SERVICE;
	}
	if (at.flow != NO_FLOW)
		go_on(l, at, &k, f, bit);
	else if (!l->function || source_fits(l, f))
		l->left.fresh |= bit;
}

/* --- the network's own look-up ------------------------------------------------------------ */

/*
 * Takes frames back that a service's port was marked for, one bit each, if they were flooded, or a
 * route says so; what is to its own MAC stays, unless it was relayed.  Returns those taken back.
 */
static uint64_t take_back(struct walk *w, const struct vnet_port *port, const struct left *left)
{
	uint64_t *pending = &w->core->pending[port->number], taken = *pending & left->relayed;
	mac_t mac = atomic_load_explicit(&port->mac, memory_order_relaxed);

	for (uint64_t fresh = *pending & left->fresh; fresh; fresh &= fresh - 1)
		if (!mac || w->frame[__builtin_ctzll(fresh)].dst != mac)
			taken |= fresh & -fresh;
	*pending &= ~taken;
	return taken;
}

/* Keeps floods and relayed frames away from services' ports: what they give back would be flooded
 * or relayed again. */
static void spare_services(struct walk *w, const struct vnet_chains *t, const struct left *left)
{
	struct vnet_core *c = w->core;
	uint64_t taken = 0, still = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < c->ntouched; i++) {
		struct vnet_port *port = c->touched[i];

		if (chain_service(t, port->number) != NO_SERVICE)
			taken |= take_back(w, port, left);
		still |= c->pending[port->number];
		if (c->pending[port->number])
			c->touched[n++] = port;
	}
	c->ntouched = n;
	for (taken &= ~still; taken; taken &= taken - 1)
		drop_here(w, &w->frame[__builtin_ctzll(taken)],
		          chain_service(t, w->from->number) == NO_SERVICE ? VNET_DROP_no_route
		                                                          : VNET_DROP_chain_loop);
}

static void look_up_left(const struct look *l)
{
	const struct left *left = &l->left;

	if (left->fresh)
		l->base->ops->deliver(l->w, l->base, left->fresh, false);
	if (left->relayed)
		l->base->ops->deliver(l->w, l->base, left->relayed, true);
	if (left->fresh | left->relayed)
		spare_services(l->w, l->t, left);
}

static inline struct chain_core *chain_of(const struct walk *w)
{
	return atomic_load_explicit(&w->core->chain, memory_order_relaxed);
}

/* What stands for the network's own look-up. */
static struct policy *base_of(const struct walk *w, const struct chain_core *c)
{
	return c->base
	           ? c->base
	           : atomic_load_explicit(&w->core->vnet->base[w->from->net], memory_order_acquire);
}

static inline __attribute__((always_inline)) void look_up_all(struct look *l, bool leaves)
{
	struct walk *w = l->w;
	struct vnet_frame *f = w->frame, *end = f + w->n;
	uint64_t bytes = 0, bit = 1;

	for (; f < end; f++, bit <<= 1) {
		bytes += f->len;
		if (admit(w, f))
			look_up_one(l, f, bit, leaves);
	}
	look_up_left(l);
	count_add(&w->count->in_bytes, bytes);
}

/* A function of its own: others do not pay for it. */
static __attribute__((noinline)) void look_up_leaving(struct look *l)
{
	look_up_all(l, true);
}

static void look_up_flows(struct walk *w, struct policy *policy)
{
	const struct chain_policy *p = (const struct chain_policy *)policy;
	struct look l = {.w = w, .p = p, .t = p->table, .c = chain_of(w), .from = w->from->number};

	l.base = base_of(w, l.c);
	l.generation = atomic_load_explicit(&l.t->generation, memory_order_relaxed);
	l.service = chain_service(l.t, l.from);
	l.function = l.service != NO_SERVICE;
	l.c->used = 0;
	if (__builtin_expect(w->core->leaving == w->from, 0))
		look_up_leaving(&l);
	else
		look_up_all(&l, false);
}

/* --- explain, and the end ----------------------------------------------------------------- */

#define EXPLAIN_HOPS 64 /* of one frame, at most */

/* The port of a service that the trial's frame is sent to by its flow; NULL: it goes elsewhere. */
static struct vnet_port *next_function(const struct trial *t, const struct vnet_chains *table)
{
	const struct vnet_core *c = t->w.core;

	if (!t->flow || c->ntouched != 1 ||
	    chain_service(table, c->touched[0]->number) == NO_SERVICE)
		return NULL;
	return c->touched[0];
}

/* One look-up of the trial's frame; returns the port of the service that is to give it back. */
static struct vnet_port *explain_hop(struct trial *t, struct chain_policy *p)
{
	const struct vnet_chains *table = p->table;
	struct vnet_port *next;
	struct flow_place at;
	struct flow_key k;

	key_read(&k, t->bytes, sizeof t->bytes);
	at = chain_find(p, &k, t->from->number);
	t->flow = at.flow == NO_FLOW ? NULL : table->flow[at.flow].name;
	look_up_flows(&t->w, &p->policy);
	next = next_function(t, table);
	t->service = next ? table->service[chain_service(table, next->number)].name : NULL;
	trial_report(t);
	return next;
}

/* The frame's way if each function gives it back as it got it. */
static void explain_flows(struct trial *t, struct policy *policy)
{
	struct vnet *v = t->w.core->vnet;
	struct chain_core *c = chain_of(&t->w);
	struct vnet_port *next = t->from;

	c->base = atomic_load(&v->base[t->from->net]);
	if (c->base->ops->trial)
		c->base = c->base->ops->trial(c->base, v->trials);
	for (unsigned hop = 0; next && hop < EXPLAIN_HOPS; hop++) {
		trial_begin(t, next);
		next = explain_hop(t, (struct chain_policy *)policy);
	}
}

/* In place, so that no memory is needed to remove a port. */
static void forget_port(struct policy *policy, unsigned port)
{
	struct chain_policy *p = (struct chain_policy *)policy;
	struct vnet_chains *t = p->table;
	struct vnet *v = t->vnet;

	for (unsigned i = p->first; i < p->end; i++) {
		if (atomic_load(&t->rule[i].from) == (int32_t)port)
			atomic_store(&t->rule[i].from, CHAIN_GONE);
		if (atomic_load(&t->to[i]) == port)
			atomic_store(&t->to[i], CHAIN_GONE);
	}
	for (unsigned s = 0; s < t->services; s++)
		for (unsigned i = 0; i < VNET_REPLICAS; i++)
			if (atomic_load(&t->replica[s][i]) == port)
				atomic_store(&t->replica[s][i], CHAIN_GONE);
	atomic_store(&t->service_of[port], NO_SERVICE);
	/* Entries of caches may be of the port, whose number may be given to another. */
	atomic_store(&t->generation, ++v->chains);
	vnet_sync(v);
}

/* With the last network that uses it the table is freed; the switch is. */
static void destroy_flows(struct policy *policy, const struct vnet_mem *mem)
{
	struct vnet_chains *t = ((struct chain_policy *)policy)->table;

	if (--t->users == 0)
		mem->free(t, t->size);
}

const struct vnet_policy_ops policy_flows = {
    .look_up = look_up_flows,
    .explain = explain_flows,
    .forget = forget_port,
    .destroy = destroy_flows,
};
