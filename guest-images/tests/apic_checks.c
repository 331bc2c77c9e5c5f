/* SPDX-License-Identifier: BSD-2-Clause */
/* Local APIC checks that are the same by page and by MSR; options: ticks=, count=. */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"
#include "guest-images/tests/apic_checks.h"

#define TIMER_VECTOR 0x40
#define IPI_VECTOR   0x51
#define LOW_VECTOR   0x31
#define PATIENCE     (1ull << 39) /* TSC ticks, minutes: a longer wait is a hang */

static volatile unsigned timer_irqs, ipis, low_irqs;
static unsigned timer_last; /* this tick stops the timer; 0: none does */

/* The timer is stopped here, not where the ticks are waited for: where a tick takes longer than its
 * period, as under KVM in an emulator, nothing but this handler runs any more. */
static void on_timer(void)
{
	if (++timer_irqs == timer_last)
		lapic_timer_stop();
	lapic_eoi();
}

static void on_ipi(void)
{
	ipis++;
	lapic_eoi();
}

static void on_low(void)
{
	low_irqs++;
	lapic_eoi();
}

static void wait_until(volatile unsigned *counter, unsigned n)
{
	uint64_t start = rdtsc();

	irq_on();
	while (*counter < n && rdtsc() - start < PATIENCE)
		cpu_pause();
	irq_off();
}

static void check_ipi(void)
{
	lapic_send(lapic_id(), ICR_FIXED | IPI_VECTOR);
	wait_until(&ipis, 1);
	check(ipis == 1, "self_ipi_by_id", "%u arrived", ipis);
	lapic_send(0, ICR_SELF | IPI_VECTOR);
	wait_until(&ipis, 2);
	check(ipis == 2, "self_ipi_shorthand", "%u arrived", ipis);
	lapic_write(LAPIC_TPR, 0x40); /* holds back priority classes 4 and below */
	lapic_send(0, ICR_SELF | LOW_VECTOR);
	lapic_send(0, ICR_SELF | IPI_VECTOR);
	wait_until(&ipis, 3);
	check(low_irqs == 0 && ipis == 3, "tpr_holds", "low %u high %u", low_irqs, ipis);
	lapic_write(LAPIC_TPR, 0);
	wait_until(&low_irqs, 1);
	check(low_irqs == 1, "tpr_releases", "low %u", low_irqs);
}

static void check_timer(void)
{
	unsigned ticks = (unsigned)mb_number("ticks", 100);
	uint32_t count = (uint32_t)mb_number("count", 100000);
	uint64_t start, took;

	lapic_timer(TIMER_VECTOR, 0, count);
	wait_until(&timer_irqs, 1);
	check(timer_irqs == 1, "timer_one_shot", "%u ticks", timer_irqs);
	check(lapic_read(LAPIC_TIMER_COUNT) == 0, "timer_stopped", "counts on");

	timer_irqs = 0;
	timer_last = ticks;
	start = rdtsc();
	lapic_timer(TIMER_VECTOR, LVT_PERIODIC, count);
	while (timer_irqs < ticks)
		irq_wait();
	took = rdtsc() - start;
	check(true, "timer_periodic", " ");
	print("timer: %u ticks of %u took %lu tsc\n", ticks, count, took);
}

static void check_idle(void)
{
	uint32_t left = 0;

	for (unsigned i = 0; i < 8; i++)
		left |= lapic_read(LAPIC_ISR + i * 0x10);
	check(left == 0, "nothing_in_service", "%x", left);
	check(trap_spurious == 0, "no_spurious", "%u", trap_spurious);
}

void apic_checks(void)
{
	uint32_t version;

	trap_set(TIMER_VECTOR, on_timer);
	trap_set(IPI_VECTOR, on_ipi);
	trap_set(LOW_VECTOR, on_low);
	version = lapic_read(LAPIC_VERSION);
	print("apic: id %x version %x\n", lapic_id(), version);
	check((version & 0xf0) == 0x10 && (version >> 16 & 0xff) >= 3, "version", "%x", version);
	check((lapic_read(LAPIC_SVR) & 0x1ff) == 0x1ff, "spurious_vector", "%x",
	      lapic_read(LAPIC_SVR));
	check_ipi();
	check_timer();
	check_idle();
}
