/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vioapic.h: the I/O APIC that a guest sees (82093AA data sheet, 3), for COM1 and the pins of
 * physical devices.  A pin that the VMM drives (vioapic_set()) is delivered at once.  The owner of
 * a physical device's pin is called for each change of the pin's entry, and programs the machine's
 * own I/O APIC.
 */
#ifndef VMM_DEVICES_VIOAPIC_H
#define VMM_DEVICES_VIOAPIC_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VIOAPIC_PAGE 0xfec00000u
#define VIOAPIC_PINS 24

/* Fields of an entry of the redirection table. */
#define VIOAPIC_VECTOR(e)  ((uint8_t)(e))
#define VIOAPIC_MODE(e)    ((unsigned)((e) >> 8) & 7)
#define VIOAPIC_LOGICAL(e) ((bool)((e) >> 11 & 1))
#define VIOAPIC_LEVEL(e)   ((bool)((e) >> 15 & 1))
#define VIOAPIC_MASKED(e)  ((bool)((e) >> 16 & 1))
#define VIOAPIC_DEST(e)    ((uint32_t)((e) >> 56))

struct vioapic {
	struct spinlock lock;
	uint32_t select; /* IOREGSEL */
	uint8_t id;
	uint32_t high; /* levels of the pins that the VMM drives, one bit each */
	uint64_t entry[VIOAPIC_PINS];
	void (*deliver)(void *ctx, uint64_t entry);
	void *ctx;
	struct vioapic_wire {
		void (*changed)(void *ctx, uint64_t entry); /* NULL: not a physical device's pin */
		void *ctx;
	} wire[VIOAPIC_PINS];
};

/* `deliver` sends the interrupt that an entry describes; called with the lock held. */
void vioapic_init(struct vioapic *a, void (*deliver)(void *ctx, uint64_t entry), void *ctx);

/* Makes the pin a physical device's: `changed` is called, with the lock held, when its entry was
 * written.  Before the guest runs. */
void vioapic_wire(struct vioapic *a, unsigned pin, void (*changed)(void *ctx, uint64_t entry),
                  void *ctx);

/* The state after reset: all pins low and masked.  Makes no callback. */
void vioapic_reset(struct vioapic *a);

/*
 * Sets the level of a pin that the VMM drives; any core.  A rising edge is delivered unless the pin
 * is masked.  The guest's local APICs report no EOI, so a level-triggered pin is delivered at the
 * edge, too, and again when its entry is written while it is high.
 */
void vioapic_set(struct vioapic *a, unsigned pin, bool high);

static inline bool vioapic_claims(uint64_t gpa)
{
	return gpa - VIOAPIC_PAGE < 4096;
}

/* An access to the page at `off` (bytes); any but an aligned dword reads 0 and is ignored. */
uint32_t vioapic_read(struct vioapic *a, uint32_t off, unsigned size);
void vioapic_write(struct vioapic *a, uint32_t off, unsigned size, uint32_t val);
#endif
