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
#define IIR_FIFO  0xC0
#define FCR_FIFO  0x87 /* on, and empty; the interrupt comes with 8 bytes, or when no more come */
#define MCR_READY 0x0B /* DTR, RTS; OUT2 gates the interrupt line on a PC */
#define MCR_WAIT  0x09
#define LSR_DATA  0x01
#define LSR_LOST  0x02
#define LSR_EMPTY 0x20 /* the FIFO: room for 16 bytes */
#define LSR_IDLE  0x40 /* the shift register too: all is on the line */
#define ISA_IRQS  16
#define PATIENCE                                                                                   \
	4000000u /* reads of LSR, 1 us or more each: a port that is busy for so long is stuck */
#define DEBUGCON 0xE9 /* Bochs's debug port, QEMU's -debugcon */

static struct serial_port port;
static uint16_t base;
static bool absent = true;
static bool receiving = true, lost;
static uint8_t ier;
static int early = -1; /* a byte that came before uart_listen() */

/* Reading it forgets that a byte was lost.  All ones: the port is gone. */
static uint8_t line_status(void)
{
	uint8_t v = inb(base + UART_LSR);
	if (v == 0xFF) {
		absent = true;
		return 0;
	}
	lost |= (v & LSR_LOST) != 0;
	return v;
}

static void wait_for(uint8_t bit)
{
	for (unsigned i = 0; !absent && !(line_status() & bit); i++) {
		if (i == PATIENCE)
			absent = true;
		core_pause();
	}
}

/* The scratch register keeps what is written; a bus without the port reads all ones. */
static bool answers(void)
{
	outb(base + UART_SCR, 0x5A);
	return inb(base + UART_SCR) == 0x5A && inb(base + UART_LSR) != 0xFF;
}

/* What has come already stays where it is, and so does the FIFO's mode, because switching that
 * loses it. */
void uart_init(const struct serial_port *s)
{
	port = *s;
	base = port.port;
	absent = !base || !answers();
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

/* Without the FIFO one byte at most has come, and an emulator hands over the next one when that is
 * read: nothing may stand between this and the switch. */
void uart_listen(void)
{
	uart_drain();
	if (absent || (inb(base + UART_IIR) & IIR_FIFO) == IIR_FIFO)
		return;
	if (line_status() & LSR_DATA)
		early = inb(base);
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
	bool was = lost;
	lost = false;
	return was;
}

bool uart_empty(void)
{
	return absent || line_status() & LSR_EMPTY;
}

void uart_put(const char *s, size_t n)
{
	for (; n && !absent; n--, s++) {
		wait_for(LSR_EMPTY);
		if (!absent)
			outb(base, (uint8_t)*s);
	}
}

void uart_drain(void)
{
	wait_for(LSR_IDLE);
}

int uart_get(void)
{
	int c = early;
	early = -1;
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
