/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * learn.h: the addresses that a learning network has seen (private to vnet/).
 *
 * A bounded hash table that all cores read and write without locks: an entry is one 64-bit word,
 * a bucket is one cache line, and an address is looked for in its bucket only.  Two cores that
 * learn one address at once may enter it twice; the first copy in the bucket counts, the other
 * ages.
 *
 * Whoever can put addresses of his choice into the table must not be able to crowd out others, so
 * the bucket comes from a hash with a secret key, and each port has a quota of entries.
 *
 * Nothing sweeps the table at once.  Time is counted in quanta; a bucket knows the quantum in which
 * its old entries were last dropped, and whoever comes to it in a later one drops them first, so
 * that no look-up finds an address that was silent for too long.  learn_sweep() visits the buckets
 * where nobody comes, so that old entries do not use up their ports' quotas; and who meets a quota
 * that is used up visits one more.
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

_Static_assert(VNET_PORTS <= 1 << (LEARN_STAMP_SHIFT - LEARN_PORT_SHIFT), "ports fit an entry");
_Static_assert(2 * LEARN_AGE < LEARN_STAMPS - 1,
               "a bucket left alone for so long that ages are ambiguous has old entries only");
_Static_assert(VNET_LEARN_MAX == LEARN_ENTRIES, "a quota may be the whole table");

struct learn_bucket {
	_Atomic uint64_t aged; /* the quantum in which its old entries were dropped last */
	_Atomic uint64_t entry[LEARN_WAYS];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct learn_bucket) == 64, "a bucket is one cache line");

struct vnet_learn {
	struct policy policy; /* first */
	unsigned swept;       /* the bucket where learn_sweep() goes on, by the clock */
	struct mix_key key;
	_Atomic uint64_t now;              /* quanta that have passed, in all */
	_Atomic unsigned hand;             /* the bucket that is visited when a quota is met next */
	_Atomic uint32_t used[VNET_PORTS]; /* entries of each port */
	struct learn_bucket bucket[LEARN_BUCKETS];
};

static inline struct learn_bucket *learn_bucket(struct vnet_learn *l, mac_t mac)
{
	return &l->bucket[mix_keyed(&l->key, mac) >> (64 - LEARN_BITS)];
}

/* Drops the old entries of a bucket: it is visited in quantum `now` for the first time. */
void learn_bucket_age(struct vnet_learn *l, struct learn_bucket *b, uint64_t now);

enum learned {
	LEARNED,
	LEARN_FULL,  /* not: the address's bucket is full */
	LEARN_QUOTA, /* not: the port has as many as it may */
};

/* Learns that the address was seen at the port, which may have `quota` entries, now. */
enum learned learn_source(struct vnet_learn *l, mac_t mac, unsigned port, unsigned quota);

/* Forgets all addresses of a port. */
void learn_forget_port(struct vnet_learn *l, unsigned port);

/* The time went from `before` to `now`, in seconds; backwards: what was learned is old. */
void learn_pass(struct vnet_learn *l, uint64_t before, uint64_t now);

/* What another table has learned so far, as its own. */
void learn_copy(struct vnet_learn *to, const struct vnet_learn *from);

/* Drops the old entries of `n` buckets from number `first` on. */
void learn_sweep(struct vnet_learn *l, unsigned first, unsigned n);

#endif
