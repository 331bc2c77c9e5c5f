/* SPDX-License-Identifier: BSD-2-Clause */
/* smp.c: see smp.h.  By INIT-SIPI-SIPI (Intel MP 1.4, B.4). */
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tsc.h"
#include "lib/log.h"
#include "lib/mem.h"

extern const uint8_t ap_trampoline[], ap_trampoline_end[];
extern uint64_t ap_cr3;
extern struct core *ap_core;
static core_entry *ap_entry; /* what smp_start() was given */

void ap_main(struct core *c) __attribute__((noreturn));
void ap_main(struct core *c)
{
	cpu_init(c);
	lapic_enable();
	atomic_store(&c->online, true);
	ap_entry(c);
	panic("the entry function of core %u returned", c->index);
}

static bool start_core(struct core *c)
{
	struct core_stacks *stacks = mem_zalloc(sizeof *stacks);

	if (!stacks)
		panic("not enough memory for the stacks of core %u", c->index);
	c->stack_top = stacks + 1;
	paging_guard(stacks);
	ap_cr3 = host_cr3;
	ap_core = c;
	lapic_ipi(c->apic_id, ICR_INIT);
	tsc_delay_us(10000);
	for (unsigned i = 0; i < 2 && !atomic_load(&c->online); i++) {
		lapic_ipi(c->apic_id, ICR_SIPI | AP_TRAMPOLINE >> 12);
		tsc_delay_us(200);
	}
	for (unsigned ms = 0; ms < 5000 && !atomic_load(&c->online); ms++)
		tsc_delay_us(1000);
	return atomic_load(&c->online);
}

static void free_stacks(struct core *c)
{
	struct core_stacks *stacks = (struct core_stacks *)c->stack_top - 1;

	c->stack_top = NULL;
	paging_unguard(stacks);
	mem_zfree(stacks, sizeof *stacks);
}

void smp_start(core_entry *entry)
{
	ap_entry = entry;
	memcpy((void *)AP_TRAMPOLINE, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	for (unsigned i = 0; i < acpi.ncpus && ncores < CORES_MAX; i++) {
		struct core *c;

		if (acpi.apic_id[i] == cores[0].apic_id)
			continue;
		c = &cores[ncores];
		c->index = ncores;
		c->apic_id = acpi.apic_id[i];
		if (start_core(c)) {
			ncores++;
			continue;
		}
		/* if it starts late, it must not run with the next core's ap_core */
		lapic_ipi(c->apic_id, ICR_INIT);
		free_stacks(c);
		log_warn("the core with APIC ID %u did not start: it stays unused", c->apic_id);
	}
}
