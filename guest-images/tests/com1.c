/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * com1.c: COM1 with its interrupt, an edge at pin 4 of the I/O APIC: sending, receiving, and that a
 * driver that reads the receiver blindly while it opens the port loses no byte.  Options: n (bytes
 * to read; their checksum is printed), poll (reads without the interrupt), page (the APIC as an
 * xAPIC page).
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/ioapic.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"

#define COM1    0x3f8
#define PIN     4
#define VECTOR  0x61
#define FIFO    16
#define QUIET   2000 /* polls without an interrupt, after which none is expected */
#define FNV     2166136261u
#define FNV_MUL 16777619u

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR };
#define FCR      IIR
#define IER_RDA  1
#define IER_THRE 2

static volatile unsigned interrupts, empties, received;
static volatile uint32_t sum = FNV;

static void read_received(void)
{
	while (inb(COM1 + LSR) & 1) {
		sum = (sum ^ inb(COM1 + DATA)) * FNV_MUL;
		received++;
	}
}

/* Handles causes until none is left: only then does the next one make an edge. */
static void serve(void)
{
	interrupts++;
	for (uint8_t id; !((id = inb(COM1 + IIR)) & 1);) {
		if ((id & 0xf) == 2)
			empties++;
		else
			read_received();
	}
	lapic_eoi();
}

/* Waits with interrupts on until the count is reached, or no more interrupts come. */
static void wait_for(volatile unsigned *count, unsigned value)
{
	irq_on();
	for (unsigned i = 0; i < QUIET && *count < value; i++)
		inb(COM1 + MSR);
	irq_off();
}

/* As Linux's 8250 driver does: clears and disables the FIFOs, reads the receiver without a test. */
static void open_port(void)
{
	for (unsigned i = 0; i < 2; i++) {
		outb(COM1 + IER, 0);
		outb(COM1 + FCR, 1);
		outb(COM1 + FCR, 7);
		outb(COM1 + FCR, 0);
		inb(COM1 + LSR);
		inb(COM1 + DATA);
		inb(COM1 + IIR);
		inb(COM1 + MSR);
	}
	outb(COM1 + LCR, 3);
	outb(COM1 + MCR, 0xb);
}

static void check_transmitter(void)
{
	unsigned before;

	outb(COM1 + IER, IER_THRE);
	wait_for(&empties, 1);
	check(empties == 1, "empty", "%u interrupts when it was switched on", empties);
	for (unsigned i = 0; i < FIFO; i++)
		outb(COM1 + DATA, i + 1 < FIFO ? '.' : '\n');
	wait_for(&empties, 2);
	check(empties >= 2, "empty_again", "no interrupt after a FIFO full");
	outb(COM1 + IER, 0);
	wait_for(&interrupts, ~0u); /* an earlier one may be pending */
	before = interrupts;
	outb(COM1 + DATA, '\n');
	wait_for(&interrupts, before + 1);
	check(interrupts == before, "off", "an interrupt that is switched off");
}

static void check_loopback(void)
{
	outb(COM1 + MCR, 0x1b);
	outb(COM1 + IER, IER_RDA);
	for (unsigned i = 0; i < FIFO; i++)
		outb(COM1 + DATA, (uint8_t)i);
	wait_for(&received, FIFO);
	outb(COM1 + IER, 0);
	outb(COM1 + MCR, 0xb);
	check(received == FIFO, "loopback", "%u bytes came back", received);
}

static void read_input(unsigned n, bool poll)
{
	received = 0;
	sum = FNV;
	open_port();
	outb(COM1 + IER, poll ? 0 : IER_RDA);
	outb(COM1 + FCR, 1);
	while (received < n) {
		if (poll)
			read_received();
		else
			irq_wait();
	}
	print("input n=%u fnv=%08x\n", received, sum);
}

void guest_main(void)
{
	char option[2];
	unsigned n = (unsigned)mb_number("n", 0);
	bool poll = mb_option("poll", option, sizeof option);

	irq_off();
	lapic_init(mb_option("page", option, sizeof option));
	trap_set(VECTOR, serve);
	ioapic_route(PIN, lapic_id(), VECTOR, false);
	open_port();
	outb(COM1 + FCR, 1);
	check_transmitter();
	check_loopback();
	if (n)
		read_input(n, poll);
	outb(COM1 + IER, 0);
	done();
}
