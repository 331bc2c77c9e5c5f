/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.h: what waits for the serial port.
 *
 * A byte takes 87 us at 115200 baud, so nobody waits for the port with a lock that another core may
 * want: text goes into a queue, and the boot core feeds the port from it.  A visit fills the
 * chip's FIFO (16 bytes) and asks for the interrupt that says when it is empty again.  What guests
 * print can therefore cost the boot core at most a visit for each byte on the line, 11 520 a second
 * when the bytes come one by one, and 720 when they wait together; a visit is some port accesses.
 *
 * Guests may fill half of the queue, so that the VMM's own lines find room.  What has none is
 * dropped, and the caller counts it.  The monitor's answers come on the boot core itself: that one
 * waits for the port, first for what was queued before.
 */
#ifndef LIB_TERMINAL_H
#define LIB_TERMINAL_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define TERMINAL_QUEUE 32768 /* bytes; a power of two */
#define TERMINAL_GUEST 16384 /* of these: that guests may fill */
#define TERMINAL_PART  512   /* bytes copied under the lock at once, at most */
#define TERMINAL_FIFO  16    /* bytes that an empty 16550A takes (PC16550D, 8.4) */

/* The serial port. */
struct terminal_port {
	bool (*empty)(void);                    /* it takes TERMINAL_FIFO bytes without waiting */
	void (*put)(const char *buf, size_t n); /* waits where there is no room */
	void (*interrupt)(bool when_empty);     /* NULL: it has no interrupt */
	void (*wake)(void);                     /* gets the boot core to call terminal_feed() */
};

struct terminal {
	const struct terminal_port *port;
	struct spinlock lock;      /* of the queue; nobody waits for the port with it */
	struct spinlock port_lock; /* who feeds the port: the boot core, or the end of the node */
	uint64_t head, tail;       /* free-running: head - tail bytes wait */
	_Atomic bool busy;         /* the boot core was woken, or the interrupt will come */
	char queue[TERMINAL_QUEUE];
};

/* Queues what a guest printed; returns how many bytes had room.  Any core. */
size_t terminal_guest(struct terminal *t, const char *buf, size_t n);

/* Queues up to TERMINAL_PART bytes whole, in order with all others; false: there is no room.  Any
 * core. */
bool terminal_line(struct terminal *t, const char *buf, size_t n);

/* One visit of the boot core: feeds the port without waiting, its interrupt off. */
void terminal_feed(struct terminal *t);

/* After the visit, when all that came in was read: asks for the interrupt if there is more.  The
 * line was low before, as an edge-triggered one must have been. */
void terminal_await(struct terminal *t);

/* Waits until the port has taken all that was queued before this call. */
void terminal_settle(struct terminal *t);

/* The same at the end of the node; nobody else reaches the port afterwards.  `alone`: the other
 * cores have stopped, maybe with a lock. */
void terminal_end(struct terminal *t, bool alone);
#endif
