/*
 * learn.h: the addresses that a learning network has seen (private to vnet/).
 *
 * A bounded hash table that all cores read and write without locks: an entry is one 64-bit word,
 * a bucket is one cache line, and an address is looked for in its bucket only.  Two cores that
 * learn one address at once may enter it twice; the first copy in the bucket counts, the other
 * ages.
 */
#ifndef VNET_LEARN_H
#define VNET_LEARN_H
#include <stdatomic.h>
#include "vnet/vnet.h"

#define LEARN_WAYS    8
#define LEARN_BITS    10
#define LEARN_BUCKETS (1u << LEARN_BITS)
#define LEARN_ENTRIES (LEARN_BUCKETS * LEARN_WAYS)

/* An entry: address (48 bits), port (10), age stamp (6); 0: free.  Address 0 is never learned. */
#define LEARN_PORT_SHIFT  48
#define LEARN_STAMP_SHIFT 58
#define LEARN_STAMPS      64
#define LEARN_QUANTUM     10 /* seconds of one stamp */

_Static_assert(VNET_PORTS <= 1 << (LEARN_STAMP_SHIFT - LEARN_PORT_SHIFT), "ports fit an entry");
_Static_assert(VNET_AGE / LEARN_QUANTUM < LEARN_STAMPS - 1, "ages fit the stamps");

struct vnet_learn {
	_Atomic uint64_t bucket[LEARN_BUCKETS][LEARN_WAYS] __attribute__((aligned(64)));
	_Atomic uint64_t stamp; /* of an address seen now, shifted into its place */
};

static inline _Atomic uint64_t *learn_bucket(struct vnet_learn *l, mac_t mac)
{
	return l->bucket[(mac * 0x9e3779b97f4a7c15ull) >> (64 - LEARN_BITS)];
}

/* The port where the address was seen; -1: unknown. */
static inline int learn_find(struct vnet_learn *l, mac_t mac)
{
	_Atomic uint64_t *bucket = learn_bucket(l, mac);

	for (unsigned i = 0; i < LEARN_WAYS; i++) {
		uint64_t e = atomic_load_explicit(&bucket[i], memory_order_relaxed);

		if ((e & MAC_MASK) == mac && e)
			return (int)(e >> LEARN_PORT_SHIFT & (VNET_PORTS - 1));
	}
	return -1;
}

/* Learns that the address was seen at the port, now.  False: its bucket is full. */
bool learn_source(struct vnet_learn *l, mac_t mac, unsigned port);

/* Forgets all addresses of a port. */
void learn_forget_port(struct vnet_learn *l, unsigned port);

/* The time went from `before` to `now`, in seconds: forgets what was silent for VNET_AGE. */
void learn_age(struct vnet_learn *l, uint64_t before, uint64_t now);

/* The stamp of a time, in its place. */
static inline uint64_t learn_stamp(uint64_t seconds)
{
	return seconds / LEARN_QUANTUM << LEARN_STAMP_SHIFT;
}

#endif
