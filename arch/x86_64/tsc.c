/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TSC's rate, measured against the ACPI PM timer (3.579545 MHz) or PIT channel 2.
 *
 * The core may lose the CPU for milliseconds when the node is itself emulated, so each reading of
 * the reference is bracketed by two TSC readings, and the narrowest of several brackets is used.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/tsc.h"

#define PM_HZ      3579545ul
#define PIT_HZ     1193182ul
#define MEASURE_US 20000ul
#define STANDSTILL (1ul << 35) /* TSC ticks: several seconds on any CPU */

uint64_t tsc_khz;

static uint32_t pm_now(void)
{
	return inl(acpi.pm_timer_port) & 0xffffff;
}

static uint32_t pit_now(void)
{
	uint32_t lo;

	outb(0x43, 0x80); /* latch channel 2 */
	lo = inb(0x42);
	return 0xffff - (lo | (uint32_t)inb(0x42) << 8);
}

static void pit_start(void)
{
	outb(0x61, (inb(0x61) & ~2) | 1); /* gate on, speaker off */
	outb(0x43, 0xb0);                 /* channel 2, both bytes, mode 0 */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
}

/* A reading of the reference and the TSC at that moment; the narrowest bracket of several. */
static uint64_t sample(uint32_t (*now)(void), uint32_t *ref)
{
	uint64_t best = UINT64_MAX, at = 0;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t a = rdtsc();
		uint32_t r = now();
		uint64_t b = rdtsc();

		if (b - a < best) {
			best = b - a;
			at = a + (b - a) / 2;
			*ref = r;
		}
	}
	return at;
}

/* A reference clock: its reading, its rate and its valid bits. */
struct reference {
	uint32_t (*now)(void);
	uint64_t hz;
	uint32_t mask;
};

/* false: the reference stands still. */
static bool measure(const struct reference *ref)
{
	uint32_t r0 = 0, r1 = 0;
	uint64_t t0 = sample(ref->now, &r0), t1;

	do {
		t1 = sample(ref->now, &r1);
		if (t1 - t0 > STANDSTILL)
			return false;
	} while (((r1 - r0) & ref->mask) < ref->hz * MEASURE_US / 1000000);
	tsc_khz = (t1 - t0) * ref->hz / ((r1 - r0) & ref->mask) / 1000;
	return true;
}

void tsc_init(void)
{
	static const struct reference pm = {pm_now, PM_HZ, 0xffffff},
	                              pit = {pit_now, PIT_HZ, 0xffff};

	if (acpi.pm_timer_port && measure(&pm))
		return;
	pit_start();
	if (!measure(&pit))
		panic("neither the ACPI PM timer nor the PIT counts: the TSC's rate is unknown");
}

uint64_t tsc_us(void)
{
	return tsc_khz ? rdtsc() * 1000 / tsc_khz : 0;
}

void tsc_delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * tsc_khz / 1000;

	while ((int64_t)(rdtsc() - end) < 0)
		core_pause();
}
