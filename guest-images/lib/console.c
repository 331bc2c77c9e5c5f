/* SPDX-License-Identifier: BSD-2-Clause */
/* COM1 (16550) by polling: every wait is bounded, so that a machine without a UART does not hang.
 */
#include <stdarg.h>
#include <stdio.h>
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"

#define COM1       0x3f8
#define LCR        (COM1 + 3)
#define LSR        (COM1 + 5)
#define LSR_THRE   0x20
#define LSR_TEMT   0x40
#define DEBUG_EXIT 0xf4
#define PATIENCE   1000000

void console_init(void)
{
	outb(COM1 + 1, 0);
	outb(LCR, 0x80); /* divisor latch: 115200 baud */
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(LCR, 3); /* 8n1 */
	outb(COM1 + 2, 7);
	outb(COM1 + 4, 3);
}

static void wait_for_lsr(uint8_t bit)
{
	for (unsigned i = 0; i < PATIENCE && !(inb(LSR) & bit); i++)
		cpu_pause();
}

static void put_char(char c)
{
	if (c == '\n')
		put_char('\r');
	wait_for_lsr(LSR_THRE);
	outb(COM1, (uint8_t)c);
}

void print(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	for (const char *p = line; *p; p++)
		put_char(*p);
}

_Noreturn void guest_exit(int status)
{
	wait_for_lsr(LSR_TEMT);
	outb(DEBUG_EXIT, (uint8_t)status);
	for (;;)
		__asm__ volatile("cli; hlt");
}
