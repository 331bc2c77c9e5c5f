/* SPDX-License-Identifier: BSD-2-Clause */
/* ioapic.h: the physical I/O APICs, which route the interrupts of devices to cores.  To be called
 * on any core, except ioapic_init(). */
#ifndef ARCH_IOAPIC_H
#define ARCH_IOAPIC_H
#include <stdbool.h>
#include <stdint.h>

/* Masks every pin of all I/O APICs in the MADT, and the 8259s; once, on the boot core. */
void ioapic_init(void);

/* Routes a GSI to a core.  level_low: level-triggered, active low (PCI); else edge-triggered,
 * active high (ISA).  vector 0: as an NMI.  A GSI that no I/O APIC has is ignored. */
void ioapic_route(uint32_t gsi, uint32_t apic_id, uint8_t vector, bool level_low);

/* Writes all routes anew, after interrupts began or ceased to be remapped; the control path's. */
void ioapic_route_again(void);

/* Masks the GSI. */
void ioapic_mask(uint32_t gsi);
#endif
