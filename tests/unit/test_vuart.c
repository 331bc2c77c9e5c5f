/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual UART as drivers probe, open, poll and serve it by interrupts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/devices/vuart.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define FCR     IIR
#define OPEN    0x0b /* MCR: DTR, RTS, OUT2 */
#define LOOP    0x10
#define RDA     0x01
#define THRE    0x02
#define RLS     0x04
#define MODEM   0x08
#define EMPTY   0x60 /* LSR: THRE, TEMT */
#define NOTHING 0xc1 /* IIR with the FIFOs on */

static char printed[64], typed[256];
static unsigned n_printed, room, n_typed, n_read, edges;
static bool high;
static struct vuart u;

static size_t send(void *ctx, const char *buf, size_t n)
{
	assert_ptr_equal(ctx, printed);
	n = n < room ? n : room;
	memcpy(printed + n_printed, buf, n);
	n_printed += (unsigned)n;
	room -= (unsigned)n;
	return n;
}

static uint32_t waiting(void *ctx)
{
	assert_ptr_equal(ctx, printed);
	return n_typed - n_read;
}

static int receive(void *ctx)
{
	assert_ptr_equal(ctx, printed);
	return n_read < n_typed ? typed[n_read++] : -1;
}

static void interrupt(void *ctx, bool now)
{
	assert_ptr_equal(ctx, printed);
	assert_true(high != now);
	high = now;
	edges += now;
}

static const struct vuart_line line = {send, waiting, receive, interrupt};

static int setup(void **state)
{
	(void)state;
	n_printed = n_typed = n_read = edges = 0;
	room = sizeof printed;
	high = false;
	vuart_init(&u, &line, printed);
	return 0;
}

static void put(unsigned reg, uint8_t value)
{
	vuart_write(&u, reg, value);
}

static uint8_t get(unsigned reg)
{
	return vuart_read(&u, reg);
}

static void type(const char *text)
{
	size_t n = strlen(text);

	memcpy(typed + n_typed, text, n);
	n_typed += (unsigned)n;
	vuart_line_changed(&u);
}

static void prints(const char *text)
{
	assert_int_equal(n_printed, strlen(text));
	assert_memory_equal(printed, text, n_printed);
}

/* As a driver opens the port that has interrupts. */
static void open_port(uint8_t fcr, uint8_t ier)
{
	put(FCR, fcr);
	put(LCR, 3);
	put(MCR, OPEN);
	put(IER, ier);
}

static void polled_output_and_input(void **state)
{
	(void)state;
	assert_int_equal(get(LSR), EMPTY);
	put(DATA, 'h');
	put(DATA, 'i');
	prints("hi");
	type("xy");
	assert_int_equal(get(LSR), EMPTY | 1);
	assert_int_equal(get(DATA), 'x');
	assert_int_equal(get(DATA), 'y');
	assert_int_equal(get(LSR), EMPTY);
	assert_int_equal(get(DATA), 0);
	assert_int_equal(get(MSR), 0xb0);
	assert_int_equal(u.sent, 2);
	assert_int_equal(u.received, 2);
	assert_int_equal(edges, 0);
}

/* The tests that Linux's 8250 driver makes: scratch, divisor latch, loopback, FIFO. */
static void registers_of_a_probe(void **state)
{
	(void)state;
	put(SCR, 0xa5);
	assert_int_equal(get(SCR), 0xa5);
	put(LCR, 0x83);
	put(DATA, 0x0c);
	put(IER, 0x34);
	assert_int_equal(get(DATA), 0x0c);
	assert_int_equal(get(IER), 0x34);
	put(LCR, 0x03);
	assert_int_equal(get(IER), 0);
	put(IER, 0xff);
	assert_int_equal(get(IER), 0x0f);
	put(IER, 0);
	put(MCR, 0xff);
	assert_int_equal(get(MCR), 0x1f);
	put(MCR, 0x1a);
	assert_int_equal(get(MSR) & 0xf0, 0x90);
	put(MCR, 0);
	put(LSR, 0xff);
	put(MSR, 0xff);
	assert_int_equal(get(LCR), 0x03);
	assert_int_equal(get(IIR), 0x01);
	put(FCR, 0x01);
	assert_int_equal(get(IIR) >> 6, 3);
	put(FCR, 0xc0); /* ignored without its first bit, which goes off */
	assert_int_equal(get(IIR) >> 6, 0);
	prints("");
}

static void loopback(void **state)
{
	(void)state;
	put(FCR, 0x07);
	put(MCR, LOOP);
	type("w");
	assert_int_equal(get(LSR), EMPTY);
	for (unsigned i = 0; i < VUART_FIFO + 1; i++)
		put(DATA, (uint8_t)i);
	assert_int_equal(get(LSR), EMPTY | 3);
	for (unsigned i = 0; i < VUART_FIFO; i++)
		assert_int_equal(get(DATA), i);
	assert_int_equal(get(LSR), EMPTY);
	put(DATA, 1);
	put(FCR, 0x03);
	assert_int_equal(get(LSR), EMPTY);
	prints("");
}

/* Linux 6.1, serial8250_do_startup() and the set_termios() that follows: the receiver is read
 * blindly twice, the FIFOs are cleared and switched, and nothing of what waits is lost by that. */
static void what_waits_survives_probing_and_opening(void **state)
{
	(void)state;
	type("script");
	for (unsigned i = 0; i < 20; i++)
		get(LSR); /* the kernel's console has printed by polling before */
	put(IER, 0x0f);
	put(IER, 0);
	for (unsigned i = 0; i < 3; i++) {
		put(FCR, 0x01);
		put(FCR, 0x07);
		put(FCR, 0x00);
		get(LSR);
		assert_int_equal(get(DATA), 0);
		get(IIR);
		get(MSR);
	}
	put(LCR, 3);
	put(MCR, 0x08);
	put(IER, THRE);
	assert_int_equal(get(LSR), EMPTY);
	put(IER, 0);
	get(LSR);
	assert_int_equal(get(DATA), 0);
	put(MCR, OPEN);
	put(IER, RDA | RLS);
	put(FCR, 0x01);
	put(FCR, 0x81);
	for (const char *c = "script"; *c; c++) {
		assert_int_equal(get(LSR), EMPTY | 1);
		assert_int_equal(get(DATA), *c);
	}
	assert_int_equal(get(LSR), EMPTY);
	type("more"); /* and closing: the receiver is read once more */
	put(IER, 0);
	put(MCR, 0x03);
	put(FCR, 0x07);
	put(FCR, 0x00);
	assert_int_equal(get(DATA), 0);
	assert_int_equal(n_typed - n_read, 4);
}

static void who_reads_it(void **state)
{
	(void)state;
	put(IER, 0x0f); /* a probe without OUT2 opens nothing */
	put(IER, 0);
	put(MCR, 0x01);
	assert_false(vuart_is_open(&u));
	open_port(0x81, RDA);
	assert_true(vuart_is_open(&u));
	put(IER, 0); /* the kernel's console prints meanwhile */
	assert_true(vuart_is_open(&u));
	put(MCR, 0x01);
	assert_false(vuart_is_open(&u));
	put(MCR, OPEN | LOOP); /* a test of the chip */
	put(IER, RDA);
	assert_false(vuart_is_open(&u));
	put(MCR, OPEN);
	assert_true(vuart_is_open(&u));
	put(FCR, 0x83);
	assert_true(vuart_is_open(&u));
	put(IER, 0); /* the next kernel, by kexec */
	put(FCR, 0x01);
	assert_true(vuart_is_open(&u));
	put(FCR, 0x07);
	assert_false(vuart_is_open(&u));
}

static void receive_interrupts(void **state)
{
	(void)state;
	open_port(0x81, RDA); /* trigger level 8 */
	assert_false(high);
	type("1234567");
	assert_true(high);
	assert_int_equal(get(IIR), 0xcc);
	type("8");
	assert_int_equal(get(IIR), 0xc4);
	assert_int_equal(edges, 1); /* it was high all the time */
	get(DATA);
	assert_int_equal(get(IIR), 0xcc);
	for (unsigned i = 0; i < 7; i++)
		get(DATA);
	assert_false(high);
	assert_int_equal(get(IIR), NOTHING);
	type("9");
	assert_true(high);
	assert_int_equal(edges, 2);
	put(IER, 0);
	assert_false(high);
	put(FCR, 0); /* without FIFO no time-out */
	put(IER, RDA);
	assert_int_equal(get(IIR), 0x04);
}

static void transmit_interrupts(void **state)
{
	(void)state;
	open_port(0x01, THRE);
	assert_true(high);
	assert_int_equal(get(IIR), 0xc2); /* which settles it */
	assert_false(high);
	assert_int_equal(get(IIR), NOTHING);
	for (unsigned i = 0; i < VUART_FIFO; i++)
		put(DATA, 'a');
	assert_true(high);
	assert_int_equal(edges, 2); /* one for a FIFO full */
	put(IER, 0);
	get(IIR);
	put(IER, THRE); /* switched on again: due again */
	assert_int_equal(get(IIR), 0xc2);
	put(IER, 0);
	put(IER, THRE);
	assert_int_equal(get(IIR), 0xc2);
}

static void a_line_that_has_no_room(void **state)
{
	(void)state;
	open_port(0x01, THRE);
	get(IIR);
	room = 3;
	for (const char *c = "0123456789abcdefgh!"; *c; c++)
		put(DATA, (uint8_t)*c);
	prints("012");
	assert_int_equal(get(LSR), 0); /* neither THRE nor TEMT */
	assert_int_equal(get(IIR), NOTHING);
	assert_int_equal(u.unsent, 0);
	put(DATA, '?'); /* as on a chip: it does not fit */
	assert_int_equal(u.unsent, 1);
	room = 15;
	vuart_line_changed(&u);
	prints("0123456789abcdefgh");
	assert_int_equal(get(LSR), 0);
	assert_false(high);
	room = 1;
	vuart_line_changed(&u);
	prints("0123456789abcdefgh!");
	assert_int_equal(get(LSR), EMPTY);
	assert_true(high);
	assert_int_equal(get(IIR), 0xc2);
	put(FCR, 0); /* without FIFO one byte waits */
	put(DATA, 'x');
	put(DATA, 'y');
	assert_int_equal(u.unsent, 2);
	put(FCR, 0x05); /* clearing drops it */
	assert_int_equal(u.unsent, 3);
	assert_int_equal(get(LSR), EMPTY);
}

static void causes_by_priority(void **state)
{
	(void)state;
	open_port(0x01, 0x0f);
	put(MCR, LOOP | 0x04); /* the modem's lines change: CTS, DSR, DCD go; RI comes */
	for (unsigned i = 0; i < VUART_FIFO + 1; i++)
		put(DATA, 0);
	assert_int_equal(get(IIR), 0xc6); /* overrun */
	get(LSR);
	assert_int_equal(get(IIR), 0xc4);
	for (unsigned i = 0; i < VUART_FIFO; i++)
		get(DATA);
	assert_int_equal(get(IIR), 0xc2);
	assert_int_equal(get(IIR), 0xc0);
	assert_int_equal(get(MSR), 0x4b); /* RI; changed: CTS, DSR, DCD */
	assert_int_equal(get(IIR), NOTHING);
	put(MCR, LOOP);
	assert_int_equal(get(MSR), 0x04); /* RI's trailing edge */
	assert_false(high);
}

static void rts_holds_the_line(void **state)
{
	(void)state;
	put(MCR, 0x09); /* one that never had RTS is not held */
	put(IER, RDA);
	type("a");
	assert_int_equal(get(DATA), 'a');
	put(MCR, OPEN);
	put(MCR, 0x09);
	type("b");
	assert_false(high);
	assert_int_equal(get(LSR), EMPTY);
	put(MCR, OPEN);
	assert_true(high);
	assert_int_equal(get(DATA), 'b');
	put(MCR, 0x09);
	put(MCR, 0x08); /* DTR goes: no flow control any more */
	type("c");
	assert_int_equal(get(DATA), 'c');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(polled_output_and_input, setup),
	    cmocka_unit_test_setup(registers_of_a_probe, setup),
	    cmocka_unit_test_setup(loopback, setup),
	    cmocka_unit_test_setup(what_waits_survives_probing_and_opening, setup),
	    cmocka_unit_test_setup(who_reads_it, setup),
	    cmocka_unit_test_setup(receive_interrupts, setup),
	    cmocka_unit_test_setup(transmit_interrupts, setup),
	    cmocka_unit_test_setup(a_line_that_has_no_room, setup),
	    cmocka_unit_test_setup(causes_by_priority, setup),
	    cmocka_unit_test_setup(rts_holds_the_line, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
