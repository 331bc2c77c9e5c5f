/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neighbour.h: the next hops of an underlay and their MACs (private to vnet/).
 *
 * Control makes the entries, one for each distinct next hop of its links, so that no traffic can
 * add any.  A MAC is accepted only from the first reply to a request of the last seconds.  Nothing
 * is requested by the clock: a request is sent when the edge comes up or a link is made, when the
 * next hop itself asks for us, and by who sends to it while its MAC is unknown or old.  A MAC is
 * forgotten after several requests in a row without a reply; not by time alone, since the clock may
 * stand still while no frame moves, and then jump.  Walks read an entry by one load and take no
 * lock.
 */
#ifndef VNET_LINK_NEIGHBOUR_H
#define VNET_LINK_NEIGHBOUR_H
#include <stdatomic.h>
#include "vnet/vnet.h"

#define NEIGHBOUR_FRESH 30 /* seconds until who sends to it requests it again, each second */
#define NEIGHBOUR_TRIES 10 /* requests without a reply until it is forgotten */
#define NEIGHBOUR_WAIT  3  /* seconds after a request in which a reply is accepted */
#define NEIGHBOUR_SHIFT 48

struct neighbour {
	_Atomic uint32_t address; /* 0: a free entry */
	unsigned users;           /* links; control path only */
	_Atomic uint64_t
	    word; /* the MAC and, in the upper 16 bits, the second it came in; 0: unknown */
	_Atomic uint64_t asked;      /* second of the last request + 1; 0: answered */
	_Atomic unsigned unanswered; /* requests since the last reply */
	atomic_bool awaited;         /* a link has a frame that waits for it: waiting.h */
};

/* The MAC; 0: unknown. */
static inline mac_t neighbour_mac(struct neighbour *n)
{
	return atomic_load_explicit(&n->word, memory_order_relaxed) & MAC_MASK;
}

/* The MAC if it came lately; 0: unknown or old. */
static inline mac_t neighbour_fresh(struct neighbour *n, uint64_t now)
{
	uint64_t word = atomic_load_explicit(&n->word, memory_order_relaxed);

	return (uint16_t)(now - (word >> NEIGHBOUR_SHIFT)) < NEIGHBOUR_FRESH ? word & MAC_MASK : 0;
}

/* Whether to send a request now; true at most once a second, on one core. */
bool neighbour_ask(struct neighbour *n, uint64_t now);

/* Takes the MAC of a reply.  False: there was no request, or too long ago. */
bool neighbour_reply(struct neighbour *n, mac_t mac, uint64_t now);

/* Ages the entry; returns whether a request is due. */
bool neighbour_age(struct neighbour *n, uint64_t now);

/* The entry of an address among `count`; NULL: there is none.  Any core. */
struct neighbour *neighbour_find(struct neighbour *table, unsigned count, uint32_t address);

/* The entry of an address, made if there is none, with one user more; NULL: the table is full.
 * Control path. */
struct neighbour *neighbour_hold(struct neighbour *table, unsigned count, uint32_t address);

/* Removes a user; without users the entry is free.  No walk uses it for that link any more, but one
 * that handles an ARP reply may, so the caller calls vnet_sync() before the next neighbour_hold().
 */
void neighbour_drop(struct neighbour *n);

#endif
