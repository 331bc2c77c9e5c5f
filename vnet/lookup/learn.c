/* SPDX-License-Identifier: BSD-2-Clause */
/* learn.c: learning, ageing and forgetting addresses. */
#include "vnet/lookup/learn.h"
#include "vnet/state.h"

static unsigned entry_port(uint64_t e)
{
	return (unsigned)(e >> LEARN_PORT_SHIFT & (VNET_PORTS - 1));
}

/* Counts one more entry for a port, unless it has its quota. */
static bool quota_take(struct vnet_learn *l, unsigned port, unsigned quota)
{
	/* A plain read first: a port that has its quota comes here with each frame. */
	if (atomic_load_explicit(&l->used[port], memory_order_relaxed) >= quota)
		return false;
	if (atomic_fetch_add_explicit(&l->used[port], 1, memory_order_relaxed) < quota)
		return true;
	atomic_fetch_sub_explicit(&l->used[port], 1, memory_order_relaxed);
	return false;
}

static void quota_give(struct vnet_learn *l, unsigned port)
{
	atomic_fetch_sub_explicit(&l->used[port], 1, memory_order_relaxed);
}

/* Frees an entry, unless it has changed. */
static void drop_entry(struct vnet_learn *l, _Atomic uint64_t *entry, uint64_t e)
{
	if (atomic_compare_exchange_strong(entry, &e, 0))
		quota_give(l, entry_port(e));
}

void learn_bucket_age(struct vnet_learn *l, struct learn_bucket *b, uint64_t now)
{
	uint64_t aged = atomic_load_explicit(&b->aged, memory_order_relaxed);
	/* At `aged` no entry was older than LEARN_AGE; beyond this many quanta since then ages
	 * modulo LEARN_STAMPS are ambiguous, and every entry is too old. */
	bool all = now - aged > LEARN_STAMPS - 1 - LEARN_AGE;

	/* `aged` is later than `now` if another core read the time after us.  Only one core drops;
	 * what others learn here meanwhile has age 0. */
	if (aged >= now || !atomic_compare_exchange_strong(&b->aged, &aged, now))
		return;
	for (unsigned i = 0; i < LEARN_WAYS; i++) {
		uint64_t e = atomic_load_explicit(&b->entry[i], memory_order_relaxed);
		uint64_t age = (now - (e >> LEARN_STAMP_SHIFT)) % LEARN_STAMPS;

		if (e && (all || age > LEARN_AGE))
			drop_entry(l, &b->entry[i], e);
	}
}

/*
 * Claims the next part of the table for a sweep, LEARN_SWEEP buckets from *first on.  False: all of
 * it was claimed in this quantum, or another core claims now.  `sweep` has the quantum, how many
 * buckets are left in it, and the next one.
 */
static bool sweep_claim(struct vnet_learn *l, uint64_t now, unsigned *first)
{
	uint64_t was = atomic_load_explicit(&l->sweep, memory_order_relaxed), left, next;

	left = was >> 32 == (uint32_t)now ? was >> 16 & 0xffff : LEARN_BUCKETS;
	*first = was & 0xffff;
	if (!left)
		return false;
	next = (uint64_t)(uint32_t)now << 32 | (left - LEARN_SWEEP) << 16 |
	       (*first + LEARN_SWEEP) % LEARN_BUCKETS;
	return atomic_compare_exchange_strong(&l->sweep, &was, next);
}

/* Drops the old entries of the part that begins at bucket `first`. */
static void sweep(struct vnet_learn *l, unsigned first, uint64_t now)
{
	for (unsigned i = first; i < first + LEARN_SWEEP; i++)
		if (atomic_load_explicit(&l->bucket[i].aged, memory_order_relaxed) != now)
			learn_bucket_age(l, &l->bucket[i], now);
}

/* As quota_take(), but drops old entries of a part of the table first where the port has its quota:
 * some of them may be its own. */
static bool quota_make(struct vnet_learn *l, unsigned port, unsigned quota, uint64_t now)
{
	unsigned first;

	if (quota_take(l, port, quota))
		return true;
	if (!sweep_claim(l, now, &first))
		return false;
	sweep(l, first, now);
	return quota_take(l, port, quota);
}

/* The address has an entry e, which is older, or at another port: replaces it. */
static __attribute__((noinline)) enum learned entry_renew(struct vnet_learn *l,
                                                          _Atomic uint64_t *entry, uint64_t e,
                                                          uint64_t want, unsigned quota,
                                                          uint64_t now)
{
	unsigned was = entry_port(e), port = entry_port(want);
	bool moves = was != port;

	if (moves && !quota_make(l, port, quota, now))
		return LEARN_QUOTA;
	/* Another core may change the entry first, to what is as new as ours. */
	if (!atomic_compare_exchange_strong(entry, &e, want))
		was = port;
	if (moves)
		quota_give(l, was);
	return LEARNED;
}

/* Enters an address that has no entry, or an outdated one. */
static __attribute__((noinline)) enum learned
entry_add(struct vnet_learn *l, struct learn_bucket *b, uint64_t want, unsigned quota, uint64_t now)
{
	unsigned port = entry_port(want);
	uint64_t e;
	int free = -1;

	for (int i = 0; i < LEARN_WAYS; i++) {
		e = atomic_load_explicit(&b->entry[i], memory_order_relaxed);
		if (e && !((e ^ want) & MAC_MASK))
			return entry_renew(l, &b->entry[i], e, want, quota, now);
		if (!e && free < 0)
			free = i;
	}
	if (!quota_make(l, port, quota, now))
		return LEARN_QUOTA;
	/* Another core may take the free slot: then the next frame of this address tries again. */
	e = 0;
	if (free < 0 || !atomic_compare_exchange_strong(&b->entry[free], &e, want))
		quota_give(l, port);
	return free < 0 ? LEARN_FULL : LEARNED;
}

enum learned learn_source(struct vnet_learn *l, mac_t mac, unsigned port, unsigned quota,
                          uint64_t now)
{
	struct learn_bucket *b = learn_bucket(l, mac);
	uint64_t want = mac | (uint64_t)port << LEARN_PORT_SHIFT | now << LEARN_STAMP_SHIFT;

	if (atomic_load_explicit(&b->aged, memory_order_relaxed) != now)
		learn_bucket_age(l, b, now);
	for (unsigned i = 0; i < LEARN_WAYS; i++)
		if (atomic_load_explicit(&b->entry[i], memory_order_relaxed) == want)
			return LEARNED;
	return entry_add(l, b, want, quota, now);
}

void learn_copy(struct vnet_learn *to, const struct vnet_learn *from)
{
	to->key = from->key;
	atomic_store_explicit(&to->sweep, from->sweep, memory_order_relaxed);
	for (unsigned i = 0; i < VNET_PORTS; i++)
		atomic_store_explicit(&to->used[i], from->used[i], memory_order_relaxed);
	for (unsigned b = 0; b < LEARN_BUCKETS; b++) {
		const struct learn_bucket *f = &from->bucket[b];
		struct learn_bucket *t = &to->bucket[b];

		atomic_store_explicit(&t->aged, f->aged, memory_order_relaxed);
		for (unsigned i = 0; i < LEARN_WAYS; i++)
			atomic_store_explicit(&t->entry[i], f->entry[i], memory_order_relaxed);
	}
}

static void learn_forget(struct policy *p, unsigned port)
{
	struct vnet_learn *l = (struct vnet_learn *)p;

	for (unsigned b = 0; b < LEARN_BUCKETS; b++)
		for (unsigned i = 0; i < LEARN_WAYS; i++) {
			_Atomic uint64_t *entry = &l->bucket[b].entry[i];
			uint64_t e = atomic_load_explicit(entry, memory_order_relaxed);

			if (e && entry_port(e) == port)
				drop_entry(l, entry, e);
		}
}

static void learn_destroy(struct policy *p, const struct vnet_mem *mem)
{
	mem->free(p, sizeof(struct vnet_learn));
}

const struct vnet_policy_ops policy_learned = {
    .look_up = look_up_learned,
    .explain = explain_learned,
    .source = source_learned,
    .deliver = deliver_learned,
    .trial = trial_learned,
    .forget = learn_forget,
    .destroy = learn_destroy,
};

struct policy *policy_learn(const struct vnet_mem *mem, const uint64_t secret[2], unsigned net)
{
	struct vnet_learn *l = mem->alloc(sizeof *l);

	if (!l)
		return NULL;
	l->policy.ops = &policy_learned;
	l->key = mix_key_make(secret, net);
	return &l->policy;
}

unsigned vnet_port_learned(const struct vnet_port *port)
{
	struct policy *p = atomic_load(&port->vnet->base[port->net]);
	struct vnet_learn *l = (struct vnet_learn *)p;
	uint64_t now = atomic_load_explicit(&port->vnet->quanta, memory_order_relaxed);
	unsigned first;

	if (p->ops != &policy_learned)
		return 0;
	while (sweep_claim(l, now, &first))
		sweep(l, first, now);
	return atomic_load_explicit(&l->used[port->number], memory_order_relaxed);
}
