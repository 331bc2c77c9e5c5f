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

/* Takes the core's APIC into x2APIC mode, all its own sources masked. */
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

/* Does this core's APIC have that entry of the local vector table?  Writing one that it has not is
 * a #GP. */
bool lapic_has_lvt(uint32_t reg);

/* Masks the core's own sources of interrupts: its timer and all other entries of the table. */
void lapic_silence(void);

/* Leaves the core's APIC as after reset but enabled: no vector in service, waiting or armed.  To be
 * called when nothing sends to the core any more; false: an interrupt still comes again and again.
 */
bool lapic_scrub(void);

/* The same as after an INIT, when the APIC takes no interrupt but NMIs before its next owner, or
 * its next mode, enables it: scrubbed, and disabled by software. */
void lapic_reset(void);
#endif
