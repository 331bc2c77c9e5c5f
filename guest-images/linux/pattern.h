/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NETPROBE_PATTERN_H
#define NETPROBE_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/**
 * Fill a buffer with the next bytes of the probe's pseudo-random stream (xorshift64*, Vigna 2016),
 * so that a lost, repeated or swapped piece changes the checksum of the whole.
 * @param state  the position in the stream: PATTERN_START at its beginning, never 0
 * @param buf    where to write
 * @param len    bytes, a multiple of 8
 */
void pattern_fill(uint64_t *state, uint8_t *buf, size_t len);

#define PATTERN_START 0x5061746f2d6e6574ULL

#endif
