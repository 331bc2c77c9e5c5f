/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clocks of a PC against which programs calibrate others: the 8254's counters, its output and
 * gate at port 61h (gate=0: without the gate), the ACPI PM timer (pm=, its port).  They are
 * compared with each other: however long anything takes, the ticks of one lie between two readings
 * of the other.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"

#define PM_PORT  0x608
#define PM_BITS  0xffffffu /* every PM timer has 24 bits at least: 4.7 s */
#define GATE     0x61
#define OUT_2    0x20
#define ONE_TURN 65536u
#define TRIES    100

static uint16_t pm_port;

static uint32_t pm(void)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(pm_port));
	return v & PM_BITS;
}

/* Ticks of the 8254 from one reading of the PM timer to another. */
static uint32_t pit_ticks(uint32_t from, uint32_t to)
{
	return ((to - from) & PM_BITS) / 3;
}

static void pit_load(unsigned counter, uint8_t mode, uint16_t count)
{
	outb(0x43, (uint8_t)(counter << 6 | 0x30 | mode << 1));
	outb((uint16_t)(0x40 + counter), (uint8_t)count);
	outb((uint16_t)(0x40 + counter), (uint8_t)(count >> 8));
}

static uint16_t pit_count(unsigned counter)
{
	uint8_t low;

	outb(0x43, (uint8_t)(counter << 6));
	low = inb((uint16_t)(0x40 + counter));
	return (uint16_t)(low | inb((uint16_t)(0x40 + counter)) << 8);
}

/* A counter that counts down from 65536 agrees with the PM timer.  It wraps after 55 ms, so a
 * measurement that took longer is repeated. */
static void check_counter(unsigned counter, const char *name)
{
	uint32_t least = 0, most = ONE_TURN, counted = 0;

	for (unsigned i = 0; i < TRIES && most - least >= ONE_TURN / 2; i++) {
		uint32_t a = pm();
		uint32_t b, c;

		pit_load(counter, 2, 0);
		b = pm();
		while (pit_ticks(b, pm()) < 2000)
			cpu_pause();
		c = pm();
		counted = (0u - pit_count(counter)) & (ONE_TURN - 1);
		least = pit_ticks(b, c) - 2;
		most = pit_ticks(a, pm()) + 2;
	}
	check(most - least < ONE_TURN / 2 && ((counted - least) & (ONE_TURN - 1)) <= most - least,
	      name, "%u counted, %u to %u passed", counted, least, most);
}

/* One shot on counter 2: its output is low until the count has passed. */
static void check_output(void)
{
	uint32_t a = pm();
	uint8_t first;
	bool early;

	pit_load(2, 0, 20000);
	first = inb(GATE) & OUT_2;
	early = pit_ticks(a, pm()) < 20000;
	check(!first || !early, "output_low", "it is high at once");
	while (!(inb(GATE) & OUT_2))
		cpu_pause();
	check(pit_ticks(a, pm()) >= 20000 - 2, "output_high", "after %u ticks", pit_ticks(a, pm()));
}

/* With its gate low the counter does not count. */
static void check_gate(void)
{
	uint16_t before;
	uint32_t a;
	uint16_t after;

	pit_load(2, 0, 50000);
	outb(GATE, 0);
	before = pit_count(2);
	a = pm();
	while (pit_ticks(a, pm()) < 1000)
		cpu_pause();
	after = pit_count(2);
	check(before == after, "gate", "%u, then %u", before, after);
	outb(GATE, 1);
	while (pit_count(2) == after)
		cpu_pause();
}

/* Bit 4 of port 61h toggles all the time, so that loops that wait for it end. */
static void check_refresh(void)
{
	uint8_t last = inb(GATE) & 0x10;

	for (unsigned changes = 0; changes < 4;) {
		uint8_t now = inb(GATE) & 0x10;

		changes += now != last;
		last = now;
	}
	check(true, "refresh", " ");
}

void guest_main(void)
{
	pm_port = (uint16_t)mb_number("pm", PM_PORT);
	outb(GATE, 1);
	check_counter(0, "counter_0");
	check_counter(2, "counter_2");
	check_output();
	if (mb_number("gate", 1))
		check_gate();
	check_refresh();
	done();
}
