/* cache.c: the slow half of the look-up cache. */
#include "vnet/cache.h"
#include <string.h>

#define TAG_ONE (1ull << 48)

void cache_flush(struct vnet_cache *c)
{
	c->used = 0;
	c->tag += TAG_ONE;
	if (c->tag)
		return;
	/* The tag went round: an entry of 65 535 flushes ago would look valid. */
	memset(c->set, 0, sizeof c->set);
	c->tag = TAG_ONE;
}

const struct vnet_cached *cache_miss(struct vnet_cache *c, const struct vnet_table *t,
                                     struct vnet_cached *set, const struct vnet_asked *q)
{
	struct vnet_cached *e = &set[0];
	const struct vnet_route *r;
	uint16_t *list;

	if (c->used > VNET_ROUTES)
		cache_flush(c);
	list = &c->list[c->used];
	set[1] = set[0];
	e->dst = q->dst | q->place;
	e->src = (q->src & t->src_mask) | c->tag;
	e->list = c->used;
	e->count = (uint16_t)table_match(t, q->net, q->src, q->dst, q->from, list);
	if (e->count == 1) {
		r = &t->route[list[0]];
		e->route = list[0];
		e->to = r->to;
		e->avoid = r->reflect ? CACHE_REFLECT : r->to;
	} else {
		c->used += e->count;
	}
	return e;
}
