/* SPDX-License-Identifier: BSD-2-Clause */
/* vuart.c: the registers of a 16550A (PC16550D data sheet, section 8). */
#include <string.h>
#include "vmm/devices/vuart.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RDA  0x01
#define IER_THRE 0x02
#define IER_RLS  0x04
#define IER_MS   0x08
#define IER_BITS 0x0f

#define IIR_MS      0x00
#define IIR_NONE    0x01
#define IIR_THRE    0x02
#define IIR_RDA     0x04
#define IIR_RLS     0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO    0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04
#define FCR_TRIGGER  6 /* shift */
#define LCR_DLAB     0x80
#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08
#define MCR_LOOP     0x10
#define MCR_BITS     0x1f

#define LSR_DR   0x01
#define LSR_OE   0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_TERI   0x04 /* the trailing edge of RI */
#define MSR_CTS    0x10
#define MSR_DSR    0x20
#define MSR_RI     0x40
#define MSR_DCD    0x80
#define MSR_CHANGE 4 /* shift from a modem line's bit to its delta bit */

#define POLLS 2 /* reads of LSR in a row after which the guest counts as polling */

static bool looping(const struct vuart *u)
{
	return u->mcr & MCR_LOOP;
}

static unsigned depth(const struct vuart *u)
{
	return u->fcr & FCR_ENABLE ? VUART_FIFO : 1;
}

/* --- the receiver --------------------------------------------------------------------------- */

/* Number of bytes that the guest can receive now. */
static uint32_t to_receive(const struct vuart *u)
{
	bool listens;

	if (looping(u))
		return u->loop_head - u->loop_tail;
	listens = u->open || u->ier & IER_RDA || u->polls == POLLS;
	return listens && !u->held ? u->line->waiting(u->ctx) : 0;
}

/* The next received byte; 0 when there is none. */
static uint8_t receive_byte(struct vuart *u)
{
	int c = -1;

	if (!to_receive(u))
		u->polls = 0; /* a blind read: the guest is not polling */
	else if (looping(u))
		c = u->loop[u->loop_tail++ % VUART_FIFO];
	else
		c = u->line->receive(u->ctx);
	u->received += c >= 0 && !looping(u);
	return c < 0 ? 0 : (uint8_t)c;
}

/* --- the transmitter ------------------------------------------------------------------------ */

/* Sends as much of the FIFO as the line takes. */
static void send_fifo(struct vuart *u)
{
	size_t n = u->to_send ? u->line->send(u->ctx, u->fifo, u->to_send) : 0;

	u->sent += n;
	u->to_send -= (unsigned)n;
	memmove(u->fifo, u->fifo + n, u->to_send);
	if (n && !u->to_send)
		u->empty_due = true;
}

static void send_to_itself(struct vuart *u, uint8_t byte)
{
	if (u->loop_head - u->loop_tail < depth(u))
		u->loop[u->loop_head++ % VUART_FIFO] = byte;
	else
		u->overrun = true;
	u->empty_due = true;
}

static void transmit_byte(struct vuart *u, uint8_t byte)
{
	u->empty_due = false;
	if (looping(u)) {
		send_to_itself(u, byte);
		return;
	}
	if (u->to_send < depth(u))
		u->fifo[u->to_send++] = (char)byte;
	else
		u->unsent++;
	send_fifo(u);
}

/* --- interrupts ----------------------------------------------------------------------------- */

/* All waiting bytes arrived at once and no more follow now, so fewer than the trigger level are
 * reported as a time-out (8.4.1). */
static uint8_t receive_cause(const struct vuart *u)
{
	static const uint8_t level[4] = {1, 4, 8, 14};
	uint32_t n = to_receive(u);

	if (!n || !(u->ier & IER_RDA))
		return IIR_NONE;
	if (!(u->fcr & FCR_ENABLE) || n >= level[u->fcr >> FCR_TRIGGER])
		return IIR_RDA;
	return IIR_TIMEOUT;
}

/* The pending cause of highest priority (table IV). */
static uint8_t pending_cause(const struct vuart *u)
{
	uint8_t receives;

	if (u->ier & IER_RLS && u->overrun)
		return IIR_RLS;
	receives = receive_cause(u);
	if (receives != IIR_NONE)
		return receives;
	if (u->ier & IER_THRE && u->empty_due)
		return IIR_THRE;
	return u->ier & IER_MS && u->modem_change ? IIR_MS : IIR_NONE;
}

static void drive_interrupt(struct vuart *u)
{
	bool high = pending_cause(u) != IIR_NONE;

	if (high == u->interrupting)
		return;
	u->interrupting = high;
	u->line->interrupt(u->ctx, high);
}

/* Reads IIR; a read that reports THRE clears that interrupt. */
static uint8_t interrupt_id(struct vuart *u)
{
	uint8_t id = pending_cause(u);

	if (id == IIR_THRE)
		u->empty_due = false;
	return id | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

/* --- the registers -------------------------------------------------------------------------- */

static uint8_t line_status(struct vuart *u)
{
	uint8_t v = u->to_send ? 0 : LSR_THRE | LSR_TEMT;

	u->polls += u->polls < POLLS;
	if (to_receive(u))
		v |= LSR_DR;
	if (u->overrun)
		v |= LSR_OE;
	u->overrun = false;
	return v;
}

/* Modem inputs: a connected terminal; in loopback mode the modem outputs. */
static uint8_t modem_lines(uint8_t mcr)
{
	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (mcr & MCR_DTR ? MSR_DSR : 0) | (mcr & MCR_RTS ? MSR_CTS : 0) |
	       (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static uint8_t modem_status(struct vuart *u)
{
	uint8_t v = modem_lines(u->mcr) | u->modem_change;

	u->modem_change = 0;
	return v;
}

static uint8_t read_register(struct vuart *u, unsigned reg)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg % VUART_PORTS) {
	case RBR_THR:
		return dlab ? u->dll : receive_byte(u);
	case IER:
		return dlab ? u->dlm : u->ier;
	case IIR_FCR:
		return interrupt_id(u);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		return line_status(u);
	case MSR:
		return modem_status(u);
	default:
		return u->scr;
	}
}

uint8_t vuart_read(struct vuart *u, unsigned reg)
{
	uint8_t v;

	spin_lock(&u->lock);
	v = read_register(u, reg);
	drive_interrupt(u);
	spin_unlock(&u->lock);
	return v;
}

static void write_fcr(struct vuart *u, uint8_t value)
{
	bool switched = (u->fcr ^ value) & FCR_ENABLE;

	if (switched || value & FCR_CLEAR_RX) {
		u->loop_tail = u->loop_head;
		if (!(u->ier & IER_RDA))
			u->open = false; /* a driver initialises the port; the last one may not have
			                    closed it */
	}
	if (u->to_send && (switched || value & FCR_CLEAR_TX)) {
		u->unsent += u->to_send;
		u->to_send = 0;
		u->empty_due = true;
	}
	/* the other bits are programmed only together with the first one (8.4) */
	u->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | 3 << FCR_TRIGGER) : 0;
}

static void update_open(struct vuart *u)
{
	if (!(u->mcr & MCR_OUT2))
		u->open = false;
	else if (u->ier & IER_RDA && !looping(u))
		u->open = true;
}

static void write_ier(struct vuart *u, uint8_t value)
{
	if (value & ~u->ier & IER_THRE && !u->to_send)
		u->empty_due = true;
	u->ier = value & IER_BITS;
	update_open(u);
}

static void write_mcr(struct vuart *u, uint8_t value)
{
	uint8_t old = u->mcr, before = modem_lines(old), now = modem_lines(value);

	u->mcr = value & MCR_BITS;
	u->modem_change |= ((before ^ now) & (MSR_CTS | MSR_DSR | MSR_DCD)) >> MSR_CHANGE;
	if (before & ~now & MSR_RI)
		u->modem_change |= MSR_TERI;
	if (value & MCR_RTS || !(value & MCR_DTR))
		u->held = false;
	else if (old & MCR_RTS && old & MCR_DTR)
		u->held = true;
	update_open(u);
}

static void write_register(struct vuart *u, unsigned reg, uint8_t value)
{
	bool dlab = u->lcr & LCR_DLAB;

	reg %= VUART_PORTS;
	if (reg == RBR_THR && !dlab) {
		transmit_byte(u, value);
		return;
	}
	u->polls = 0;
	switch (reg) {
	case RBR_THR:
		u->dll = value;
		break;
	case IER:
		if (dlab)
			u->dlm = value;
		else
			write_ier(u, value);
		break;
	case IIR_FCR:
		write_fcr(u, value);
		break;
	case LCR:
		u->lcr = value;
		break;
	case MCR:
		write_mcr(u, value);
		break;
	case SCR:
		u->scr = value;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
}

void vuart_write(struct vuart *u, unsigned reg, uint8_t value)
{
	spin_lock(&u->lock);
	write_register(u, reg, value);
	drive_interrupt(u);
	spin_unlock(&u->lock);
}

void vuart_line_changed(struct vuart *u)
{
	spin_lock(&u->lock);
	send_fifo(u);
	drive_interrupt(u);
	spin_unlock(&u->lock);
}

/* --- set-up and reset ------------------------------------------------------------------------- */

void vuart_init(struct vuart *u, const struct vuart_line *line, void *ctx)
{
	memset(u, 0, sizeof *u);
	u->line = line;
	u->ctx = ctx;
	vuart_reset(u);
}

static void set_power_on_state(struct vuart *u)
{
	u->ier = u->fcr = u->lcr = u->scr = u->dlm = 0;
	u->dll = 1; /* 115200 baud */
	u->mcr = 0;
	u->open = u->held = u->overrun = false;
	u->empty_due = true;
	u->modem_change = u->polls = 0;
	u->to_send = 0;
	u->loop_head = u->loop_tail = 0;
	u->sent = u->received = u->unsent = 0;
}

void vuart_reset(struct vuart *u)
{
	spin_lock(&u->lock);
	set_power_on_state(u);
	drive_interrupt(u); /* low: nothing is enabled */
	spin_unlock(&u->lock);
}
