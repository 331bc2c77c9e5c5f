/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.h: the output queue of the serial port.
 *
 * A byte takes 87 us at 115200 baud, so nobody waits for the port with a lock that another core may
 * want: text goes into a queue, and the boot core feeds the port from it.  A visit fills the
 * chip's FIFO (16 bytes) and enables the interrupt that comes when it is empty again.  Guest output
 * thus costs the boot core at most one visit, a few port accesses, per byte on the line: 11 520 a
 * second if the bytes come one by one, 720 if they are queued together.
 *
 * Guests may fill half of the queue, so that there is room for the VMM's own lines.  Text without
 * room is dropped, and the caller counts it.  The monitor's answers are written on the boot core,
 * which first waits for the port to take all queued text.
 */
#ifndef LIB_TERMINAL_H
#define LIB_TERMINAL_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define TERMINAL_QUEUE 32768 /* bytes; a power of two */
#define TERMINAL_GUEST 16384 /* the part that guests may fill */
#define TERMINAL_PART  512   /* bytes copied under the lock at once, at most */
#define TERMINAL_FIFO  16    /* bytes that an empty 16550A takes (PC16550D, 8.4) */

/* The serial port. */
struct terminal_port {
	bool (*empty)(void);                    /* put() of TERMINAL_FIFO bytes does not wait */
	void (*put)(const char *buf, size_t n); /* waits while the FIFO is full */
	void (*interrupt)(bool when_empty);     /* NULL: it has no interrupt */
	void (*wake)(void);                     /* makes the boot core call terminal_feed() */
};

struct terminal {
	const struct terminal_port *port;
	struct spinlock lock;      /* for the queue; never held while waiting for the port */
	struct spinlock port_lock; /* for feeding the port: boot core, or terminal_end() */
	uint64_t head, tail;       /* free-running: head - tail bytes are queued */
	_Atomic bool busy;         /* the boot core was woken, or the interrupt will come */
	char queue[TERMINAL_QUEUE];
};

/* Queues a guest's output; returns how many bytes had room.  Any core. */
size_t terminal_guest(struct terminal *t, const char *buf, size_t n);

/* Queues all of up to TERMINAL_PART bytes; false: there is no room.  Any core. */
bool terminal_line(struct terminal *t, const char *buf, size_t n);

/* One visit of the boot core: turns the interrupt off and feeds the port without waiting. */
void terminal_feed(struct terminal *t);

/* After the visit, once all input was read: enables the interrupt if the queue is not empty.  It
 * was off in between, so that an edge-triggered line sees an edge. */
void terminal_await(struct terminal *t);

/* Waits until the port has taken all that was queued before this call, and gives it nothing of what
 * comes meanwhile: the caller's text would stand in the middle of such a line. */
void terminal_settle(struct terminal *t);

/* The same at the end of the node; afterwards no other core can use the port.  `alone`: the other
 * cores have stopped, perhaps while holding a lock. */
void terminal_end(struct terminal *t, bool alone);
#endif
