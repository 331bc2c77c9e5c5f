/* SPDX-License-Identifier: BSD-2-Clause */
/* The deterministic byte stream that bulk transfers carry. */
#include <string.h>

#include "pattern.h"

void pattern_fill(uint64_t *state, uint8_t *buf, size_t len)
{
	uint64_t s = *state;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;

		s ^= s >> 12;
		s ^= s << 25;
		s ^= s >> 27;
		word = s * 0x2545f4914f6cdd1dULL;
		memcpy(buf + i, &word, sizeof(word));
	}
	*state = s;
}
