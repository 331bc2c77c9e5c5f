/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vuart.h: a guest's COM1, a 16550A (National Semiconductor PC16550D data sheet).
 *
 * What the guest sends goes to the line as soon as the line takes it; until then it stays in the
 * transmitter's FIFO, and the guest waits for LSR.THRE or its interrupt as for any slow line.
 *
 * What comes in stays with the line until the guest reads it: a FIFO that is cleared loses nothing,
 * because nothing was in it.  Drivers also read the receiver blindly while they probe and open the
 * port, so there is something to receive only for a guest that listens:
 *   - its receive interrupt is on, or was switched on with MCR.OUT2, which a PC needs for any
 *     interrupt, and since then neither OUT2 went off, as when the port is closed, nor was the
 *     receiver's FIFO cleared with that interrupt off, as when a driver begins; or
 *   - it polls: reads LSR twice, and writes nothing but data meanwhile.
 * A guest that takes RTS away while it keeps DTR gets nothing until RTS is back (flow control).
 *
 * Any core: all vCPUs of the guest reach it, and who types at it is on another core.
 */
#ifndef VMM_DEVICES_VUART_H
#define VMM_DEVICES_VUART_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VUART_PORTS 8 /* consecutive I/O ports, COM1: 0x3f8 */
#define VUART_FIFO  16

/* The other end.  All are called with the UART's lock held. */
struct vuart_line {
	size_t (*send)(void *ctx, const char *buf, size_t n); /* returns how many bytes it took */
	uint32_t (*waiting)(void *ctx);                       /* bytes to be received */
	int (*receive)(void *ctx);                            /* the next one; -1: none */
	void (*interrupt)(void *ctx, bool high);              /* the INT output changed */
};

struct vuart {
	struct spinlock lock; /* of all that follows `ctx` */
	const struct vuart_line *line;
	void *ctx;
	uint8_t ier, fcr, lcr, scr, dll, dlm;
	_Atomic uint8_t mcr;
	_Atomic bool open;               /* by a driver with interrupts; see above */
	bool held;                       /* RTS went off */
	bool interrupting;               /* the INT output is high */
	bool overrun;                    /* LSR.OE is due */
	bool empty_due;                  /* the THRE interrupt is due */
	uint8_t modem_change;            /* MSR's low half */
	uint8_t polls;                   /* reads of LSR in a row, up to 2 */
	unsigned to_send;                /* bytes in `fifo` */
	char fifo[VUART_FIFO];           /* the transmitter's */
	uint32_t loop_head, loop_tail;   /* the receiver's, in loopback mode */
	uint8_t loop[VUART_FIFO];        /* a ring */
	uint64_t sent, received, unsent; /* bytes; unsent: written to a full FIFO */
};

/* Power-on state; nobody else reaches *u. */
void vuart_init(struct vuart *u, const struct vuart_line *line, void *ctx);

/* Power-on state again, and the counters 0.  No vCPU of the guest runs, but who feeds its console
 * may be inside; what waited to be sent is gone. */
void vuart_reset(struct vuart *u);

/* The guest's access to register `reg`, 0 to 7 (higher bits are ignored). */
uint8_t vuart_read(struct vuart *u, unsigned reg);
void vuart_write(struct vuart *u, unsigned reg, uint8_t value);

/* The line has more to be received, or takes bytes again. */
void vuart_line_changed(struct vuart *u);

/* A driver has opened the port, with interrupts. */
static inline bool vuart_is_open(const struct vuart *u)
{
	return atomic_load(&u->open);
}
#endif
