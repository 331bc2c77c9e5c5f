/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU with a core of its own uses that core's local APIC (irqchip.h). */
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "vmm/devices/irqchip.h"
#include "vmm/vm.h"

void irqchip_direct_raise(struct vcpu *v, uint8_t vector)
{
	lapic_ipi(v->cpu.core->apic_id, ICR_FIXED | vector);
}

static bool direct_has_lvt(const struct vcpu *v, unsigned reg)
{
	(void)v;
	return lapic_has_lvt(reg);
}

static uint32_t direct_read(struct vcpu *v, unsigned reg)
{
	(void)v;
	return reg == APIC_TMCCT ? lapic_timer_count() : (uint32_t)rdmsr(MSR_X2APIC + reg);
}

static void direct_write(struct vcpu *v, unsigned reg, uint32_t value)
{
	(void)v;
	wrmsr(MSR_X2APIC + reg, value);
}

/* The core's APIC stays in x2APIC mode: the host sends NMIs by it. */
static void direct_reset(struct vcpu *v)
{
	(void)v;
	lapic_reset();
}

const struct irqchip_ops irqchip_direct = {.raise = irqchip_direct_raise,
                                           .has_lvt = direct_has_lvt,
                                           .read = direct_read,
                                           .write = direct_write,
                                           .reset = direct_reset};
