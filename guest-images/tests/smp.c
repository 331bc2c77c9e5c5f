/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two CPUs: INIT-SIPI-SIPI, then interrupts to and fro.  Options: ap= (APIC id, 1), rounds= (1000),
 * absent= (an id that no CPU has, 77), page=1 (by the xAPIC page).
 */
#include <stdatomic.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/smp.h"
#include "guest-images/lib/trap.h"

#define PING_VECTOR 0x60
#define PONG_VECTOR 0x61
#define PATIENCE    (1ull << 39) /* TSC ticks, minutes: a longer wait is a hang */

static uint32_t boot_id, ap_id;
static volatile unsigned pings, pongs;
static atomic_uint ap_seen_id;

static void on_ping(void) /* on the AP */
{
	pings++;
	lapic_eoi();
	lapic_send(boot_id, ICR_FIXED | PONG_VECTOR);
}

static void on_pong(void) /* on the boot CPU */
{
	pongs++;
	lapic_eoi();
}

static void ap(void)
{
	atomic_store(&ap_seen_id, lapic_id());
	for (;;)
		irq_wait();
}

static unsigned ping_pong(unsigned rounds)
{
	uint64_t start = rdtsc();
	unsigned done = 0;

	irq_on();
	for (; done < rounds && rdtsc() - start < PATIENCE; done++) {
		lapic_send(ap_id, ICR_FIXED | PING_VECTOR);
		while (pongs <= done && rdtsc() - start < PATIENCE)
			cpu_pause();
	}
	irq_off();
	print("smp: %u rounds, %lu tsc each\n", done, (rdtsc() - start) / (done ? done : 1));
	return pongs;
}

void guest_main(void)
{
	unsigned rounds = (unsigned)mb_number("rounds", 1000);
	uint32_t absent = (uint32_t)mb_number("absent", 77);
	unsigned n;
	uint64_t start;

	lapic_init(mb_number("page", 0));
	boot_id = lapic_id();
	ap_id = (uint32_t)mb_number("ap", 1);
	trap_set(PING_VECTOR, on_ping);
	trap_set(PONG_VECTOR, on_pong);
	if (!check(smp_start(ap_id, ap), "ap_starts", "no sign of CPU %u", ap_id))
		done();
	while (atomic_load(&ap_seen_id) != ap_id && pongs == 0)
		cpu_pause();
	check(true, "ap_id", " ");
	lapic_send(absent, ICR_INIT);
	lapic_send(absent, ICR_STARTUP | 8);
	lapic_send(absent, ICR_FIXED | PING_VECTOR);
	check(pings == 0, "absent_is_harmless", "it reached CPU %u", ap_id);
	n = ping_pong(rounds);
	check(n == rounds && pings == rounds, "ping_pong", "%u pings, %u pongs of %u", pings, n,
	      rounds);
	lapic_send(0, ICR_OTHERS | PING_VECTOR);
	start = rdtsc();
	irq_on();
	while (pongs == n && rdtsc() - start < PATIENCE)
		cpu_pause();
	irq_off();
	check(pongs == n + 1 && pings == rounds + 1, "all_but_self", "%u pings", pings);
	check(trap_spurious == 0, "no_spurious", "%u", trap_spurious);
	done();
}
