/* SPDX-License-Identifier: BSD-2-Clause */
/* cache.c: misses and flushes of the look-up cache. */
#include "vnet/lookup/cache.h"
#include <string.h>

#define TAG_ONE (1ull << 48)

void cache_flush(struct vnet_cache *c)
{
	c->used = 0;
	c->tag += TAG_ONE;
	if (c->tag)
		return;
	/* The tag wrapped: an entry of 65 535 flushes ago would look valid. */
	memset(c->set, 0, sizeof c->set);
	c->tag = TAG_ONE;
}

static struct vnet_cached *cache_fill(struct vnet_cache *c, const struct vnet_table *t,
                                      const struct vnet_key *q)
{
	struct vnet_cached *e, new = {.dst = q->dst | cache_place(t, q->net, q->from)};
	const struct vnet_route *r;
	uint16_t *list;

	if (c->used > VNET_ROUTES)
		cache_flush(c);
	list = &c->list[c->used];
	new.src = (q->src & t->src_mask) | c->tag;
	new.list = c->used;
	new.count = (uint16_t)table_match(t, q->net, q->src, q->dst, q->from, list);
	if (new.count == 1) {
		r = &t->route[list[0]];
		new.route = list[0];
		new.to = r->to;
		new.avoid = r->reflect ? CACHE_REFLECT : r->to;
	} else {
		c->used += new.count;
	}
	e = cache_set(c, new.dst, new.src);
	e[1] = e[0];
	e[0] = new;
	return e;
}

const struct vnet_cached *cache_miss(struct vnet_cache *c, const struct vnet_table *t,
                                     const struct vnet_key *q)
{
	return cache_fill(c, t, q);
}

const struct vnet_cached *cache_once(struct vnet_cache *c, const struct vnet_table *t,
                                     const struct vnet_key *q)
{
	struct vnet_cached *e = cache_fill(c, t, q);

	e->src &= MAC_MASK; /* no tag: valid for nobody */
	return e;
}
