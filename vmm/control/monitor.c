/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial monitor: a line editor that passes whole lines to dispatch.c. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/uart.h"
#include "vmm/control/control.h"
#include "vmm/control/dispatch.h"
#include "vmm/devices/console.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/control/monitor.h"
#include "vmm/control/rescue.h"
#include "vmm/life.h"

#define CTRL_A    1
#define CTRL_C    3
#define CTRL_U    21
#define BACKSPACE 8
#define DELETE    127
#define PROMPT    "patio> "
#define RESCUE    "rescue> "
#define GATHERING "load> "

static char line[CONFIG_LINE];
static size_t line_length;
static char *text; /* the text of a `load` in progress; NULL: none */
static size_t text_length;
static _Atomic bool monitor_started;
static bool has_interrupt;  /* the serial port has an interrupt */
static bool dropping_input; /* input is being dropped: the port's FIFO overran */

static void print_raw(const char *s)
{
	log_raw(s, strlen(s));
}

/* --- answers to the monitor ----------------------------------------------------------------- */

/* Until the monitor starts, the terminal belongs to the log. */
static void print_answer(void *ctx, const char *answer, size_t len)
{
	void (*write)(const char *, size_t) = monitor_started ? log_raw : log_text;

	(void)ctx;
	for (size_t i = 0; i < len;) {
		const char *nl = memchr(answer + i, '\n', len - i);
		size_t n = nl ? (size_t)(nl - answer) - i : len - i;

		write(answer + i, n);
		if (nl)
			write("\r\n", 2);
		i += n + (nl ? 1 : 0);
	}
}

static void print_error(void *ctx, const char *why)
{
	char buf[544];
	int n = snprintf(buf, sizeof buf, "error: %s\n", why);

	print_answer(ctx, buf, (size_t)n);
}

static void begin_text(void *ctx)
{
	(void)ctx;
	text = mem_zalloc(CONFIG_TEXT);
	text_length = 0;
	if (!text)
		print_raw("load: not enough memory\r\n");
}

static void enter_console(void *ctx, struct console *c)
{
	(void)ctx;
	print_raw("\r\n");
	console_show(c);
}

static void hold_log(void *ctx, bool on)
{
	(void)ctx;
	if (on)
		log_hold();
	else
		log_release();
}

const struct control_client monitor_client = {.name = "the monitor",
                                              .put = print_answer,
                                              .failed = print_error,
                                              .gather = begin_text,
                                              .enter = enter_console,
                                              .hold = hold_log};

/* --- the line ------------------------------------------------------------------------------- */

void monitor_init(void)
{
	uint32_t gsi;

	has_interrupt = uart_gsi(&gsi) && acpi.nioapics;
	if (uart_present() && !has_interrupt)
		log_warn(
		    "console: the serial port has no interrupt: input is read only when a guest "
		    "stops");
	if (!has_interrupt)
		return;
	ioapic_route(gsi, cores[0].apic_id, 0, false);
	uart_interrupts(false);
}

static void print_prompt(void)
{
	if (!console_shown())
		print_raw(text ? GATHERING : rescue_waits() ? RESCUE : PROMPT);
}

/* Takes the terminal over from the log. */
static void start_monitor(void)
{
	int guest;

	uart_listen();
	log_debug("console: input is read from now on");
	monitor_started = true;
	guest = control_config()->console;
	if (guest >= 0 && vms[guest])
		console_show(&vms[guest]->console);
	if (rescue_waits())
		rescue_greet();
	print_prompt();
}

static void end_text(void)
{
	mem_zfree(text, CONFIG_TEXT);
	text = NULL;
}

static void gather_line(void)
{
	line[line_length] = 0;
	if (!strcmp(line, "end")) {
		control_text(text, text_length, "load");
		end_text();
	} else if (text_length + line_length + 1 > CONFIG_TEXT) {
		print_raw("load: the text is longer than 1 MiB: dropped, nothing was changed\r\n");
		end_text();
	} else {
		memcpy(text + text_length, line, line_length);
		text_length += line_length;
		text[text_length++] = '\n';
	}
}

/* Gives the terminal back to the log until the guests of the new description run. */
static void return_to_log(void)
{
	monitor_started = false;
	core_call(&cores[0], CORE_CONSOLE);
}

static void end_line(void)
{
	print_raw("\r\n");
	if (text)
		gather_line();
	else
		control_line(line, line_length, "monitor");
	line_length = 0;
	if (rescue_ends())
		return_to_log();
	else
		print_prompt();
}

static void erase_chars(size_t n)
{
	for (; n && line_length; n--, line_length--)
		print_raw("\b \b");
}

static void abandon_text(void)
{
	end_text();
	line_length = 0;
	print_raw("\r\nload: cancelled, nothing was changed\r\n");
	print_prompt();
}

static void edit_line(char c)
{
	if (c == '\r' || c == '\n')
		end_line();
	else if (c == BACKSPACE || c == DELETE)
		erase_chars(1);
	else if (c == CTRL_C && text)
		abandon_text();
	else if (c == CTRL_U || c == CTRL_C)
		erase_chars(line_length);
	else if (c >= ' ' && line_length + 1 < sizeof line) {
		line[line_length++] = c;
		log_raw(&c, 1);
	}
}

static void handle_typed(char c)
{
	struct console *shown = console_shown();

	if (!shown) {
		edit_line(c);
	} else if (c == CTRL_A) {
		console_offer(shown);
		console_show(NULL);
		print_raw("\r\n");
		print_prompt();
	} else {
		console_input(shown, c);
	}
}

/*
 * Reads one key, if there is any and it is wanted now.
 *
 * If the guest's queue is full, the serial port is not read, and RTS stops the sender.  A sender
 * that ignores RTS overruns the port's FIFO, and bytes are lost already; from then on input is read
 * and dropped, because Ctrl-A may be in it.
 */
static bool read_key(struct console *shown)
{
	bool takes = !shown || console_takes(shown);
	int c;

	if (takes)
		dropping_input = false;
	c = takes || dropping_input ? uart_get() : -1;
	uart_receive(takes || dropping_input);
	if (c >= 0)
		handle_typed((char)c);
	return c >= 0;
}

/* A key for the monitor, which may end a line; false also while another client's request is carried
 * out, after which the boot core is called again. */
static bool read_monitor_key(void)
{
	bool done;

	if (!control_try_boot_core(&monitor_client))
		return false;
	done = read_key(NULL);
	control_done();
	return done;
}

static void read_port(void)
{
	struct console *shown = console_shown();

	if (uart_overran()) {
		dropping_input = true;
		if (shown)
			console_missed(shown);
	}
	while (shown ? read_key(shown) : read_monitor_key())
		shown = console_shown();
	if (shown)
		console_offer(shown);
}

/*
 * The interrupt is edge-triggered.  Once all input is read and until log_await() enables the
 * transmitter's interrupt, the line is low, so the next event makes a new edge.  Before
 * start_monitor() nothing is read, and output waits for the port instead.
 */
void monitor_poll(void)
{
	bool settled;

	log_queue(monitor_started && has_interrupt && uart_present());
	settled = control_reap();
	iommu_report();
	log_feed();
	if (!monitor_started && settled)
		start_monitor();
	console_feed(console_shown());
	if (monitor_started)
		read_port();
	log_await();
}
