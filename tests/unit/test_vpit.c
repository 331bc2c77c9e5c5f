/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's interval timer, as programs use it to calibrate other clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include "lib/rate.h"
#include "vmm/devices/vpit.h"

#define TSC_HZ 2600000000ull
#define START  7777777777ull

static struct vpit p;
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	now = START;
	vpit_init(&p, TSC_HZ, now);
	return 0;
}

/* The TSC of `n` ticks after START, and half a tick. */
static void at(uint64_t n)
{
	now = START + (2 * n + 1) * TSC_HZ / (2 * PIT_HZ);
}

static void put(unsigned reg, uint8_t byte)
{
	vpit_write(&p, reg, byte, now);
}

static uint8_t get(unsigned reg)
{
	return vpit_read(&p, reg, now);
}

static uint16_t get16(unsigned reg)
{
	uint8_t low = get(reg);

	return (uint16_t)(low | get(reg) << 8);
}

static void load16(unsigned reg, uint8_t word, uint16_t n)
{
	put(3, word);
	put(reg, (uint8_t)n);
	put(reg, (uint8_t)(n >> 8));
}

static bool out2(void)
{
	return vpit_read_gate(&p, now) & 0x20;
}

static void test_rate(void **state)
{
	(void)state;
	assert_true(rate_ticks(10 * TSC_HZ, TSC_HZ, PM_HZ) == 10ull * PM_HZ);
	assert_true(rate_ticks(TSC_HZ / 2, TSC_HZ, PIT_HZ) == PIT_HZ / 2);
	/* a hundred years */
	assert_true(rate_ticks(3153600000 * TSC_HZ, TSC_HZ, PM_HZ) == 3153600000ull * PM_HZ);
}

/* Linux's pit_calibrate_tsc() and many others: mode 0 on counter 2, wait for its output. */
static void test_wait_for_output(void **state)
{
	(void)state;
	vpit_write_gate(&p, 1, now);
	load16(2, 0xb0, 11932);
	assert_false(out2());
	at(11930);
	assert_false(out2());
	assert_int_equal(get16(2), 2);
	at(11932);
	assert_true(out2());
	at(11935);
	assert_true(out2());
	assert_int_equal(get16(2), 0x10000 - 3);
}

/* The control word alone puts the output low, and a count begins when it is whole. */
static void test_half_a_count(void **state)
{
	(void)state;
	vpit_write_gate(&p, 1, now);
	put(3, 0xb0);
	put(2, 5);
	at(100);
	assert_false(out2());
	put(3, 0xe8); /* read back the status of counter 2 */
	assert_int_equal(get(2), 0x70);
	put(2, 0);
	at(104);
	assert_false(out2());
	at(106);
	assert_true(out2());
	put(3, 0xe8);
	assert_int_equal(get(2), 0xb0);
}

/* Linux's quick_pit_calibrate(): the high byte of a free-running counter 2, byte by byte. */
static void test_free_running(void **state)
{
	(void)state;
	vpit_write_gate(&p, 1, now);
	put(3, 0xb0);
	put(2, 0xff);
	put(2, 0xff);
	get(2);
	assert_int_equal(get(2), 0xff);
	at(0x234);
	get(2);
	assert_int_equal(get(2), 0xfd);
}

/* A low gate stops modes 0 and 4, and a rising one goes on; modes 2 and 3 begin anew. */
static void test_gate(void **state)
{
	(void)state;
	load16(2, 0xb0, 1000);
	at(300);
	assert_int_equal(get16(2), 1000);
	vpit_write_gate(&p, 1, now);
	at(400);
	vpit_write_gate(&p, 0, now);
	at(5000);
	assert_int_equal(get16(2), 900);
	vpit_write_gate(&p, 1, now);
	at(5100);
	assert_in_range(get16(2), 799, 801);
	load16(2, 0xb4, 1000);
	at(5200);
	vpit_write_gate(&p, 0, now);
	assert_true(out2());
	at(9000);
	vpit_write_gate(&p, 1, now);
	assert_int_equal(get16(2), 1000);
	at(9010);
	assert_in_range(get16(2), 989, 991);
	at(9999);
	now += TSC_HZ / PIT_HZ / 4;
	assert_false(out2()); /* low for the last tick of a period */
	at(10000);
	now += TSC_HZ / PIT_HZ / 4;
	assert_true(out2());
}

/* One that its gate triggers: nothing before, the whole count after, and again. */
static void test_one_shot(void **state)
{
	(void)state;
	load16(2, 0xb2, 100);
	at(500);
	assert_true(out2());
	for (unsigned i = 1; i < 3; i++) {
		at(1000 * i);
		vpit_write_gate(&p, 1, now);
		assert_false(out2());
		vpit_write_gate(&p, 0, now); /* which stops nothing */
		at(1000 * i + 98);
		assert_false(out2());
		at(1000 * i + 101);
		assert_true(out2());
	}
}

static void test_square_wave(void **state)
{
	(void)state;
	vpit_write_gate(&p, 1, now);
	load16(2, 0xb6, 7);
	for (unsigned i = 0; i < 70; i++) {
		at(i);
		assert_int_equal(out2(), i % 7 < 4);
	}
}

static void test_strobe(void **state)
{
	(void)state;
	vpit_write_gate(&p, 1, now);
	load16(2, 0xb8, 50);
	for (unsigned i = 0; i < 100; i++) {
		at(i);
		assert_int_equal(out2(), i != 50);
	}
}

/* What was latched stays until it was read; a read-back latches several, the status first. */
static void test_latches(void **state)
{
	(void)state;
	load16(0, 0x34, 0x8000);
	at(0x1000);
	put(3, 0x00);
	at(0x2000);
	put(3, 0x00); /* ignored: one is latched */
	assert_int_equal(get16(0), 0x7000);
	assert_int_equal(get16(0), 0x6000);
	put(3, 0xc6); /* count and status of counters 0 and 1 */
	at(0x3000);
	assert_int_equal(get(0), 0xb4);
	assert_int_equal(get16(0), 0x6000);
	assert_int_equal(get16(0), 0x5000);
	assert_int_equal(get(1) & 0x3f, 0x14);
}

static void test_bcd(void **state)
{
	(void)state;
	vpit_write_gate(&p, 1, now);
	load16(2, 0xb1, 0x1234);
	at(35);
	assert_int_equal(get16(2), 0x1199);
	at(1234 + 1);
	assert_int_equal(get16(2), 0x9999);
	assert_true(out2());
}

/* As firmware leaves it: counter 0 runs, and the bit that programs wait by toggles. */
static void test_power_on(void **state)
{
	uint64_t first = vpit_read_gate(&p, now) & 0x10, changes = 0;

	(void)state;
	assert_int_equal(get16(0), 0);
	at(1000);
	assert_int_equal(get16(0), 0x10000 - 2000);
	for (unsigned i = 0; i < 180; i++) {
		uint64_t bit;

		at(1000 + i);
		bit = vpit_read_gate(&p, now) & 0x10;
		changes += bit != first;
		first = bit;
	}
	assert_in_range(changes, 9, 11);
	vpit_write_gate(&p, 0xfe, now);
	assert_int_equal(vpit_read_gate(&p, now) & 0xcf, 0x0e);
}

/* Nothing that a guest writes divides by zero or runs out of a range; time may stand still, or seem
 * to go back by what two cores differ. */
static void test_anything(void **state)
{
	(void)state;
	srand(8254);
	for (unsigned i = 0; i < 300000; i++) {
		unsigned r = (unsigned)rand();

		now += r & 0x100 ? r % 100000 : 0;
		now -= r & 0x200 ? r % 50 : 0;
		switch (r & 3) {
		case 0:
			put(r >> 2 & 3, (uint8_t)(r >> 16));
			break;
		case 1:
			vpit_write_gate(&p, (uint8_t)(r >> 16), now);
			break;
		case 2:
			get(r >> 2 & 3);
			break;
		default:
			vpit_read_gate(&p, now);
		}
		for (unsigned c = 0; c < 3; c++)
			assert_in_range(p.counter[c].count, 1, 65536);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_rate, setup),
	    cmocka_unit_test_setup(test_wait_for_output, setup),
	    cmocka_unit_test_setup(test_half_a_count, setup),
	    cmocka_unit_test_setup(test_free_running, setup),
	    cmocka_unit_test_setup(test_gate, setup),
	    cmocka_unit_test_setup(test_one_shot, setup),
	    cmocka_unit_test_setup(test_square_wave, setup),
	    cmocka_unit_test_setup(test_strobe, setup),
	    cmocka_unit_test_setup(test_latches, setup),
	    cmocka_unit_test_setup(test_bcd, setup),
	    cmocka_unit_test_setup(test_power_on, setup),
	    cmocka_unit_test_setup(test_anything, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
