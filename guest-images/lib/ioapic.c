/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APIC at its usual address. */
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/ioapic.h"

#define IOAPIC      0xfec00000ul
#define WINDOW      0x10
#define REDIRECTION 0x10
#define LEVEL       (1u << 15)

static void write_register(unsigned reg, uint32_t v)
{
	mmio_write32(IOAPIC, reg);
	mmio_write32(IOAPIC + WINDOW, v);
}

void ioapic_route(unsigned pin, uint32_t apic_id, uint8_t vector, bool level)
{
	write_register(REDIRECTION + 2 * pin + 1, apic_id << 24);
	write_register(REDIRECTION + 2 * pin, (level ? LEVEL : 0) | vector);
}
