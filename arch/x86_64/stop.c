/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Before the node ends, however it ends: one core is left that runs, and no device that writes.
 */
#include "arch/x86_64/core.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/pci.h"
#include "arch/x86_64/pci_quiet.h"
#include "arch/x86_64/stop.h"
#include "arch/x86_64/tsc.h"
#include "lib/x86.h"

#define STOP_MS 100 /* how long the other cores get; one that hangs is left behind */

static struct core *_Atomic last; /* the core that ends the node; NULL: it goes on */

/* Without the TSC's rate, by a port whose writes take about a microsecond each. */
void stop_delay_us(uint64_t us)
{
	if (tsc_khz)
		tsc_delay_us(us);
	for (; us && !tsc_khz; us--)
		outb(0x80, 0);
}

static bool all_stopped(void)
{
	for (unsigned i = 0; i < ncores; i++)
		if (&cores[i] != this_core() && atomic_load(&cores[i].online) &&
		    !atomic_load(&cores[i].stopped))
			return false;
	return true;
}

/* By NMI, which reaches a core whatever it does (core.h). */
static void stop_others(void)
{
	for (unsigned i = 0; i < ncores; i++)
		if (&cores[i] != this_core() && atomic_load(&cores[i].online))
			lapic_ipi(cores[i].apic_id, ICR_NMI);
	for (unsigned ms = 0; ms < STOP_MS && !all_stopped(); ms++)
		stop_delay_us(1000);
}

/* A CPU in VMX operation does not take an INIT (Intel SDM vol. 3, 24.8), which some machines reset
 * by. */
static void leave_hvm(void)
{
	if (hvm)
		hvm->core_disable();
}

static void stop_core(struct core *c) __attribute__((noreturn));
static void stop_core(struct core *c)
{
	leave_hvm();
	atomic_store(&c->stopped, true);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void stop_if_wanted(struct core *c)
{
	const struct core *ends = atomic_load(&last);
	if (ends && ends != c)
		stop_core(c);
}

bool stop_all_others(void)
{
	struct core *nobody = NULL;
	if (atomic_compare_exchange_strong(&last, &nobody, this_core())) {
		stop_others();
		pci_lone_core();
		return true;
	}
	stop_if_wanted(this_core());
	return false;
}

/* There is no IOMMU: a device that goes on would write into what the next system has there. */
void stop_devices(void)
{
	pci_masters_off();
	leave_hvm();
}
