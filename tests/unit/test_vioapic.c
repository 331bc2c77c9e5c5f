/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's I/O APIC: its registers, and the calls made when they change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/devices/vioapic.h"

static struct vioapic a;
static unsigned told, delivered;
static uint64_t last_entry;

static void changed(void *ctx, uint64_t entry)
{
	assert_ptr_equal(ctx, &told);
	told++;
	last_entry = entry;
}

static void deliver(void *ctx, uint64_t entry)
{
	assert_ptr_equal(ctx, &delivered);
	delivered++;
	last_entry = entry;
}

static int setup(void **state)
{
	(void)state;
	memset(&a, 0, sizeof a);
	told = delivered = 0;
	vioapic_init(&a, deliver, &delivered);
	vioapic_wire(&a, 16, changed, &told);
	return 0;
}

static uint32_t get(uint32_t reg)
{
	vioapic_write(&a, 0, 4, reg);
	return vioapic_read(&a, 0x10, 4);
}

static void put(uint32_t reg, uint32_t val)
{
	vioapic_write(&a, 0, 4, reg);
	vioapic_write(&a, 0x10, 4, val);
}

static void its_page(void **state)
{
	(void)state;
	assert_true(vioapic_claims(VIOAPIC_PAGE));
	assert_true(vioapic_claims(VIOAPIC_PAGE + 4095));
	assert_false(vioapic_claims(VIOAPIC_PAGE + 4096));
	assert_false(vioapic_claims(VIOAPIC_PAGE - 1));
}

static void identity(void **state)
{
	(void)state;
	assert_int_equal(get(1), 0x170011); /* 24 pins */
	put(0, 0xffffffff);
	assert_int_equal(get(0), 0x0f000000);
	assert_int_equal(get(2), 0x0f000000);
	put(1, 0); /* read only */
	assert_int_equal(get(1), 0x170011);
	assert_int_equal(told, 0);
}

static void an_entry(void **state)
{
	(void)state;
	assert_int_equal(get(0x10 + 2 * 16), 0x10000); /* masked after reset */
	put(0x11 + 2 * 16, 0x03ffffff);
	put(0x10 + 2 * 16, 0xffffa931); /* level, low, lowest priority, logical, 31h; masked */
	assert_int_equal(told, 2);
	assert_true(last_entry == 0x030000000001a931);
	assert_int_equal(get(0x10 + 2 * 16), 0x1a931);
	assert_int_equal(get(0x11 + 2 * 16), 0x03000000);
	assert_true(VIOAPIC_MASKED(last_entry));
	assert_true(VIOAPIC_LOGICAL(last_entry));
	assert_int_equal(VIOAPIC_VECTOR(last_entry), 0x31);
	assert_int_equal(VIOAPIC_MODE(last_entry), 1);
	assert_int_equal(VIOAPIC_DEST(last_entry), 3);
	vioapic_reset(&a);
	assert_int_equal(told, 2);
	assert_int_equal(get(0x10 + 2 * 16), 0x10000);
}

static void an_edge(void **state)
{
	(void)state;
	vioapic_set(&a, 4, true); /* masked: it is ignored, then and later (82093AA, 3.2.4) */
	put(0x11 + 2 * 4, 0x02000000);
	put(0x10 + 2 * 4, 0x41);
	assert_int_equal(delivered, 0);
	vioapic_set(&a, 4, true);
	vioapic_set(&a, 4, false);
	assert_int_equal(delivered, 0);
	vioapic_set(&a, 4, true);
	assert_int_equal(delivered, 1);
	assert_true(last_entry == 0x0200000000000041);
	vioapic_set(&a, 5, true);
	vioapic_set(&a, 5, false);
	assert_int_equal(delivered, 1);
	put(0x10 + 2 * 4, 0x10041);
	vioapic_set(&a, 4, false);
	vioapic_set(&a, 4, true);
	assert_int_equal(delivered, 1);
	assert_int_equal(told, 0);
	vioapic_reset(&a);
	put(0x10 + 2 * 4, 0x41);
	vioapic_set(&a, 4, true);
	assert_int_equal(delivered, 2);
}

/* A level is delivered again when its entry is written: there is no EOI to tell that it is still
 * there. */
static void a_level(void **state)
{
	(void)state;
	vioapic_set(&a, 4, true);
	put(0x10 + 2 * 4, 0x18041);
	assert_int_equal(delivered, 0);
	put(0x10 + 2 * 4, 0x08041);
	assert_int_equal(delivered, 1);
	vioapic_set(&a, 4, false);
	put(0x10 + 2 * 4, 0x08041);
	assert_int_equal(delivered, 1);
	vioapic_set(&a, 4, true);
	assert_int_equal(delivered, 2);
}

/* Whatever is written where, only the wired pin's entry is told. */
static void odd_accesses(void **state)
{
	(void)state;
	put(0x10 + 2 * 24, 0x55);
	put(0x10 + 2 * 15, 0x55);
	put(0x10 + 2 * 17, 0x55);
	put(0xff, 0x55);
	put(3, 0x55);
	assert_int_equal(get(0x10 + 2 * 24), 0);
	assert_int_equal(get(0xff), 0);
	vioapic_write(&a, 0, 4, 0x10);
	vioapic_write(&a, 0x10, 1, 0x55);
	vioapic_write(&a, 0x10, 8, 0x55);
	vioapic_write(&a, 0x14, 4, 0x55);
	vioapic_write(&a, 4095, 4, 0x55);
	assert_int_equal(told, 0);
	assert_int_equal(vioapic_read(&a, 0x10, 2), 0);
	assert_int_equal(vioapic_read(&a, 0x20, 4), 0);
	vioapic_write(&a, 0, 4, 0xffffff10); /* the register number has 8 bits */
	assert_int_equal(vioapic_read(&a, 0, 4), 0x10);
}

static void other_changed(void *ctx, uint64_t entry)
{
	(void)entry;
	++*(unsigned *)ctx;
}

/* Each device hears of its own pin. */
static void two_wires(void **state)
{
	unsigned other = 0;

	(void)state;
	vioapic_wire(&a, 17, other_changed, &other);
	put(0x10 + 2 * 17, 0x41);
	assert_true(other == 1 && told == 0);
	put(0x10 + 2 * 16, 0x42);
	assert_true(other == 1 && told == 1);
	assert_int_equal(delivered, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(its_page, setup),  cmocka_unit_test_setup(identity, setup),
	    cmocka_unit_test_setup(an_entry, setup),  cmocka_unit_test_setup(an_edge, setup),
	    cmocka_unit_test_setup(a_level, setup),   cmocka_unit_test_setup(odd_accesses, setup),
	    cmocka_unit_test_setup(two_wires, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
