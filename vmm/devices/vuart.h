/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vuart.h: a guest's COM1, a 16550A (National Semiconductor PC16550D data sheet).
 *
 * Output goes to the line as soon as the line takes it; until then it stays in the transmitter's
 * FIFO, and the guest waits for LSR.THRE or its interrupt as for any slow line.
 *
 * Input stays with the line until the guest reads it, so clearing the FIFO loses nothing.  Drivers
 * also read the receiver blindly while they probe and open the port, so input is offered only to a
 * guest that listens:
 *   - its receive interrupt is on, or was on together with MCR.OUT2, which a PC needs for any
 *     interrupt, and since then OUT2 did not go off (as when the port is closed), nor was the
 *     receiver's FIFO cleared with that interrupt off (as when a driver initialises the port); or
 *   - it polls: it has read LSR twice and written nothing but data since.
 * A guest that drops RTS while it keeps DTR gets no input until RTS is back (flow control).
 *
 * Any core may call: all vCPUs of the guest use the port, and its input comes from another core.
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

/* The other end of the line.  All are called with the UART's lock held. */
struct vuart_line {
	size_t (*send)(void *ctx, const char *buf, size_t n); /* returns how many bytes it took */
	uint32_t (*waiting)(void *ctx);                       /* bytes to be received */
	int (*receive)(void *ctx);                            /* the next received byte; -1: none */
	void (*interrupt)(void *ctx, bool high);              /* the INT output changed */
};

struct vuart {
	struct spinlock lock; /* protects all members after `ctx` */
	const struct vuart_line *line;
	void *ctx;
	uint8_t ier, fcr, lcr, scr, dll, dlm;
	_Atomic uint8_t mcr;
	_Atomic bool open;             /* a driver with interrupts has opened the port; see above */
	bool held;                     /* RTS is off: no input */
	bool interrupting;             /* the INT output is high */
	bool overrun;                  /* LSR.OE is to be reported */
	bool empty_due;                /* the THRE interrupt is pending */
	uint8_t modem_change;          /* MSR's delta bits, its low half */
	uint8_t polls;                 /* reads of LSR in a row, up to 2 */
	unsigned to_send;              /* bytes in `fifo` */
	char fifo[VUART_FIFO];         /* the transmitter's FIFO */
	uint32_t loop_head, loop_tail; /* free-running indices of `loop` */
	uint8_t loop[VUART_FIFO];      /* the receiver's FIFO in loopback mode, a ring */
	uint64_t sent, received, unsent; /* bytes; unsent: written to a full FIFO */
};

/* Power-on state; no other core may use *u yet. */
void vuart_init(struct vuart *u, const struct vuart_line *line, void *ctx);

/* Power-on state again, counters 0, unsent output dropped.  No vCPU of the guest runs, but another
 * core may be feeding its console. */
void vuart_reset(struct vuart *u);

/* The guest's access to register `reg`, 0 to 7 (higher bits are ignored). */
uint8_t vuart_read(struct vuart *u, unsigned reg);
void vuart_write(struct vuart *u, unsigned reg, uint8_t value);

/* The line has more input, or takes output again. */
void vuart_line_changed(struct vuart *u);

/* A driver has opened the port, with interrupts. */
static inline bool vuart_is_open(const struct vuart *u)
{
	return atomic_load(&u->open);
}
#endif
