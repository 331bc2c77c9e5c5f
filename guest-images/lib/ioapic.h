/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APIC: COM1, and a NIC without MSI on a machine without Patio (82093AA datasheet, 3.0). */
#ifndef GUEST_IOAPIC_H
#define GUEST_IOAPIC_H
#include <stdbool.h>
#include <stdint.h>

/* Sends the active-high input `pin`, a level or an edge, as `vector` to the CPU with this APIC id.
 */
void ioapic_route(unsigned pin, uint32_t apic_id, uint8_t vector, bool level);
#endif
