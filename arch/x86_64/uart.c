/* The physical 16550A (115200 8N1). */
#include "arch/x86_64/platform.h"

#define UART_IER  1
#define UART_IIR  2
#define UART_FCR  2
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
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
#define DEBUGCON  0xE9 /* Bochs's debug port, QEMU's -debugcon */

static uint16_t base;
static bool absent = true;
static bool receiving = true, lost;
static uint8_t ier;
static int early = -1; /* a byte that came before uart_listen() */

/* Reading it forgets that a byte was lost. */
static uint8_t line_status(void)
{
	uint8_t v = inb(base + UART_LSR);
	lost |= (v & LSR_LOST) != 0;
	return v;
}

/* What has come already stays where it is, and so does the FIFO's mode, because switching that
 * loses it. */
void uart_init(uint16_t port)
{
	base = port;
	outb(base + UART_LCR, 0x80);
	outb(base, 1);
	outb(base + UART_IER, 0);
	outb(base + UART_LCR, 3);
	outb(base + UART_MCR, MCR_READY);
	absent = inb(base + UART_LSR) == 0xFF;
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
		while (!(line_status() & LSR_EMPTY))
			core_pause();
		outb(base, (uint8_t)*s);
	}
}

void uart_drain(void)
{
	while (!absent && !(line_status() & LSR_IDLE))
		core_pause();
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
