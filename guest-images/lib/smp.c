/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot CPU's half of starting an AP; the AP's half before C is in start.asm. */
#include <stdatomic.h>
#include <string.h>
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/smp.h"
#include "guest-images/lib/trap.h"

#define TRAMPOLINE 0x8000
#define AP_STACK   16384
#define PATIENCE   (1ull << 39) /* TSC ticks: minutes, for slow emulators */
#define INIT_DELAY 10000000     /* TSC ticks between INIT and SIPI */

extern const uint8_t ap_trampoline[];
extern const uint32_t ap_trampoline_size;
extern uint64_t ap_stack;
void ap_start(void);

static uint8_t stack[AP_STACK] __attribute__((aligned(16)));
static void (*ap_main)(void);
static atomic_bool ap_up;

void ap_start(void)
{
	trap_init_ap();
	lapic_init_ap();
	atomic_store(&ap_up, true);
	ap_main();
}

static bool wait_up(uint64_t ticks)
{
	uint64_t start = rdtsc();

	while (!atomic_load(&ap_up) && rdtsc() - start < ticks)
		cpu_pause();
	return atomic_load(&ap_up);
}

bool smp_start(uint32_t apic_id, void (*main)(void))
{
	memcpy((void *)(uintptr_t)TRAMPOLINE, ap_trampoline, ap_trampoline_size);
	ap_stack = (uintptr_t)(stack + sizeof stack);
	ap_main = main;
	atomic_store(&ap_up, false);
	lapic_send(apic_id, ICR_INIT);
	wait_up(INIT_DELAY);
	lapic_send(apic_id, ICR_STARTUP | TRAMPOLINE >> 12);
	wait_up(INIT_DELAY);
	/* Sent always, though a running CPU ignores it, so that the number of exits does not depend
	 * on how busy the emulator's host is. */
	lapic_send(apic_id, ICR_STARTUP | TRAMPOLINE >> 12);
	return wait_up(PATIENCE);
}
