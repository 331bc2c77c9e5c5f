/* SPDX-License-Identifier: BSD-2-Clause */
/* The physical 16550A (8N1). */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/serial.h"
#include "arch/x86_64/uart.h"
#include "lib/x86.h"

#define UART_IER  1
#define UART_IIR  2
#define UART_FCR  2
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_SCR  7
#define IER_DATA  0x01
#define IER_EMPTY 0x02
#define IER_LINE  0x04
#define IIR_FIFO  0xc0
#define FCR_FIFO  0x87 /* enable and clear; interrupt at 8 bytes, or after a pause */
#define MCR_READY 0x0b /* DTR, RTS; OUT2 gates the interrupt line on a PC */
#define MCR_WAIT  0x09
#define LSR_DATA  0x01
#define LSR_LOST  0x02
#define LSR_EMPTY 0x20 /* the FIFO: room for 16 bytes */
#define LSR_IDLE  0x40 /* the shift register too: all is on the line */
#define ISA_IRQS  16
#define PATIENCE                                                                                   \
	4000000u /* reads of LSR, 1 us or more each: a port that is busy for so long is stuck */
#define DEBUGCON 0xe9 /* Bochs's debug port, QEMU's -debugcon */

static struct serial_port port;
static uint16_t base;
static bool absent = true;
static bool receiving = true, overrun;
static uint8_t ier;
static int early_byte = -1; /* a byte that came before uart_listen() */

/* Reading LSR clears the overrun bit, so `lost` records it.  All ones: the port is gone. */
static uint8_t line_status(void)
{
	uint8_t v = inb(base + UART_LSR);

	if (v == 0xff) {
		absent = true;
		return 0;
	}
	overrun |= (v & LSR_LOST) != 0;
	return v;
}

static void wait_for_lsr(uint8_t bit)
{
	for (unsigned i = 0; !absent && !(line_status() & bit); i++) {
		if (i == PATIENCE)
			absent = true;
		core_pause();
	}
}

/* The scratch register returns what was written; without a port, all ones are read. */
static bool probe_scratch(void)
{
	outb(base + UART_SCR, 0x5a);
	return inb(base + UART_SCR) == 0x5a && inb(base + UART_LSR) != 0xff;
}

/* The FIFO's mode is kept, because switching it would lose bytes that were received already. */
void uart_init(const struct serial_port *s)
{
	port = *s;
	base = port.port;
	absent = !base || !probe_scratch();
	if (absent)
		return;
	if (port.divisor) {
		outb(base + UART_LCR, 0x80);
		outb(base, (uint8_t)port.divisor);
		outb(base + 1, (uint8_t)(port.divisor >> 8));
	}
	outb(base + UART_LCR, 3);
	outb(base + UART_IER, 0);
	outb(base + UART_MCR, MCR_READY);
}

bool uart_present(void)
{
	return !absent;
}

bool uart_gsi(uint32_t *gsi)
{
	*gsi = port.has_gsi ? port.gsi : port.irq < ISA_IRQS ? acpi.isa_irq[port.irq].gsi : 0;
	return !absent && (port.has_gsi || port.irq < ISA_IRQS);
}

/* Without the FIFO at most one received byte waits, and once it is read an emulator delivers the
 * next: the FIFO must be enabled right after the read. */
void uart_listen(void)
{
	uart_drain();
	if (absent || (inb(base + UART_IIR) & IIR_FIFO) == IIR_FIFO)
		return;
	if (line_status() & LSR_DATA)
		early_byte = inb(base);
	outb(base + UART_FCR, FCR_FIFO);
}

static void set_interrupts(void)
{
	if (!absent)
		outb(base + UART_IER, ier | (receiving ? IER_DATA : IER_LINE));
}

void uart_interrupts(bool when_empty)
{
	ier = when_empty ? IER_EMPTY : 0;
	set_interrupts();
}

void uart_receive(bool on)
{
	if (absent || on == receiving)
		return;
	receiving = on;
	outb(base + UART_MCR, on ? MCR_READY : MCR_WAIT);
	set_interrupts();
}

bool uart_overran(void)
{
	bool was = overrun;

	overrun = false;
	return was;
}

bool uart_empty(void)
{
	return absent || line_status() & LSR_EMPTY;
}

void uart_put(const char *s, size_t n)
{
	for (; n && !absent; n--, s++) {
		wait_for_lsr(LSR_EMPTY);
		if (!absent)
			outb(base, (uint8_t)*s);
	}
}

void uart_drain(void)
{
	wait_for_lsr(LSR_IDLE);
}

int uart_get(void)
{
	int c = early_byte;

	early_byte = -1;
	if (c >= 0)
		return c;
	if (absent || !(line_status() & LSR_DATA))
		return -1;
	return inb(base);
}

void debugcon_put(const char *s, size_t n)
{
	for (; n; n--)
		outb(DEBUGCON, (uint8_t)*s++);
}
