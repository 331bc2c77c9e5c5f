/*
 * fuzz_console.c: anything typed at the serial monitor, and anything a guest does to its COM1.
 *
 * A model says what the monitor's line must be after each key, and what COM1 must hold; control
 * gets lines and texts exactly as they stood, and a guest what was typed at it, in order.
 */
#include <stdlib.h>
#include <string.h>
#include "vmm/monitor.c"
#include "vmm/vuart.h"

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
static uint8_t queue[VUART_INPUT]; /* what COM1 holds */
static size_t queued;

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

bool control_line(const struct control_client *who, const char *text, size_t len,
                  const char *source)
{
	check(!who && !strcmp(source, "monitor") && len == model_length &&
	      !memcmp(text, model, len));
	lines++;
	if (len && text[0] == 'l')
		monitor_gather();
	if (len && text[0] == 'c')
		monitor_enter(&guest);
	return true;
}

bool control_text(const struct control_client *who, const char *text, size_t len,
                  const char *source)
{
	check(!who && !strcmp(source, "load") && len == model_text_length &&
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

/* As console.c does without a virtio console. */
void console_input(struct console *c, const char *buf, size_t len)
{
	check(c == &guest && len == 1);
	bool had_room = queued < VUART_INPUT;
	check(vuart_input(&uart, (uint8_t)*buf) == had_room);
	if (had_room)
		queue[queued++] = (uint8_t)*buf;
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
	check(c == &cores[0] && requests == CORE_CONSOLE && !monitor_started());
}

void uart_interrupts(bool empty)
{
	(void)empty;
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

	if (ends)
		model_end_line();
	else if (editing && (c == BACKSPACE || c == DELETE))
		model_length -= model_length != 0;
	else if (editing && (c == CTRL_U || c == CTRL_C)) {
		model_length = 0;
		model_gathers = model_gathers && c != CTRL_C;
	} else if (editing && (char)c >= ' ' && model_length + 1 < CONFIG_LINE)
		model[model_length++] = (char)c;
	typed_at = &c;
	typed_left = 1;
	monitor_poll();
	if (ends)
		model_length = 0;
	check(length == model_length && !memcmp(line, model, length));
	check((text != NULL) == model_gathers);
	check(!text || text_length == model_text_length);
}

/* ---- COM1 ---- */

static void print(void *ctx, uint8_t byte)
{
	(void)ctx, (void)byte;
}

static void com1_read(unsigned reg)
{
	bool looped = uart.mcr & 0x10, latch = uart.lcr & 0x80;
	uint8_t v = vuart_read(&uart, reg);

	if (reg == 0 && !looped && !latch) {
		check(v == (queued ? queue[0] : 0));
		queued -= queued != 0;
		memmove(queue, queue + 1, queued);
	}
	if (reg == 5 && !looped)
		check((v & 1) == (queued != 0));
	if (reg == 2)
		check(v & 1 || v & 6);
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
		vuart_write(&uart, n, next());
		break;
	case 2:
		com1_read(n & 7);
		break;
	case 3:
		key('\r');
		break;
	default:
		for (n++; n && in.left; n--)
			key(next());
	}
	check(uart.head - uart.tail == queued);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	in = (struct input){data, size};
	vuart_init(&uart, print, NULL);
	shown = NULL;
	length = text_length = model_length = model_text_length = queued = 0;
	model_gathers = false;
	while (in.left)
		step();
	free(text);
	text = NULL;
	return 0;
}
