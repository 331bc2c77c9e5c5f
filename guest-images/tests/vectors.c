/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that leaves interrupts pending, with vectors that are exceptions' too (16 to 31 are legal
 * for an APIC), and ends by a triple fault; the next guest on its core must find none of them.
 * Options: how= self (all of them, to itself), timer (31, by the APIC's timer), page (16, by the
 * xAPIC's ICR), other (30, to a second vCPU), init (31, in a vCPU that then gets an INIT), or look:
 * only see that the APICs of both vCPUs are clean.
 */
#include <stdatomic.h>
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/smp.h"
#include "guest-images/lib/trap.h"

#define LAPIC_IRR    0x200
#define LVT_VECTOR   31
#define OTHER_VECTOR 30
#define PAGE_VECTOR  16
#define TIMER_TICKS  1000
#define PATIENCE     (1ull << 39) /* TSC ticks, minutes: a longer wait is a hang */

static atomic_bool armed;

/* The bits of vectors 0 to 31 in IRR (200h) or ISR (100h). */
static bool waits(unsigned vector)
{
	return lapic_read(LAPIC_IRR) >> vector & 1;
}

static bool wait_for(unsigned vector)
{
	uint64_t start = rdtsc();

	while (!waits(vector) && rdtsc() - start < PATIENCE)
		cpu_pause();
	return waits(vector);
}

static void check_clean(void)
{
	uint32_t found = 0;

	for (unsigned i = 0; i < 8; i++)
		found |= lapic_read(LAPIC_IRR + 16 * i) | lapic_read(LAPIC_ISR + 16 * i);
	check(!found, "apic_is_clean", "vectors %x", found);
}

static void leave_by_self(void)
{
	bool all = true;

	for (unsigned v = 16; v < 32; v++) {
		lapic_send(0, ICR_SELF | ICR_FIXED | v);
		all &= wait_for(v);
	}
	check(all, "all_wait", "irr %x", lapic_read(LAPIC_IRR));
}

static void leave_by_timer(void)
{
	lapic_timer(LVT_VECTOR, 0, TIMER_TICKS);
	check(wait_for(LVT_VECTOR), "timer_waits", "irr %x", lapic_read(LAPIC_IRR));
}

static void leave_by_page(void)
{
	lapic_send(0, ICR_SELF | ICR_FIXED | PAGE_VECTOR);
	check(wait_for(PAGE_VECTOR), "page_waits", "irr %x", lapic_read(LAPIC_IRR));
}

static void ap_takes_one(void)
{
	if (wait_for(OTHER_VECTOR))
		atomic_store(&armed, true);
	for (;;)
		cpu_pause();
}

static void ap_arms_timer(void)
{
	lapic_timer(LVT_VECTOR, 0, TIMER_TICKS);
	if (wait_for(LVT_VECTOR))
		atomic_store(&armed, true);
	for (;;)
		cpu_pause();
}

static void ap_is_clean(void)
{
	check_clean();
	atomic_store(&armed, true);
	for (;;)
		cpu_pause();
}

static bool becomes_armed(void)
{
	uint64_t start = rdtsc();

	while (!atomic_load(&armed) && rdtsc() - start < PATIENCE)
		cpu_pause();
	return atomic_exchange(&armed, false);
}

static void leave_to_other(void)
{
	check(smp_start(1, ap_takes_one), "ap_starts", "no sign of it");
	lapic_send(1, ICR_FIXED | OTHER_VECTOR);
	check(becomes_armed(), "other_waits", "not there");
}

/* INIT resets the APIC of the vCPU, which then waits for its start-up IPI. */
static void leave_with_init(void)
{
	check(smp_start(1, ap_arms_timer) && becomes_armed(), "ap_arms", "no sign of it");
	lapic_send(1, ICR_INIT);
	check(smp_start(1, ap_is_clean) && becomes_armed(), "ap_starts_again", "no sign of it");
}

static const struct {
	const char *how;
	void (*leave)(void);
} way[] = {
    {"self", leave_by_self},   {"timer", leave_by_timer}, {"page", leave_by_page},
    {"other", leave_to_other}, {"init", leave_with_init},
};

void guest_main(void)
{
	char how[8] = "look";

	mb_option("how", how, sizeof how);
	irq_off();
	lapic_init(!strcmp(how, "page"));
	check_clean();
	for (unsigned i = 0; i < sizeof way / sizeof way[0]; i++) {
		if (strcmp(how, way[i].how))
			continue;
		way[i].leave();
		print("dies\n");
		cpu_triple_fault();
	}
	check(smp_start(1, ap_is_clean) && becomes_armed(), "ap_starts", "no sign of it");
	done();
}
