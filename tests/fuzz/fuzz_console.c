/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_console.c: anything typed at the serial monitor, and anything a guest does to its COM1.
 *
 * A model computes the monitor's line after each key, and the input queued for COM1.  Control must
 * get lines and texts exactly as typed, and a guest its input in order and complete, whatever it
 * does to its UART.
 */
#include <stdlib.h>
#include <string.h>
#include "vmm/control/monitor.c"
#include "vmm/devices/typed.h"
#include "vmm/devices/vuart.h"

struct acpi_info acpi;
struct core cores[CORES_MAX];
struct vm *vms[CONFIG_GUESTS];

static struct input {
	const uint8_t *p;
	size_t left;
} in;

static struct vuart uart;
static struct console guest, *shown;
static char model[CONFIG_LINE]; /* the line as it must stand */
static size_t model_length;
static bool model_gathers; /* a text */
static char model_text[CONFIG_TEXT];
static size_t model_text_length;
static unsigned lines, texts;
static const uint8_t *typed_at; /* what monitor_poll() gets */
static size_t typed_left;
static uint8_t queue[512]; /* what waits for COM1 */
static size_t queued, room, sent;
static bool high;
static bool requesting;     /* the monitor may make requests */
static bool other_requests; /* another client does */
static unsigned keys;

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* ---- what the monitor needs of the VMM ---- */

void log_raw(const char *s, size_t n)
{
	static volatile char sink;

	for (size_t i = 0; i < n; i++)
		sink = s[i];
	(void)sink;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level, (void)fmt;
}

int uart_get(void)
{
	if (!typed_left)
		return -1;
	typed_left--;
	return *typed_at++;
}

bool control_try_boot_core(const struct control_client *who)
{
	check(who == &monitor_client && !requesting);
	requesting = !other_requests;
	return requesting;
}

void control_done(void)
{
	check(requesting);
	requesting = false;
}

bool control_line(const char *text, size_t len, const char *source)
{
	const struct control_client *who = &monitor_client;

	check(requesting && !strcmp(source, "monitor") && len == model_length &&
	      !memcmp(text, model, len));
	lines++;
	if (len && text[0] == 'l')
		who->gather(who->ctx);
	if (len && text[0] == 'c')
		who->enter(who->ctx, &guest);
	return true;
}

bool control_text(const char *text, size_t len, const char *source)
{
	check(requesting && !strcmp(source, "load") && len == model_text_length &&
	      !memcmp(text, model_text, len));
	texts++;
	return true;
}

void console_show(struct console *c)
{
	shown = c;
}

struct console *console_shown(void)
{
	return shown;
}

/* As console.c does without a virtio console, with a smaller queue. */
void console_input(struct console *c, char byte)
{
	check(c == &guest && queued < sizeof queue);
	queue[queued++] = (uint8_t)byte;
}

void console_offer(struct console *c)
{
	check(c == &guest);
	vuart_line_changed(&uart);
}

bool console_takes(struct console *c)
{
	check(c == &guest);
	return queued < sizeof queue;
}

void console_missed(struct console *c)
{
	check(c == &guest);
}

void console_feed(struct console *c)
{
	check(!c || c == &guest);
}

bool uart_present(void)
{
	return true;
}

bool uart_gsi(uint32_t *gsi)
{
	*gsi = 4;
	return true;
}

void uart_listen(void)
{
}

void uart_receive(bool on)
{
	(void)on;
}

bool uart_overran(void)
{
	return false;
}

void *mem_zalloc(size_t size)
{
	check(size == CONFIG_TEXT);
	return malloc(size);
}

void mem_zfree(void *mem, size_t size)
{
	check(size == CONFIG_TEXT);
	free(mem);
}

bool control_reap(void)
{
	return true;
}

const struct node_config *control_config(void)
{
	static const struct node_config empty = {.console = -1};

	return &empty;
}

/* A description came, now and then: the monitor begins anew, and loses no key by it. */
bool rescue_waits(void)
{
	return lines % 2;
}

bool rescue_ends(void)
{
	return model_length && model[0] == 'r';
}

void rescue_greet(void)
{
	check(rescue_waits());
}

void core_call(struct core *c, uint32_t requests)
{
	check(c == &cores[0] && requests == CORE_CONSOLE && !monitor_started);
}

void uart_interrupts(bool empty)
{
	(void)empty;
}

void log_text(const char *s, size_t n)
{
	log_raw(s, n);
}

void log_hold(void)
{
}

void log_release(void)
{
}

void log_queue(bool on)
{
	(void)on;
}

void log_feed(void)
{
}

void log_await(void)
{
}

void iommu_report(void)
{
}

void ioapic_route(uint32_t gsi, uint32_t apic_id, uint8_t vector, bool level)
{
	(void)gsi, (void)apic_id, (void)vector, (void)level;
}

/* ---- the model of the line ---- */

static void model_end_line(void)
{
	if (!text) {
		model_gathers = model_length && model[0] == 'l';
		if (model_gathers)
			model_text_length = 0;
	} else if (model_length == 3 && !memcmp(model, "end", 3)) {
		model_gathers = false;
	} else if (model_text_length + model_length + 1 > CONFIG_TEXT) {
		model_gathers = false;
	} else {
		memcpy(model_text + model_text_length, model, model_length);
		model_text_length += model_length;
		model_text[model_text_length++] = '\n';
	}
}

/* One key: the model first says what the line is when control sees it, then both are compared. */
static void key(uint8_t c)
{
	bool editing = !shown, ends = editing && (c == '\r' || c == '\n');
	bool waits;

	if (ends)
		model_end_line();
	else if (editing && (c == BACKSPACE || c == DELETE))
		model_length -= model_length != 0;
	else if (editing && (c == CTRL_U || c == CTRL_C)) {
		model_length = 0;
		model_gathers = model_gathers && c != CTRL_C;
	} else if (editing && (char)c >= ' ' && model_length + 1 < CONFIG_LINE)
		model[model_length++] = (char)c;
	waits = shown && queued == sizeof queue;
	typed_at = &c;
	typed_left = 1;
	other_requests = !shown && keys++ % 3 == 0;
	if (other_requests) {
		monitor_poll();
		check(typed_left == 1);
	}
	other_requests = false;
	monitor_poll();
	check(!requesting && typed_left == waits); /* the port is left waiting */
	if (ends)
		model_length = 0;
	check(line_length == model_length && !memcmp(line, model, line_length));
	check((text != NULL) == model_gathers);
	check(!text || text_length == model_text_length);
}

/* ---- COM1 ---- */

static size_t print(void *ctx, const char *buf, size_t n)
{
	(void)ctx, (void)buf;
	n = n < room ? n : room;
	room -= n;
	sent += n;
	return n;
}

static uint32_t waiting(void *ctx)
{
	(void)ctx;
	return (uint32_t)queued;
}

static int receive(void *ctx)
{
	uint8_t c;

	(void)ctx;
	check(queued > 0);
	c = queue[0];
	queued--;
	memmove(queue, queue + 1, queued);
	return c;
}

static void interrupt(void *ctx, bool now)
{
	(void)ctx;
	check(now != high);
	high = now;
}

static const struct vuart_line line_of_uart = {print, waiting, receive, interrupt};

static void com1_read(unsigned reg)
{
	bool looped = uart.mcr & 0x10, latch = uart.lcr & 0x80;
	size_t before = queued;
	uint8_t first = queue[0], v = vuart_read(&uart, reg);

	check(queued == before || (reg == 0 && !looped && !latch && before - queued == 1));
	if (queued != before)
		check(v == first);
	if (reg == 5 && v & 1 && !looped) { /* what it shows can be read */
		before = queued;
		if (!latch)
			vuart_read(&uart, 0);
		check(latch || queued == before - 1);
	}
	if (reg == 5)
		check((v & 0x20) == (v & 0x40) >> 1 && !(v & 0x20) == (uart.to_send != 0));
	if (reg == 2 && v & 1)
		check(!high);
}

/* A byte is sent, waits, or is counted as lost. */
static void com1_write(unsigned reg, uint8_t value)
{
	bool data = !(reg % 8) && !(uart.lcr & 0x80) && !(uart.mcr & 0x10);
	uint64_t before = uart.sent + uart.to_send + uart.unsent;
	size_t kept = queued;

	vuart_write(&uart, reg, value);
	check(uart.sent + uart.to_send + uart.unsent == before + data);
	check(uart.sent == sent && uart.to_send <= VUART_FIFO && queued == kept);
}

static uint8_t next(void)
{
	if (!in.left)
		return 0;
	in.left--;
	return *in.p++;
}

static void step(void)
{
	uint8_t op = next();
	unsigned n = op >> 3;

	switch (op & 7) {
	case 0: /* one key, many times */
		for (uint8_t c = next(); n; n--)
			for (unsigned i = 0; i < 40; i++)
				key(c);
		break;
	case 1:
		com1_write(n, next());
		break;
	case 2:
		com1_read(n & 7);
		break;
	case 3:
		if (n & 1)
			key('\r');
		room = n;
		vuart_line_changed(&uart);
		break;
	default:
		for (n++; n && in.left; n--)
			key(next());
	}
	check(uart.interrupting == high && uart.loop_head - uart.loop_tail <= VUART_FIFO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	in = (struct input){data, size};
	vuart_init(&uart, &line_of_uart, NULL);
	shown = NULL;
	high = false;
	sent = 0;
	room = 64;
	line_length = text_length = model_length = model_text_length = queued = 0;
	model_gathers = false;
	keys = 0;
	while (in.left)
		step();
	free(text);
	text = NULL;
	return 0;
}
