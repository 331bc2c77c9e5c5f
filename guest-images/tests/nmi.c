/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One CPU sends NMIs to another that makes a few exits and then waits without any.  Each must be
 * taken, whether it arrives in the guest, in the VMM, or in the world switch between them, where a
 * VMM may lose it until the next exit.  Options: ap= (APIC id, 1), rounds= (2000).
 */
#include <stdatomic.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/smp.h"
#include "guest-images/lib/trap.h"

#define VECTOR_NMI 2
#define ICR_NMI    0x4400
#define EXITS      1
#define SHIFTS     13
#define PHASES     150
#define PATIENCE   (1ull << 39) /* TSC ticks, minutes: a longer wait is a hang */

static atomic_uint taken, ready; /* rounds that ended, and that began */

static void on_nmi(struct trap_frame *f)
{
	(void)f;
	atomic_fetch_add(&taken, 1);
}

static void delay(unsigned n)
{
	for (volatile unsigned i = 0; i < n; i++)
		;
}

static void ap(void)
{
	uint32_t r[4];

	for (unsigned round = 1;; round++) {
		atomic_store(&ready, round);
		delay(round % SHIFTS);
		for (unsigned i = 0; i < EXITS; i++)
			cpuid(0, 0, r);
		while (atomic_load(&taken) < round)
			cpu_pause();
	}
}

/* Sends the NMIs after varying delays, so that they hit every phase of the other CPU's exits. */
static unsigned send(uint32_t ap_id, unsigned rounds)
{
	unsigned done = 0;

	for (; done < rounds; done++) {
		uint64_t start = rdtsc();

		while (atomic_load(&ready) <= done)
			cpu_pause();
		delay(done % PHASES);
		lapic_send(ap_id, ICR_NMI);
		while (atomic_load(&taken) <= done && rdtsc() - start < PATIENCE)
			cpu_pause();
		if (atomic_load(&taken) != done + 1)
			break;
	}
	return done;
}

void guest_main(void)
{
	unsigned rounds = (unsigned)mb_number("rounds", 2000);
	uint32_t ap_id = (uint32_t)mb_number("ap", 1);
	unsigned n;

	lapic_init(false);
	trap_set_exception(VECTOR_NMI, on_nmi);
	if (!check(smp_start(ap_id, ap), "ap_starts", "no sign of CPU %u", ap_id))
		done();
	n = send(ap_id, rounds);
	check(n == rounds && atomic_load(&taken) == rounds, "each_taken_once",
	      "after %u of %u rounds: %u taken", n, rounds, atomic_load(&taken));
	done();
}
