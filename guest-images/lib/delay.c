/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting by the time stamp counter: at least as long as asked for. */
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/delay.h"

#define FASTEST_KHZ    5000000
#define ECX_HYPERVISOR (1u << 31)
#define LEAF_HV        0x40000000u
#define LEAF_HV_TIMING 0x40000010u
#define LEAF_TSC       0x15
#define LEAF_MHZ       0x16

static uint32_t ask_cpuid(void)
{
	uint32_t r[4], basic;

	cpuid(0, 0, r);
	basic = r[0];
	cpuid(1, 0, r);
	if (r[2] & ECX_HYPERVISOR) {
		cpuid(LEAF_HV, 0, r);
		if (r[0] >= LEAF_HV_TIMING && r[0] < LEAF_HV + 0x100) {
			cpuid(LEAF_HV_TIMING, 0, r);
			if (r[0])
				return r[0];
		}
	}
	if (basic >= LEAF_TSC) {
		cpuid(LEAF_TSC, 0, r);
		if (r[0] && r[1] && r[2])
			return (uint32_t)((uint64_t)r[2] * r[1] / r[0] / 1000);
	}
	if (basic >= LEAF_MHZ) {
		cpuid(LEAF_MHZ, 0, r);
		if (r[0] & 0xffff)
			return (r[0] & 0xffff) * 1000;
	}
	return FASTEST_KHZ;
}

uint32_t tsc_khz(void)
{
	static uint32_t khz;

	if (!khz)
		khz = ask_cpuid();
	return khz;
}

void delay_us(unsigned us)
{
	uint64_t start = rdtsc(), ticks = (uint64_t)tsc_khz() * us / 1000;

	while (rdtsc() - start < ticks)
		cpu_pause();
}
