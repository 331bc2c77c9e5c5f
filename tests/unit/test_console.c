/* SPDX-License-Identifier: BSD-2-Clause */
/* test_console.c: which of a guest's two devices gets typed input, and that no byte is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/devices/console.c"

enum { DATA, IER, MCR = 4, LSR };
#define OPEN 0x0b

struct core cores[CORES_MAX];
static struct vm *vm;
static struct console *c;
static char terminal[2 * CONSOLE_HISTORY], hvc[2 * TYPED_BYTES];
static size_t n_terminal, room, n_hvc, hvc_room, hvc_part;
static unsigned calls;

/* ---- what the console needs of the VMM ---- */

size_t log_guest(const char *s, size_t n)
{
	n = n < room ? n : room;
	memcpy(terminal + n_terminal, s, n);
	n_terminal += n;
	room -= n;
	return n;
}

void log_raw(const char *s, size_t n)
{
	memcpy(terminal + n_terminal, s, n);
	n_terminal += n;
}

void log_hold(void)
{
}

void log_release(void)
{
}

void core_call(struct core *to, uint32_t requests)
{
	assert_ptr_equal(to, &cores[0]);
	assert_int_equal(requests, CORE_CONSOLE);
	calls++;
}

size_t virtio_console_input(struct virtio_console *v, const char *buf, size_t n)
{
	assert_ptr_equal(v, &vm->hvc);
	n = n < hvc_room ? n : hvc_room;
	n = n < hvc_part ? n : hvc_part;
	memcpy(hvc + n_hvc, buf, n);
	n_hvc += n;
	hvc_room -= n;
	return n;
}

static void deliver(void *ctx, uint64_t entry)
{
	(void)ctx, (void)entry;
}

/* ---- the guest ---- */

static int setup(void **state)
{
	(void)state;
	vm = calloc(1, sizeof *vm);
	c = &vm->console;
	console_init(c, vm);
	vioapic_init(&vm->ioapic, deliver, vm);
	vuart_init(&vm->uart, &console_line, c);
	atomic_store(&vm->state, VM_RUNNING);
	atomic_store(&shown_console, c);
	n_terminal = n_hvc = calls = 0;
	room = hvc_room = hvc_part = sizeof hvc;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(vm);
	return 0;
}

static void hvc_driver(void)
{
	vm->hvc.v.running = true;
	console_has_reader(c);
}

static void hvc_prints(const char *text)
{
	struct vnet_seg seg = {(uint8_t *)text, (uint32_t)strlen(text)};

	console_output_hvc(c, &seg, 1);
}

static void type(const char *text)
{
	for (; *text; text++)
		console_input(c, *text);
	console_offer(c);
}

static void com1_opens(void)
{
	vuart_write(&vm->uart, MCR, OPEN);
	vuart_write(&vm->uart, IER, 1);
}

static void com1_reads(const char *text)
{
	for (; *text; text++) {
		assert_true(vuart_read(&vm->uart, LSR) & 1);
		assert_int_equal(vuart_read(&vm->uart, DATA), *text);
	}
	assert_false(vuart_read(&vm->uart, LSR) & 1);
}

static void hvc_has(const char *text)
{
	assert_int_equal(n_hvc, strlen(text));
	assert_memory_equal(hvc, text, n_hvc);
}

/* ---- the tests ---- */

/* A script that was there before the guest's kernel: it waits for the driver. */
static void a_guest_with_hvc(void **state)
{
	(void)state;
	type("early ");
	hvc_has("");
	hvc_driver();
	type("and ");
	hvc_has("");
	hvc_prints("# ");
	hvc_has("early and ");
	type("late");
	hvc_has("early and late");
}

/* console=ttyS0: the virtio console's driver is loaded too, and nobody has opened hvc0. */
static void a_guest_with_com1(void **state)
{
	(void)state;
	vuart_write(&vm->uart, MCR, 1); /* DTR: the kernel's console */
	type("script");
	hvc_driver();
	hvc_has("");
	com1_opens();
	com1_reads("script");
	type("more");
	com1_reads("more");
	hvc_has("");
}

/* The kernel prints on both, and the shell is on hvc0. */
static void a_guest_with_both(void **state)
{
	(void)state;
	vuart_write(&vm->uart, MCR, 1);
	hvc_driver();
	type("x");
	hvc_has("");
	hvc_prints("login: ");
	hvc_has("x");
	assert_memory_equal(terminal, "login: ", 7);
	com1_opens();
	type("y");
	hvc_has("x");
	com1_reads("y");
	vuart_write(&vm->uart, MCR, 1);
	type("z");
	hvc_has("xz");
}

static void a_guest_that_polls(void **state)
{
	(void)state;
	type("ab");
	vuart_read(&vm->uart, LSR);
	com1_reads("ab");
}

/* More than both queues take: the source is stopped, and called when the guest has read. */
static void the_source_waits(void **state)
{
	unsigned n = 0;

	(void)state;
	hvc_driver();
	hvc_prints("# ");
	hvc_room = 100;
	for (; console_takes(c); n++)
		console_input(c, (char)n);
	assert_int_equal(n, TYPED_BYTES);
	console_offer(c);
	assert_int_equal(n_hvc, 100);
	for (; console_takes(c); n++)
		console_input(c, (char)n);
	assert_int_equal(n, 100 + TYPED_BYTES);
	assert_int_equal(c->missed, 0);
	console_input(c, 'x');
	assert_int_equal(c->missed, 1);
	hvc_room = TYPED_ROOM - 1;
	console_has_reader(c);
	assert_int_equal(calls, 0);
	hvc_room = 1;
	console_has_reader(c);
	assert_int_equal(calls, 1);
	assert_true(console_takes(c));
	hvc_room = sizeof hvc;
	hvc_part = 7; /* it takes everything, though not at once */
	console_has_reader(c);
	assert_int_equal(n_hvc, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(hvc[i], (char)i);
	assert_int_equal(calls, 1);
}

static void com1_calls_the_source(void **state)
{
	(void)state;
	com1_opens();
	for (unsigned i = 0; console_takes(c); i++)
		console_input(c, (char)i);
	for (unsigned i = 0; i < TYPED_ROOM; i++) {
		assert_int_equal(calls, 0);
		assert_int_equal(vuart_read(&vm->uart, DATA), i & 0xff);
	}
	assert_int_equal(calls, 1);
}

/* COM1 waits for the terminal, and goes on when that has room or shows another console. */
static void output_waits_for_the_terminal(void **state)
{
	(void)state;
	vuart_write(&vm->uart, 2, 1);
	room = 2;
	for (const char *text = "abcdef"; *text; text++)
		vuart_write(&vm->uart, DATA, (uint8_t)*text);
	assert_int_equal(n_terminal, 2);
	assert_false(vuart_read(&vm->uart, LSR) & 0x60);
	room = 1;
	console_feed(c);
	assert_int_equal(n_terminal, 3);
	console_show(NULL);
	assert_true(vuart_read(&vm->uart, LSR) & 0x60);
	assert_int_equal(n_terminal, 3);
	assert_int_equal(c->head, 6);
	assert_memory_equal(c->history, "abcdef", 6);
	assert_int_equal(c->dropped, 0);
	console_show(c);
	assert_memory_equal(terminal + 3, "abcdef", 6);
}

static void nobody_is_there(void **state)
{
	(void)state;
	atomic_store(&vm->state, VM_OFF);
	assert_true(console_takes(c));
	type("lost");
	assert_int_equal(c->missed, 4);
	assert_int_equal(typed_waiting(&c->typed), 0);
	atomic_store(&vm->state, VM_RUNNING);
	type("old");
	console_reset(c);
	hvc_driver();
	hvc_has("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_guest_with_hvc, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_guest_with_com1, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_guest_with_both, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_guest_that_polls, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_source_waits, setup, teardown),
	    cmocka_unit_test_setup_teardown(com1_calls_the_source, setup, teardown),
	    cmocka_unit_test_setup_teardown(output_waits_for_the_terminal, setup, teardown),
	    cmocka_unit_test_setup_teardown(nobody_is_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
