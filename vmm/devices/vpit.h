/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpit.h: the interval timer that a guest sees (Intel 8254 data sheet) and port 61h, by which
 * programs measure other clocks: counts and outputs to be read, and no interrupt.
 *
 * Nothing runs: what a counter shows is computed from the time stamp counter when it is asked.  A
 * new count in modes 2 and 3 takes effect at once, not at the end of the period.
 */
#ifndef VMM_DEVICES_VPIT_H
#define VMM_DEVICES_VPIT_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VPIT_PORT  0x40
#define VPIT_PORTS 4
#define VPIT_GATE  0x61 /* the port that gates counter 2 and shows its output */

struct vpit_counter {
	uint8_t mode;   /* 0 to 5 */
	uint8_t access; /* 1: low byte, 2: high byte, 3: low, then high */
	bool bcd;
	bool loaded;            /* it has a count: of modes 1 and 5 it waits for a trigger */
	bool triggered;         /* of modes 1 and 5: it counts */
	bool gate;              /* its input */
	bool read_high;         /* access 3: the high byte is next */
	bool write_high;        /* the same of writes */
	bool latched;           /* `latch` is what is read */
	bool status_latched;    /* `status` is read first */
	uint8_t low, status;    /* the low byte that was written; see above */
	uint16_t latch;         /* as it is read */
	uint32_t reload, count; /* 1 to 65536 (BCD: 10000): written, being counted down */
	uint64_t start, held;   /* TSC: when it began; of a gate that is low: how long it had run */
};

struct vpit {
	struct spinlock lock;
	uint64_t tsc_hz;
	uint8_t gate; /* port 61h, as written */
	struct vpit_counter counter[3];
};

/* As a PC's firmware leaves it at TSC `now`; nobody else reaches *p. */
void vpit_init(struct vpit *p, uint64_t tsc_hz, uint64_t now);

/* An access at TSC `now` to port VPIT_PORT + `reg`, 0 to 3, or to port 61h.  Any core. */
uint8_t vpit_read(struct vpit *p, unsigned reg, uint64_t now);
void vpit_write(struct vpit *p, unsigned reg, uint8_t value, uint64_t now);
uint8_t vpit_read_gate(struct vpit *p, uint64_t now);
void vpit_write_gate(struct vpit *p, uint8_t value, uint64_t now);
#endif
