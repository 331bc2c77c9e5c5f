/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.h: a keyed hash of one number.
 *
 * Two rounds of multiply and fold, as in wyhash: the 128-bit product of the masked input and a
 * secret factor, its halves XORed.  A guest sees neither key nor hash, so it cannot compute
 * colliding inputs or the hash of an input; it is not meant for more.  Multiplication by a known
 * factor (Fibonacci hashing) can be inverted by anybody.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H
#include <stdint.h>

/* Fibonacci hashing (Knuth, TAOCP 6.4: 2^64 / golden ratio, odd); use the upper bits.  Anybody can
 * invert it: only for keys that a guest does not choose, or tables that tolerate collisions. */
static inline uint64_t hash_spread(uint64_t v)
{
	return v * 0x9e3779b97f4a7c15ull;
}

struct mix_key {
	uint64_t mask;      /* its top bit is set, so that no 48-bit input becomes 0 */
	uint64_t factor[2]; /* odd, and the top bit set */
};

static inline uint64_t mix_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t mix_keyed(const struct mix_key *k, uint64_t v)
{
	return mix_fold(mix_fold(v ^ k->mask, k->factor[0]), k->factor[1]);
}

/* Derives the key number `use` from one secret. */
static inline struct mix_key mix_key_make(const uint64_t secret[2], uint64_t use)
{
	const uint64_t top = 1ull << 63;
	struct mix_key from = {secret[0] | top, {secret[1] | top | 1, 0xd6e8feb86659fd93ull}}, k;

	k.mask = mix_keyed(&from, 3 * use) | top;
	k.factor[0] = mix_keyed(&from, 3 * use + 1) | top | 1;
	k.factor[1] = mix_keyed(&from, 3 * use + 2) | top | 1;
	return k;
}

#endif
