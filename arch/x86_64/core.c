/* SPDX-License-Identifier: BSD-2-Clause */
/* core.c: see core.h. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/lapic.h"

struct core cores[CORES_MAX];
unsigned ncores = 1;

void core_call(struct core *c, uint32_t requests)
{
	atomic_fetch_or(&c->requests, requests);
	if (c == this_core())
		atomic_store(&c->attention, true);
	else
		lapic_ipi(c->apic_id, ICR_NMI);
}

/* isr.asm */
void idle_wait(const _Atomic bool *attention);

void core_idle(struct core *c)
{
	idle_wait(&c->attention);
}
