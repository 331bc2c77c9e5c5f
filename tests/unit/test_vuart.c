/* The virtual UART as drivers probe and poll it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "vmm/vuart.h"

static char printed[64];
static unsigned n_printed;

static void collect(void *ctx, uint8_t byte)
{
	assert_ptr_equal(ctx, printed);
	if (n_printed < sizeof printed)
		printed[n_printed++] = (char)byte;
}

static struct vuart fresh(void)
{
	struct vuart u;
	n_printed = 0;
	vuart_init(&u, collect, printed);
	return u;
}

static void polled_output_and_input(void **state)
{
	(void)state;
	struct vuart u = fresh();
	assert_int_equal(vuart_read(&u, 5), 0x60);
	vuart_write(&u, 0, 'h');
	vuart_write(&u, 0, 'i');
	assert_int_equal(n_printed, 2);
	assert_memory_equal(printed, "hi", 2);
	assert_true(vuart_input(&u, 'x'));
	assert_int_equal(vuart_read(&u, 5), 0x61);
	assert_int_equal(vuart_read(&u, 0), 'x');
	assert_int_equal(vuart_read(&u, 5), 0x60);
	assert_int_equal(vuart_read(&u, 0), 0);
	assert_int_equal(vuart_read(&u, 6), 0xb0);
	assert_int_equal(u.sent, 2);
	assert_int_equal(u.received, 1);
}

static void registers_keep_what_is_written(void **state)
{
	(void)state;
	struct vuart u = fresh();
	vuart_write(&u, 7, 0xa5);
	assert_int_equal(vuart_read(&u, 7), 0xa5);
	vuart_write(&u, 3, 0x83);
	vuart_write(&u, 0, 0x0c);
	vuart_write(&u, 1, 0x34);
	assert_int_equal(vuart_read(&u, 0), 0x0c);
	assert_int_equal(vuart_read(&u, 1), 0x34);
	vuart_write(&u, 3, 0x03);
	assert_int_equal(vuart_read(&u, 1), 0);
	vuart_write(&u, 1, 0xff);
	assert_int_equal(vuart_read(&u, 1), 0x0f);
	vuart_write(&u, 4, 0xff);
	assert_int_equal(vuart_read(&u, 4), 0x1f);
	vuart_write(&u, 5, 0xff);
	vuart_write(&u, 6, 0xff);
	assert_int_equal(vuart_read(&u, 3), 0x03);
	assert_int_equal(n_printed, 0);
}

/* What Linux's autoconfig() does to tell a 16550A from its relatives. */
static void linux_finds_a_16550a(void **state)
{
	(void)state;
	struct vuart u = fresh();
	vuart_write(&u, 4, 0x1a);
	assert_int_equal(vuart_read(&u, 6) & 0xf0, 0x90);
	vuart_write(&u, 4, 0);
	assert_int_equal(vuart_read(&u, 2), 0x01);
	vuart_write(&u, 2, 0x01);
	assert_int_equal(vuart_read(&u, 2) >> 6, 3);
	vuart_write(&u, 2, 0x21);
	assert_int_equal(vuart_read(&u, 2) >> 5, 6);
	vuart_write(&u, 2, 0);
	assert_int_equal(vuart_read(&u, 2) >> 6, 0);
}

static void loopback_has_a_fifo_of_its_own(void **state)
{
	(void)state;
	struct vuart u = fresh();
	vuart_input(&u, 'w');
	vuart_write(&u, 2, 0x07);
	vuart_write(&u, 4, 0x10);
	assert_int_equal(vuart_read(&u, 5), 0x60);
	for (unsigned i = 0; i < 17; i++)
		vuart_write(&u, 0, (uint8_t)i);
	assert_int_equal(vuart_read(&u, 5), 0x63);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(vuart_read(&u, 0), i);
	assert_int_equal(vuart_read(&u, 5), 0x60);
	vuart_write(&u, 0, 1);
	vuart_write(&u, 2, 0x03);
	assert_int_equal(vuart_read(&u, 5), 0x60);
	vuart_write(&u, 4, 0);
	assert_int_equal(vuart_read(&u, 0), 'w');
	assert_int_equal(n_printed, 0);
}

static void interrupt_causes_by_priority(void **state)
{
	(void)state;
	struct vuart u = fresh();
	vuart_write(&u, 1, 0x07);
	assert_int_equal(vuart_read(&u, 2), 0x02);
	assert_int_equal(vuart_read(&u, 2), 0x01);
	vuart_write(&u, 0, 'a');
	assert_int_equal(vuart_read(&u, 2), 0x02);
	vuart_input(&u, 'b');
	assert_int_equal(vuart_read(&u, 2), 0x04);
	for (unsigned i = 1; i < VUART_INPUT; i++)
		assert_true(vuart_input(&u, 'c'));
	assert_false(vuart_input(&u, 'd'));
	assert_int_equal(u.input_dropped, 1);
	assert_int_equal(vuart_read(&u, 2), 0x06);
	assert_int_equal(vuart_read(&u, 5), 0x63);
	assert_int_equal(vuart_read(&u, 5), 0x61);
	for (unsigned i = 0; i < VUART_INPUT; i++)
		assert_int_equal(vuart_read(&u, 0), i ? 'c' : 'b');
	assert_int_equal(vuart_read(&u, 2), 0x01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(polled_output_and_input),
	    cmocka_unit_test(registers_keep_what_is_written),
	    cmocka_unit_test(linux_finds_a_16550a),
	    cmocka_unit_test(loopback_has_a_fifo_of_its_own),
	    cmocka_unit_test(interrupt_causes_by_priority),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
