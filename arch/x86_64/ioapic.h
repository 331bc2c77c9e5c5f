/* SPDX-License-Identifier: BSD-2-Clause */
/* ioapic.h: the physical I/O APICs, which route the interrupts of devices to cores.  Any core, but
 * for ioapic_init(). */
#ifndef ARCH_IOAPIC_H
#define ARCH_IOAPIC_H
#include <stdbool.h>
#include <stdint.h>

/* Masks every pin of all that the MADT names, and the 8259s; once, on the boot core. */
void ioapic_init(void);

/* Routes a GSI to a core; level/low as PCI, edge/high as ISA.  vector 0: as an NMI.  Nothing
 * happens for a GSI that no I/O APIC has. */
void ioapic_route(uint32_t gsi, uint32_t apic_id, uint8_t vector, bool level_low);

/* Ends that. */
void ioapic_mask(uint32_t gsi);
#endif
