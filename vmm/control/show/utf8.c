/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.c: see utf8.h. */
#include "vmm/control/show/utf8.h"

unsigned utf8_length(const uint8_t *s)
{
	static const struct {
		uint8_t first, last, low, high, len;
	} lead[] = {
	    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (unsigned i = 0; i < sizeof lead / sizeof lead[0]; i++) {
		unsigned n;

		if (s[0] < lead[i].first || s[0] > lead[i].last)
			continue;
		n = 1;
		while (n < lead[i].len && s[n] >= (n == 1 ? lead[i].low : 0x80) &&
		       s[n] <= (n == 1 ? lead[i].high : 0xbf))
			n++;
		return n == lead[i].len ? n : 0;
	}
	return 0;
}
