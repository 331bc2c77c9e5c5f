/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sum.h: the Internet checksum (RFC 1071), over bytes that lie in pieces (private to vnet/).
 *
 * Words are summed as they lie in memory: the sum does not depend on the byte order, so the result
 * is stored the same way and nothing is swapped.  The words of a piece at an odd offset are
 * shifted by a byte, so its sum is byte-swapped (RFC 1071, 2.B).
 */
#ifndef VNET_FRAME_SUM_H
#define VNET_FRAME_SUM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sum {
	uint64_t words; /* far from overflow: each piece adds at most 0xffff */
	bool odd;       /* an odd number of bytes was summed */
};

/* Adds n bytes. */
void sum_bytes(struct sum *s, const uint8_t *p, size_t n);

/* Adds a number as two or four bytes in network order; an even number of bytes is summed so far. */
void sum_be16(struct sum *s, uint16_t v);
void sum_be32(struct sum *s, uint32_t v);

/* Writes the checksum, the complement of the sum, to the two bytes at p. */
void sum_store(const struct sum *s, uint8_t *p);

/* As sum_store(), but 0 becomes 0xffff, its equal: 0 means "no checksum" in UDP (RFC 768). */
void sum_store_udp(const struct sum *s, uint8_t *p);

#endif
