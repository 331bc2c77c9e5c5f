/*
 * vuart.h: a 16550A as a guest sees it that polls (National Semiconductor PC16550D data sheet).
 *
 * The transmitter is always empty: a written byte is handed over at once.  There is no interrupt
 * line; IIR tells what would be pending, so that probes find a sane chip.
 *
 * Any core: all vCPUs of the guest reach it, and who types at it is on another core.
 */
#ifndef VMM_VUART_H
#define VMM_VUART_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VUART_PORTS 8    /* consecutive I/O ports, COM1: 0x3f8 */
#define VUART_INPUT 1024 /* bytes of input kept until the guest reads them; a power of two */

#define VUART_FIFO 16 /* depth of the chip's own FIFO, seen in loopback mode only */

struct vuart {
	struct spinlock lock; /* of all that follows `ctx`; not held while out() runs */
	void (*out)(void *ctx, uint8_t byte);
	void *ctx;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool overrun, thr_told; /* LSR.OE is due; the THRE condition was read off IIR */
	uint32_t head, tail;    /* head - tail bytes wait in the ring */
	uint8_t ring[VUART_INPUT];
	uint32_t loop_head, loop_tail;
	uint8_t loop[VUART_FIFO];               /* bytes sent to itself in loopback mode: a ring */
	uint64_t sent, received, input_dropped; /* counters, bytes */
};

/* Power-on state; nobody else reaches *u.  out() receives each byte that the guest sends: the vCPUs
 * call it at the same time. */
void vuart_init(struct vuart *u, void (*out)(void *ctx, uint8_t byte), void *ctx);

/* The guest's access to register `reg`, 0 to 7 (higher bits are ignored). */
uint8_t vuart_read(struct vuart *u, unsigned reg);
void vuart_write(struct vuart *u, unsigned reg, uint8_t value);

/* A byte arrives from outside; false (and counted) when the ring is full. */
bool vuart_input(struct vuart *u, uint8_t byte);
#endif
