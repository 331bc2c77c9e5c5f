/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.h: one core's cache of look-ups (private to vnet/).
 *
 * Two-way sets, each one cache line.  An entry is valid with the present tag only: a new generation
 * of the table changes the tag, which voids all entries.  The key leaves out what the table does
 * not depend on, so that in the common case one entry serves a destination for all senders of a
 * network.
 */
#ifndef VNET_LOOKUP_CACHE_H
#define VNET_LOOKUP_CACHE_H
#include "lib/hash.h"
#include "vnet/lookup/table.h"

#ifndef CACHE_BITS
#define CACHE_BITS 12 /* fewer in the fuzzers */
#endif
#define CACHE_SETS (1u << CACHE_BITS)

/* What a look-up found. */
struct vnet_cached {
	uint64_t dst; /* the destination, and in the upper 16 bits the network or the source port */
	uint64_t src; /* the source or 0, and in the upper 16 bits the tag */
	uint16_t to;  /* with one route: its port ... */
	uint16_t avoid; /* ... and the source port that it does not serve, CACHE_REFLECT: none */
	uint16_t route; /* ... and its number */
	uint16_t count; /* how many routes won */
	uint32_t list;  /* with several: where their numbers begin in the cache's list */
	uint32_t unused;
};
#define CACHE_REFLECT 0xffffu

struct vnet_cache {
	struct vnet_cached set[CACHE_SETS][2] __attribute__((aligned(64)));
	uint64_t generation;            /* of the table that the entries came from */
	uint64_t tag;                   /* in the upper 16 bits, never 0 */
	unsigned used;                  /* of list */
	uint16_t list[2 * VNET_ROUTES]; /* the second half leaves room for one more look-up */
};

_Static_assert(sizeof(struct vnet_cached[2]) == 64, "a set is a cache line");

/* The key of a look-up in the table. */
struct vnet_key {
	mac_t dst, src;
	unsigned net, from;
};

/* The part of the key that says where frames come from: constant for a batch. */
static inline uint64_t cache_place(const struct vnet_table *t, unsigned net, unsigned from)
{
	return (uint64_t)(t->by_from ? from : net) << 48;
}

/* Voids all entries. */
void cache_flush(struct vnet_cache *c);

static inline struct vnet_cached *cache_set(struct vnet_cache *c, uint64_t dst, uint64_t src)
{
	uint64_t mixed = dst ^ (src << 21 | src >> 43);

	return c->set[hash_spread(mixed) >> (64 - CACHE_BITS)];
}

/*
 * The cached result for `dst`, the destination with cache_place(), and `src`, the source under the
 * table's src_mask; NULL: none, see cache_miss().
 */
static inline const struct vnet_cached *cache_find(struct vnet_cache *c, uint64_t dst, uint64_t src)
{
	struct vnet_cached *set;

	src |= c->tag;
	set = cache_set(c, dst, src);
	if (set[0].dst == dst && set[0].src == src)
		return &set[0];
	return set[1].dst == dst && set[1].src == src ? &set[1] : NULL;
}

/* Looks up in the table and caches the result, which is valid until the next call. */
const struct vnet_cached *cache_miss(struct vnet_cache *c, const struct vnet_table *t,
                                     const struct vnet_key *q);

/* The same, but cache_find() will not find the result. */
const struct vnet_cached *cache_once(struct vnet_cache *c, const struct vnet_table *t,
                                     const struct vnet_key *q);

#endif
