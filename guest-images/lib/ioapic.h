/* The I/O APIC, for a NIC without MSI on a machine without Patio (82093AA datasheet, 3.0). */
#ifndef GUEST_IOAPIC_H
#define GUEST_IOAPIC_H
#include <stdint.h>

/* Sends the level-triggered, active-high input `pin` as `vector` to the CPU with this APIC id. */
void ioapic_route(unsigned pin, uint32_t apic_id, uint8_t vector);
#endif
