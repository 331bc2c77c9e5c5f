/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a word to each 2 MiB (step=, in KiB) of RAM, then reads all of them back. */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/multiboot.h"

#define PATTERN 0x9e3779b97f4a7c15ull
#define MAPPED  (512ull << 30) /* what start.asm maps */

extern const uint8_t guest_end[];

/* The first address of the range above this image; memory below it is not used. */
static uint64_t first_free(uint64_t base)
{
	uint64_t end = ((uintptr_t)guest_end + 0xfffff) & ~0xfffffull;

	return base > end ? base : end;
}

void guest_main(void)
{
	struct mb_range r;
	uint64_t step = mb_number("step", 2048) * 1024, words = 0, wrong = 0, ram = 0;

	for (unsigned i = 0; mb_range(i, &r); i++) {
		if (r.type != 1)
			continue;
		ram += r.len;
		for (uint64_t a = first_free(r.base); a + 8 <= r.base + r.len && a < MAPPED;
		     a += step)
			*(volatile uint64_t *)a = a * PATTERN;
	}
	for (unsigned i = 0; mb_range(i, &r); i++) {
		if (r.type != 1)
			continue;
		for (uint64_t a = first_free(r.base); a + 8 <= r.base + r.len && a < MAPPED;
		     a += step) {
			wrong += *(volatile uint64_t *)a != a * PATTERN;
			words++;
		}
	}
	print("bigmem: %lu MiB, %lu words\n", ram >> 20, words);
	check(words && !wrong, "memory", "%lu of %lu words differ", wrong, words);
	done();
}
