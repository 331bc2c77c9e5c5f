/* SPDX-License-Identifier: BSD-2-Clause */
/* Names from CPUID: the CPU's brand string, and the hypervisor that Patio runs under. */
#include <string.h>
#include "arch/x86_64/cpu.h"

#define HYPERVISOR_PRESENT (1u << 31) /* CPUID.1:ECX, never set by a CPU itself */
#define HYPERVISOR_LEAF    0x40000000u
#define NAME_LEAF          0x80000002u

/* Copies the registers' text to `out` without leading and trailing blanks. */
static void copy_trimmed(char *out, const uint32_t *words, unsigned n)
{
	char text[49] = {0};
	const char *p = text;

	memcpy(text, words, n * sizeof *words);
	while (*p == ' ')
		p++;
	memmove(out, p, strlen(p) + 1);
	for (char *last = out + strlen(out); last > out && last[-1] == ' '; last--)
		last[-1] = 0;
}

void cpu_name(char out[49])
{
	uint32_t words[12] = {0};
	bool has_name = cpuid(0x80000000, 0).eax >= NAME_LEAF + 2;

	for (unsigned i = 0; has_name && i < 3; i++) {
		struct cpuid r = cpuid(NAME_LEAF + i, 0);

		memcpy(words + 4 * i, &r, sizeof r);
	}
	copy_trimmed(out, words, 12);
}

void cpu_hypervisor(char out[13])
{
	struct cpuid r;

	*out = 0;
	if (!(cpuid(1, 0).ecx & HYPERVISOR_PRESENT))
		return;
	r = cpuid(HYPERVISOR_LEAF, 0);
	copy_trimmed(out, (const uint32_t[]){r.ebx, r.ecx, r.edx}, 3);
}
