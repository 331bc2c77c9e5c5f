/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpit.h: the interval timer that a guest sees (Intel 8254 data sheet) and port 61h, against which
 * programs calibrate other clocks: readable counts and outputs, but no interrupt.
 *
 * No timer runs: a counter's value is computed from the TSC when it is read.  A new count in modes
 * 2 and 3 takes effect at once, not at the end of the period.
 */
#ifndef VMM_DEVICES_VPIT_H
#define VMM_DEVICES_VPIT_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VPIT_PORT  0x40
#define VPIT_PORTS 4
#define VPIT_GATE  0x61 /* I/O port: counter 2's gate and output */

struct vpit_counter {
	uint8_t mode;   /* 0 to 5 */
	uint8_t access; /* 1: low byte, 2: high byte, 3: low, then high */
	bool bcd;
	bool loaded;            /* a count was written; in modes 1 and 5 it waits for a trigger */
	bool triggered;         /* in modes 1 and 5: counting */
	bool gate;              /* level of the gate input */
	bool read_high;         /* access 3: the high byte is next */
	bool write_high;        /* access 3: the next write is the high byte */
	bool latched;           /* reads return `latch` */
	bool status_latched;    /* the next read returns `status` */
	uint8_t low, status;    /* low: written, while the high byte is awaited */
	uint16_t latch;         /* the latched count, in BCD if the counter is */
	uint32_t reload, count; /* 1 to 65536 (BCD: 10000): as written, as now counted down */
	uint64_t start, held;   /* TSC: when it began; while the gate is low: how long it had run */
};

struct vpit {
	struct spinlock lock;
	uint64_t tsc_hz;
	uint8_t gate; /* port 61h, as written */
	struct vpit_counter counter[3];
};

/* The state a PC's firmware leaves, at TSC `now`; no other core may use *p yet. */
void vpit_init(struct vpit *p, uint64_t tsc_hz, uint64_t now);

/* An access at TSC `now` to I/O port VPIT_PORT + `reg`, 0 to 3, or to port 61h.  Any core. */
uint8_t vpit_read(struct vpit *p, unsigned reg, uint64_t now);
void vpit_write(struct vpit *p, unsigned reg, uint8_t value, uint64_t now);
uint8_t vpit_read_gate(struct vpit *p, uint64_t now);
void vpit_write_gate(struct vpit *p, uint8_t value, uint64_t now);
#endif
