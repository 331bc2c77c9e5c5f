/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that no guest can know. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/random.h"

#define CPUID_1_ECX_RDRAND (1u << 30)
#define RDRAND_TRIES       10 /* SDM vol. 1, 7.3.17.1 */
#define TSC_ROUNDS         64

static bool rdrand(uint64_t *v)
{
	bool done;

	__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(done));
	return done;
}

/* CPUID serializes, and exits if Patio runs under a hypervisor: its duration varies. */
static uint64_t tsc_noise(void)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < TSC_ROUNDS; i++) {
		cpuid(0, 0);
		v = (v ^ rdtsc()) * 0x9e3779b97f4a7c15ull;
		v ^= v >> 29;
	}
	return v;
}

uint64_t random_word(void)
{
	uint64_t v = 0;

	if (cpuid(1, 0).ecx & CPUID_1_ECX_RDRAND)
		for (unsigned i = 0; i < RDRAND_TRIES && !rdrand(&v); i++)
			;
	/* Mix both: some AMD CPUs' RDRAND returns a constant after a suspend. */
	return v ^ tsc_noise();
}
