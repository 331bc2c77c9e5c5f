/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irqchip.h: what stands behind the local APIC that a vCPU sees.
 *
 * vapic.c knows destinations, modes and the guest's view of the registers; where those are, and how
 * a vector reaches the vCPU, is its chip's.  Today there is one: the core's own x2APIC, whose
 * vectors come as plain IPIs, and whose registers the guest uses without an exit but for those that
 * vapic.h names.  A model in memory, for a vCPU that shares its core, will be another.
 */
#ifndef VMM_DEVICES_IRQCHIP_H
#define VMM_DEVICES_IRQCHIP_H
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/apic_regs.h"

struct vcpu;

/* Registers by their number (enum apic_reg). */
struct irqchip_ops {
	/* Sends a vector, 16 or above, to a vCPU that runs and has its APIC enabled.  Any core. */
	void (*raise)(struct vcpu *v, uint8_t vector);
	/* Is there this entry of the local vector table?  The others are on the vCPU's core. */
	bool (*has_lvt)(const struct vcpu *v, unsigned reg);
	/* A register that there is and can be read, also the timer's count; one that can be
	 * written, also EOI, and the bits of it that can. */
	uint32_t (*read)(struct vcpu *v, unsigned reg);
	void (*write)(struct vcpu *v, unsigned reg, uint32_t value);
	/* As after INIT: nothing waits or is in service, and no vector is taken before the APIC is
	 * enabled by software. */
	void (*reset)(struct vcpu *v);
};

/* irqchip_direct.c: the core's own x2APIC. */
extern const struct irqchip_ops irqchip_direct;
void irqchip_direct_raise(struct vcpu *v, uint8_t vector);
#endif
