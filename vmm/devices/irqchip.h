/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irqchip.h: the implementation of the local APIC that a vCPU sees.
 *
 * vapic.c handles destinations, delivery modes and the guest's view of the registers; an irqchip
 * stores the registers and delivers vectors to the vCPU.  There is one: the core's own x2APIC, to
 * which vectors are sent as plain IPIs, and whose registers the guest uses without an exit except
 * those that vapic.h names.  A vCPU that shares its core will need another, a model in memory.
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
	/* Does the local vector table have this entry?  This and the functions below are called on
	 * the vCPU's core. */
	bool (*has_lvt)(const struct vcpu *v, unsigned reg);
	/* read: a register that exists and is readable, including the timer's count.  write: a
	 * register that is writable, including EOI, and only its writable bits. */
	uint32_t (*read)(struct vcpu *v, unsigned reg);
	void (*write)(struct vcpu *v, unsigned reg, uint32_t value);
	/* The state after INIT: no vector is pending or in service, and none is accepted before
	 * software enables the APIC. */
	void (*reset)(struct vcpu *v);
};

/* irqchip_direct.c: the core's own x2APIC. */
extern const struct irqchip_ops irqchip_direct;
void irqchip_direct_raise(struct vcpu *v, uint8_t vector);
#endif
