/* The physical 16550A (115200 8N1). */
#include "arch/x86_64/platform.h"

#define UART_IER  1
#define UART_FCR  2
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define IER_DATA  0x01
#define IER_EMPTY 0x02
#define LSR_DATA  0x01
#define LSR_EMPTY 0x20 /* the FIFO: room for 16 bytes */
#define LSR_IDLE  0x40 /* the shift register too: all is on the line */
#define DEBUGCON  0xE9 /* Bochs's debug port, QEMU's -debugcon */

static uint16_t base;
static bool absent = true;

void uart_init(uint16_t port)
{
	base = port;
	outb(base + UART_LCR, 0x80);
	outb(base, 1);
	outb(base + UART_IER, 0);
	outb(base + UART_LCR, 3);
	outb(base + UART_FCR, 7);
	outb(base + UART_MCR, 0x0B); /* OUT2 gates the interrupt line on a PC */
	absent = inb(base + UART_LSR) == 0xFF;
}

void uart_interrupts(bool when_empty)
{
	if (!absent)
		outb(base + UART_IER, when_empty ? IER_DATA | IER_EMPTY : IER_DATA);
}

bool uart_empty(void)
{
	return absent || inb(base + UART_LSR) & LSR_EMPTY;
}

void uart_put(const char *s, size_t n)
{
	for (; n && !absent; n--, s++) {
		while (!(inb(base + UART_LSR) & LSR_EMPTY))
			core_pause();
		outb(base, (uint8_t)*s);
	}
}

void uart_drain(void)
{
	while (!absent && !(inb(base + UART_LSR) & LSR_IDLE))
		core_pause();
}

int uart_get(void)
{
	if (absent || !(inb(base + UART_LSR) & LSR_DATA))
		return -1;
	return inb(base);
}

void debugcon_put(const char *s, size_t n)
{
	for (; n; n--)
		outb(DEBUGCON, (uint8_t)*s++);
}
