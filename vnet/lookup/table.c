/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c: compiles routes into the table that a look-up reads. */
#include "vnet/lookup/table.h"
#include <stdio.h>
#include "lib/count.h"
#include "lib/hash.h"

enum key_kind { KEY_PAIR, KEY_SRC, KEY_DST };

static unsigned mix(const struct vnet_table *t, uint64_t a, uint64_t b)
{
	uint64_t h = hash_spread(a) ^ b;

	return (unsigned)(hash_spread(h) >> 32) & t->mask;
}

static unsigned key_hash(const struct vnet_table *t, enum key_kind kind, unsigned net, mac_t src,
                         mac_t dst)
{
	return mix(t, src ^ ((uint64_t)net << 48), dst ^ ((uint64_t)kind << 48));
}

static unsigned same_hash(const struct vnet_table *t, const struct vnet_route *r)
{
	uint64_t ports = (uint64_t)(uint32_t)r->from << 16 | r->to;

	return mix(t, r->src.mac ^ ((uint64_t)r->src.match << 48) ^ ((uint64_t)r->net << 52),
	           r->dst.mac ^ ((uint64_t)r->dst.match << 48) ^ hash_spread(ports));
}

static bool same_qual(const struct vnet_qual *a, const struct vnet_qual *b)
{
	return a->match == b->match && a->mac == b->mac;
}

static bool same_route(const struct vnet_route *a, const struct vnet_route *b)
{
	return a->net == b->net && a->from == b->from && a->to == b->to &&
	       same_qual(&a->src, &b->src) && same_qual(&a->dst, &b->dst);
}

int table_find(const struct vnet_table *t, const struct vnet_route *r)
{
	for (unsigned i = t->same[same_hash(t, r)]; i != TABLE_END; i = t->more[i])
		if (same_route(&t->route[i], r))
			return (int)i;
	return -1;
}

static uint16_t *key_chain(struct vnet_table *t, const struct vnet_route *r)
{
	bool src = r->src.match == VNET_MAC_IS, dst = r->dst.match == VNET_MAC_IS;

	if (src && dst)
		return &t->chain[key_hash(t, KEY_PAIR, r->net, r->src.mac, r->dst.mac)];
	if (src)
		return &t->chain[key_hash(t, KEY_SRC, r->net, r->src.mac, 0)];
	if (dst)
		return &t->chain[key_hash(t, KEY_DST, r->net, 0, r->dst.mac)];
	return &t->wide[r->net];
}

/* Clears the address that `any` and `none` do not have, so that equal routes compare equal. */
static void normalise(struct vnet_qual *q)
{
	if (q->match == VNET_MAC_ANY || q->match == VNET_MAC_NONE)
		q->mac = 0;
}

static bool table_add(struct vnet_table *t, unsigned i, const struct vnet_route *given, char *err,
                      size_t size)
{
	struct vnet_route *r = &t->route[i];
	const char *why;
	uint16_t *head;
	int twin;

	*r = *given;
	normalise(&r->src);
	normalise(&r->dst);
	t->priority[i] = (uint8_t)vnet_route_priority(r, &why);
	if (!t->priority[i]) {
		snprintf(err, size, "route %u: %s", i, why);
		return false;
	}
	twin = table_find(t, r);
	if (twin >= 0) {
		snprintf(err, size, "route %u: the same as route %d", i, twin);
		return false;
	}
	head = &t->same[same_hash(t, r)];
	t->more[i] = *head;
	*head = (uint16_t)i;
	head = key_chain(t, r);
	t->next[i] = *head;
	*head = (uint16_t)i;
	if (r->src.match != VNET_MAC_ANY)
		t->src_mask = MAC_MASK;
	if (r->from >= 0)
		t->by_from = true;
	return true;
}

/* The offset of the next `bytes` of the one allocation, in whole cache lines. */
static size_t reserve(size_t *at, size_t bytes)
{
	size_t here = *at;

	*at += (bytes + 63) & ~(size_t)63;
	return here;
}

static struct vnet_table *table_alloc(const struct vnet_mem *mem, unsigned cores, unsigned n)
{
	size_t at = 0, buckets = 16, stride = (n + 7u) & ~7u;
	struct vnet_table *t;
	uint8_t *base;
	size_t route, hits, priority, chain, next, same, more;

	while (buckets < 2 * (size_t)n)
		buckets *= 2;
	reserve(&at, sizeof *t);
	route = reserve(&at, n * sizeof *t->route);
	hits = reserve(&at, (cores + 2) * stride * sizeof *t->hits);
	priority = reserve(&at, n);
	chain = reserve(&at, buckets * sizeof *t->chain);
	next = reserve(&at, n * sizeof *t->next);
	same = reserve(&at, buckets * sizeof *t->same);
	more = reserve(&at, n * sizeof *t->more);

	base = mem->alloc(at);
	if (!base)
		return NULL;
	t = (struct vnet_table *)base;
	t->size = at;
	t->n = n;
	t->cores = cores;
	t->mask = (unsigned)buckets - 1;
	t->hits_stride = (unsigned)stride;
	t->route = (struct vnet_route *)(base + route);
	t->hits = (uint64_t *)(base + hits);
	t->priority = base + priority;
	t->chain = (uint16_t *)(base + chain);
	t->next = (uint16_t *)(base + next);
	t->same = (uint16_t *)(base + same);
	t->more = (uint16_t *)(base + more);
	for (size_t i = 0; i < buckets; i++)
		t->chain[i] = t->same[i] = TABLE_END;
	for (unsigned i = 0; i < VNET_NETS; i++)
		t->wide[i] = TABLE_END;
	return t;
}

struct vnet_table *table_make(const struct vnet_mem *mem, unsigned cores,
                              const struct vnet_route *routes, unsigned n, char *err, size_t size)
{
	struct vnet_table *t = table_alloc(mem, cores, n);

	if (!t) {
		snprintf(err, size, "no memory for a table of %u routes", n);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!table_add(t, i, &routes[i], err, size)) {
			table_free(mem, t);
			return NULL;
		}
	}
	return t;
}

void table_free(const struct vnet_mem *mem, struct vnet_table *t)
{
	if (t->measured)
		mem->free(t->measured, table_measured_bytes(t->cores, t->n));
	mem->free(t, t->size);
}

/* The routes of the highest priority so far. */
struct best {
	const struct vnet_table *t;
	unsigned net, from, n;
	mac_t src, dst;
	int priority;
	uint16_t *out;
};

static void keep_best(struct best *b, unsigned i)
{
	for (; i != TABLE_END; i = b->t->next[i]) {
		int priority = b->t->priority[i];

		if (priority < b->priority ||
		    !route_matches(&b->t->route[i], b->net, b->src, b->dst, b->from))
			continue;
		if (priority > b->priority) {
			b->priority = priority;
			b->n = 0;
		}
		b->out[b->n++] = (uint16_t)i;
	}
}

unsigned table_match(const struct vnet_table *t, unsigned net, mac_t src, mac_t dst, unsigned from,
                     uint16_t *out)
{
	struct best b = {t, net, from, 0, src, dst, 0, out};
	unsigned pair = key_hash(t, KEY_PAIR, net, src, dst);
	unsigned by_src = key_hash(t, KEY_SRC, net, src, 0);
	unsigned by_dst = key_hash(t, KEY_DST, net, 0, dst);

	/* Different keys may share a chain: each chain is searched once, or a route would win
	 * twice. */
	keep_best(&b, t->chain[pair]);
	if (by_src != pair)
		keep_best(&b, t->chain[by_src]);
	if (by_dst != pair && by_dst != by_src)
		keep_best(&b, t->chain[by_dst]);
	if (b.priority < 6)
		keep_best(&b, t->wide[net]);
	return b.n;
}

uint64_t table_hits_sum(const struct vnet_table *t, unsigned i)
{
	uint64_t sum = 0;

	for (unsigned core = 0; core <= t->cores; core++)
		sum += count_read(&table_hits(t, core)[i]);
	return sum;
}
