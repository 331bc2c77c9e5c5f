/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * learn.h: the addresses that a learning network has seen (private to vnet/).
 *
 * A bounded hash table that all cores read and write without locks: an entry is one 64-bit word,
 * a bucket is one cache line, and an address is in its own bucket or nowhere.  Two cores that
 * learn one address at once may enter it twice; look-ups find the first copy, the other ages.
 *
 * A guest that sends with addresses of its choice must not crowd out others: the bucket is chosen
 * by a hash with a secret key, and each port has a quota of entries.
 *
 * Nobody sweeps the table by the clock.  Time is counted in quanta; a bucket has the quantum in
 * which its old entries were last dropped, and each access in a later one drops them first, so that
 * no look-up finds an address that was silent for too long.  Old entries in buckets that nothing
 * accesses do no harm but to quotas: so a port that has used up its quota sweeps a part of the
 * table before an address is refused, and who counts addresses sweeps the rest; the whole table
 * once in a quantum at most.
 */
#ifndef VNET_LOOKUP_LEARN_H
#define VNET_LOOKUP_LEARN_H
#include <stdatomic.h>
#include "lib/hash.h"
#include "vnet/lookup/policy.h"

#define LEARN_WAYS    7
#define LEARN_BITS    10
#define LEARN_BUCKETS (1u << LEARN_BITS)
#define LEARN_ENTRIES (LEARN_BUCKETS * LEARN_WAYS)

/* An entry: address (48 bits), port (10), quantum (6); 0: free.  Address 0 is never learned. */
#define LEARN_PORT_SHIFT  48
#define LEARN_STAMP_SHIFT 58
#define LEARN_STAMPS      64 /* quanta are stored modulo this */
#define LEARN_QUANTUM     10 /* seconds */
#define LEARN_AGE         (VNET_AGE / LEARN_QUANTUM)
#define LEARN_SWEEP       (VNET_SWEEP / LEARN_WAYS) /* buckets of a part of a sweep */

_Static_assert(VNET_PORTS <= 1 << (LEARN_STAMP_SHIFT - LEARN_PORT_SHIFT), "ports fit an entry");
_Static_assert(2 * LEARN_AGE < LEARN_STAMPS - 1,
               "when a bucket is so old that ages are ambiguous, all its entries are old");
_Static_assert(VNET_LEARN_MAX == LEARN_ENTRIES, "a quota may be the whole table");
_Static_assert(LEARN_BUCKETS % LEARN_SWEEP == 0, "the last part of a sweep is whole, too");

struct learn_bucket {
	_Atomic uint64_t aged; /* the quantum in which its old entries were dropped last */
	_Atomic uint64_t entry[LEARN_WAYS];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct learn_bucket) == 64, "a bucket is one cache line");

struct vnet_learn {
	struct policy policy; /* first */
	struct mix_key key;
	_Atomic uint64_t sweep;            /* how far it is: see sweep_claim() */
	_Atomic uint32_t used[VNET_PORTS]; /* entries of each port */
	struct learn_bucket bucket[LEARN_BUCKETS];
};

static inline struct learn_bucket *learn_bucket(struct vnet_learn *l, mac_t mac)
{
	return &l->bucket[mix_keyed(&l->key, mac) >> (64 - LEARN_BITS)];
}

/* Drops the old entries of a bucket, at its first access in quantum `now`. */
void learn_bucket_age(struct vnet_learn *l, struct learn_bucket *b, uint64_t now);

enum learned {
	LEARNED,
	LEARN_FULL,  /* not learned: the address's bucket is full */
	LEARN_QUOTA, /* not learned: the port has its quota */
};

/* Learns that the address is at the port in quantum `now`; the port may have `quota` entries. */
enum learned learn_source(struct vnet_learn *l, mac_t mac, unsigned port, unsigned quota,
                          uint64_t now);

/* How many quanta pass when the clock goes from second `before` to `now`.  If it goes back: so many
 * that all entries become old. */
static inline uint64_t learn_quanta(uint64_t before, uint64_t now)
{
	return now < before ? LEARN_AGE + 1 : now / LEARN_QUANTUM - before / LEARN_QUANTUM;
}

/* Copies all that another table has learned. */
void learn_copy(struct vnet_learn *to, const struct vnet_learn *from);

#endif
