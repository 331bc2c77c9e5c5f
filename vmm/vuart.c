/* vuart.c: the registers of a 16550A (PC16550D data sheet, section 8). */
#include <string.h>
#include "vmm/vuart.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RDA  0x01
#define IER_THRE 0x02
#define IER_RLS  0x04
#define IER_BITS 0x0f

#define IIR_NONE 0x01
#define IIR_THRE 0x02
#define IIR_RDA  0x04
#define IIR_RLS  0x06
#define IIR_FIFO 0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02
#define LCR_DLAB     0x80
#define MCR_LOOP     0x10
#define MCR_BITS     0x1f

#define LSR_DR   0x01
#define LSR_OE   0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI  0x40
#define MSR_DCD 0x80

void vuart_init(struct vuart *u, void (*out)(void *ctx, uint8_t byte), void *ctx)
{
	memset(u, 0, sizeof *u);
	u->out = out;
	u->ctx = ctx;
	u->dll = 1; /* 115200 baud */
}

static bool looping(const struct vuart *u)
{
	return u->mcr & MCR_LOOP;
}

static bool data_ready(const struct vuart *u)
{
	return looping(u) ? u->loop_head != u->loop_tail : u->head != u->tail;
}

/* The next received byte; 0 when there is none. */
static uint8_t receive(struct vuart *u)
{
	if (!data_ready(u))
		return 0;
	if (!looping(u)) {
		u->received++;
		return u->ring[u->tail++ % VUART_INPUT];
	}
	return u->loop[u->loop_tail++ % VUART_FIFO];
}

/* True: the byte goes out to the console. */
static bool transmit(struct vuart *u, uint8_t byte)
{
	u->thr_told = false;
	if (!looping(u)) {
		u->sent++;
		return true;
	}
	unsigned depth = u->fcr & FCR_ENABLE ? VUART_FIFO : 1;
	if (u->loop_head - u->loop_tail < depth)
		u->loop[u->loop_head++ % VUART_FIFO] = byte;
	else
		u->overrun = true;
	return false;
}

/* The pending cause of highest priority; reading it as THRE settles that one. */
static uint8_t interrupt_id(struct vuart *u)
{
	uint8_t fifo = u->fcr & FCR_ENABLE ? IIR_FIFO : 0;
	if (u->ier & IER_RLS && u->overrun)
		return fifo | IIR_RLS;
	if (u->ier & IER_RDA && data_ready(u))
		return fifo | IIR_RDA;
	if (u->ier & IER_THRE && !u->thr_told) {
		u->thr_told = true;
		return fifo | IIR_THRE;
	}
	return fifo | IIR_NONE;
}

static uint8_t line_status(struct vuart *u)
{
	uint8_t v = LSR_THRE | LSR_TEMT;
	if (data_ready(u))
		v |= LSR_DR;
	if (u->overrun)
		v |= LSR_OE;
	u->overrun = false;
	return v;
}

/* A connected terminal; in loopback mode the modem-control outputs come back as inputs. */
static uint8_t modem_status(const struct vuart *u)
{
	if (!looping(u))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (u->mcr & 1 ? MSR_DSR : 0) | (u->mcr & 2 ? MSR_CTS : 0) | (u->mcr & 4 ? MSR_RI : 0) |
	       (u->mcr & 8 ? MSR_DCD : 0);
}

static uint8_t read_register(struct vuart *u, unsigned reg)
{
	bool dlab = u->lcr & LCR_DLAB;
	switch (reg % VUART_PORTS) {
	case RBR_THR:
		return dlab ? u->dll : receive(u);
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
	spin_lock(&u->lock);
	uint8_t v = read_register(u, reg);
	spin_unlock(&u->lock);
	return v;
}

/* Bytes in the ring have not reached the chip yet: clearing the receive FIFO leaves them, so that
 * what a user typed ahead survives a driver's start. */
static void write_fcr(struct vuart *u, uint8_t value)
{
	if ((u->fcr ^ value) & FCR_ENABLE || value & FCR_CLEAR_RX)
		u->loop_tail = u->loop_head;
	u->fcr = value & FCR_ENABLE;
}

static void write_ier(struct vuart *u, uint8_t value)
{
	if (value & ~u->ier & IER_THRE)
		u->thr_told = false;
	u->ier = value & IER_BITS;
}

/* True: a byte goes out to the console. */
static bool write_register(struct vuart *u, unsigned reg, uint8_t value)
{
	bool dlab = u->lcr & LCR_DLAB;
	switch (reg % VUART_PORTS) {
	case RBR_THR:
		if (!dlab)
			return transmit(u, value);
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
		u->mcr = value & MCR_BITS;
		break;
	case SCR:
		u->scr = value;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
	return false;
}

void vuart_write(struct vuart *u, unsigned reg, uint8_t value)
{
	spin_lock(&u->lock);
	bool goes_out = write_register(u, reg, value);
	spin_unlock(&u->lock);
	if (goes_out)
		u->out(u->ctx, value);
}

bool vuart_input(struct vuart *u, uint8_t byte)
{
	spin_lock(&u->lock);
	bool room = u->head - u->tail < VUART_INPUT;
	if (room) {
		u->ring[u->head++ % VUART_INPUT] = byte;
	} else {
		u->input_dropped++;
		u->overrun = true;
	}
	spin_unlock(&u->lock);
	return room;
}
