/* SPDX-License-Identifier: BSD-2-Clause */
/* lapic.h: the core's own local APIC, an x2APIC (Intel SDM vol. 3, 11.12; AMD APM vol. 2, 16.9). */
#ifndef ARCH_LAPIC_H
#define ARCH_LAPIC_H
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/apic_regs.h"
#include "lib/x86.h"

/* Does this CPU have x2APIC mode? */
bool x2apic_present(void);

/* Puts the core's APIC into x2APIC mode, with its whole local vector table masked. */
void lapic_enable(void);

/* The core's APIC ID. */
uint32_t lapic_id(void);

/* Reads the core's timer counter (TMCCT). */
uint32_t lapic_timer_count(void);

/* Sends an interprocessor interrupt; `icr_low` is the low half of the ICR. */
static inline void lapic_ipi(uint32_t apic_id, uint32_t icr_low)
{
	wrmsr(MSR_X2APIC + APIC_ICR, (uint64_t)apic_id << 32 | icr_low);
}

/* Does this core's APIC have that entry of the local vector table?  Writing an entry that it lacks
 * raises #GP. */
bool lapic_has_lvt(uint32_t reg);

/* Masks the core's whole local vector table, the timer included. */
void lapic_silence(void);

/* Leaves the core's APIC as after reset but enabled: no vector in service or pending, no timer
 * armed.  To be called when nothing sends to the core any more; false: interrupts still arrive. */
bool lapic_scrub(void);

/* Leaves the APIC as after an INIT: scrubbed and software-disabled, so that it accepts only NMIs
 * until the next guest, or an x2APIC mode switch, enables it. */
void lapic_reset(void);
#endif
