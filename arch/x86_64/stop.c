/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Before the node ends: stops all other cores, and all devices that could write to memory.
 */
#include "arch/x86_64/core.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/pci.h"
#include "arch/x86_64/pci_quiet.h"
#include "arch/x86_64/stop.h"
#include "arch/x86_64/tsc.h"
#include "lib/x86.h"

#define STOP_MS 100 /* how long to wait for the other cores; one that hangs is ignored */

static struct core
    *_Atomic ending_core; /* the core that ends the node; NULL: the node is running */

/* Before the TSC's rate is known, by writes to port 80h, which take about a microsecond each. */
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

/* A CPU in VMX operation blocks INIT (Intel SDM vol. 3, 24.8), with which some machines reset. */
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
	const struct core *ends = atomic_load(&ending_core);

	if (ends && ends != c)
		stop_core(c);
}

bool stop_all_others(void)
{
	struct core *nobody = NULL;

	if (atomic_compare_exchange_strong(&ending_core, &nobody, this_core())) {
		stop_others();
		pci_lone_core();
		return true;
	}
	stop_if_wanted(this_core());
	return false;
}

/* A device still running would write into the next system's memory, which may know of no IOMMU. */
void stop_devices(void)
{
	pci_masters_off();
	leave_hvm();
}
