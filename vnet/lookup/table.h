/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h: the routes of all networks, compiled into an immutable table (private to vnet/).
 *
 * A route with an exact MAC is found by a hash of (network, source, destination), (network, source)
 * or (network, destination): three probes, however many there are.  The others, which are few, are
 * a list for each network.
 */
#ifndef VNET_LOOKUP_TABLE_H
#define VNET_LOOKUP_TABLE_H
#include "lib/hist.h"
#include "vnet/vnet.h"

#define TABLE_END 0xffffu /* ends a chain of route numbers */

struct vnet_table {
	uint64_t generation;
	size_t size; /* bytes of this allocation */
	/* What else than network and destination the results depend on. */
	mac_t src_mask; /* MAC_MASK: on the source; 0: not */
	bool by_from;   /* on the source port */
	unsigned n, cores, mask;
	unsigned hits_stride;     /* counters of one core's row, a multiple of a cache line */
	struct vnet_route *route; /* n, as given, with unused addresses cleared */
	uint64_t *hits;        /* cores + 2 rows: one for each core, the counts of older tables, and
	                        * the row of trials, TABLE_TRIAL() */
	struct hist *measured; /* cores + 1 rows, likewise, in an allocation of its own; NULL:
	                        * nothing is measured (measure.h) */
	uint8_t *priority;     /* n */
	uint16_t *chain, *next;   /* mask + 1 heads, n links: by the exact MACs */
	uint16_t *same, *more;    /* mask + 1 heads, n links: by the whole route */
	uint16_t wide[VNET_NETS]; /* heads of the routes without an exact MAC */
};

/*
 * Compiles n routes.  NULL: no memory, or an invalid route, with the reason in err.  The
 * caller has checked that ports and networks exist.
 */
struct vnet_table *table_make(const struct vnet_mem *mem, unsigned cores,
                              const struct vnet_route *routes, unsigned n, char *err, size_t size);
void table_free(const struct vnet_mem *mem, struct vnet_table *t);

/*
 * The routes that win for a frame, as numbers into out (room for n of the table); returns how many.
 */
unsigned table_match(const struct vnet_table *t, unsigned net, mac_t src, mac_t dst, unsigned from,
                     uint16_t *out);

/* Whether one route matches, whatever the others say. */
bool route_matches(const struct vnet_route *r, unsigned net, mac_t src, mac_t dst, unsigned from);

/* The number of the route that matches the same frames to the same port; -1: there is none. */
int table_find(const struct vnet_table *t, const struct vnet_route *r);

/* The core number under which trials run, in a switch of so many cores. */
#define TABLE_TRIAL(cores) ((cores) + 1)

/* The counters of one core, indexed by route number. */
static inline uint64_t *table_hits(const struct vnet_table *t, unsigned core)
{
	return t->hits + (size_t)core * t->hits_stride;
}

/* The bytes of `measured`. */
static inline size_t table_measured_bytes(unsigned cores, unsigned routes)
{
	return (cores + 1ul) * routes * sizeof(struct hist);
}

/* The histogram of route i of one core. */
static inline struct hist *table_measured(const struct vnet_table *t, unsigned core, unsigned i)
{
	return t->measured + (size_t)core * t->n + i;
}

/* The hits of route i, summed over the cores. */
uint64_t table_hits_sum(const struct vnet_table *t, unsigned i);

#endif
