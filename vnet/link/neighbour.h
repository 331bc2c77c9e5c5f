/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neighbour.h: the next hops of an underlay and their MACs (private to vnet/).
 *
 * Control makes the entries, one for each distinct next hop of its links, so that nothing on the
 * wire can let them grow.  A MAC is believed only from an answer to what was asked a moment ago,
 * the first one.  It is asked for again before it gets old, and forgotten when several questions in
 * a row have no answer; time alone takes nothing away, for the clock may stand still while no core
 * passes by, and jump.
 * Walks read an entry by one load and take no lock.
 */
#ifndef VNET_LINK_NEIGHBOUR_H
#define VNET_LINK_NEIGHBOUR_H
#include <stdatomic.h>
#include "vnet/vnet.h"

#define NEIGHBOUR_FRESH 30 /* seconds until it is asked for again, each second */
#define NEIGHBOUR_TRIES 10 /* questions without an answer until it is forgotten */
#define NEIGHBOUR_WAIT  3  /* seconds for which an answer is believed */

struct neighbour {
	_Atomic uint32_t address; /* 0: a free entry */
	unsigned users;           /* links; control path only */
	_Atomic uint64_t word; /* its MAC, and in the upper 16 bits when it was told; 0: unknown */
	_Atomic uint64_t
	    asked; /* one more than the second in which it was asked for; 0: answered */
	_Atomic unsigned unanswered; /* questions since the last answer */
};

/* The MAC; 0: unknown. */
static inline mac_t neighbour_mac(struct neighbour *n)
{
	return atomic_load_explicit(&n->word, memory_order_relaxed) & MAC_MASK;
}

/* Whether it may be asked for now; true at most once a second, for one core. */
bool neighbour_ask(struct neighbour *n, uint64_t now);

/* An answer came.  False: nobody asked, or too long ago. */
bool neighbour_told(struct neighbour *n, mac_t mac, uint64_t now);

/* Lets the entry age; returns whether it should be asked for. */
bool neighbour_age(struct neighbour *n, uint64_t now);

/* The entry of an address among `count`; NULL: there is none.  Any core. */
struct neighbour *neighbour_find(struct neighbour *table, unsigned count, uint32_t address);

/* The entry of an address, made if need be and held; NULL: the table is full.  Control path. */
struct neighbour *neighbour_hold(struct neighbour *table, unsigned count, uint32_t address);

/* Drops a hold; with the last one the entry is free.  No walk uses it for the holder any more; one
 * that still looks at what was heard may, so the caller waits for the walks before the next hold.
 */
void neighbour_drop(struct neighbour *n);

#endif
