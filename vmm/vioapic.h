/*
 * vioapic.h: the I/O APIC that a guest sees (82093AA data sheet, 3).  It keeps registers and
 * delivers nothing: what is wired to a pin, the physical device of a guest that has one, is told of
 * each change and sets the machine's own I/O APIC accordingly.
 */
#ifndef VMM_VIOAPIC_H
#define VMM_VIOAPIC_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VIOAPIC_PAGE 0xFEC00000u
#define VIOAPIC_PINS 24

/* Fields of an entry of the redirection table. */
#define VIOAPIC_VECTOR(e)  ((uint8_t)(e))
#define VIOAPIC_MODE(e)    ((unsigned)((e) >> 8) & 7)
#define VIOAPIC_LOGICAL(e) ((bool)((e) >> 11 & 1))
#define VIOAPIC_MASKED(e)  ((bool)((e) >> 16 & 1))
#define VIOAPIC_DEST(e)    ((uint32_t)((e) >> 56))

struct vioapic {
	struct spinlock lock;
	uint32_t select; /* IOREGSEL */
	uint8_t id;
	uint64_t entry[VIOAPIC_PINS];
	void (*changed)(void *ctx, unsigned pin, uint64_t entry);
	void *ctx;
};

/* The state after reset.  `changed` is called, with the lock held, for each entry that was written;
 * NULL: nothing is wired to it. */
void vioapic_init(struct vioapic *a, void (*changed)(void *ctx, unsigned pin, uint64_t entry),
                  void *ctx);

/* The state after reset: all pins masked.  Calls nobody. */
void vioapic_reset(struct vioapic *a);

static inline bool vioapic_claims(uint64_t gpa)
{
	return gpa - VIOAPIC_PAGE < 4096;
}

/* An access to the page at `off` (bytes); one that is no aligned dword reads 0 and is ignored. */
uint32_t vioapic_read(struct vioapic *a, uint32_t off, unsigned size);
void vioapic_write(struct vioapic *a, uint32_t off, unsigned size, uint32_t val);
#endif
