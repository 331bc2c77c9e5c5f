/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial monitor: a line editor that hands whole lines to control.c. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/ioapic.h"
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

static char line[CONFIG_LINE];
static size_t length;
static char *text; /* of a `load`, while one is gathered */
static size_t text_length;
static _Atomic bool started;
static bool interrupts; /* the serial port's reach us */
static bool losing;     /* input that has no room: the port cannot be left waiting */

static void say(const char *s)
{
	log_raw(s, strlen(s));
}

/* --- what control says to the monitor ------------------------------------------------------- */

/* Before the monitor's start the terminal is the log's. */
static void put(void *ctx, const char *answer, size_t len)
{
	void (*write)(const char *, size_t) = started ? log_raw : log_text;
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

static void failed(void *ctx, const char *why)
{
	char buf[544];
	int n = snprintf(buf, sizeof buf, "error: %s\n", why);
	put(ctx, buf, (size_t)n);
}

static void gather(void *ctx)
{
	(void)ctx;
	text = mem_zalloc(CONFIG_TEXT);
	text_length = 0;
	if (!text)
		say("no memory left for a text\r\n");
}

static void enter(void *ctx, struct console *c)
{
	(void)ctx;
	say("\r\n");
	console_show(c);
}

static void hold(void *ctx, bool on)
{
	(void)ctx;
	if (on)
		log_hold();
	else
		log_release();
}

const struct control_client monitor_client = {.name = "the monitor",
                                              .put = put,
                                              .failed = failed,
                                              .gather = gather,
                                              .enter = enter,
                                              .hold = hold};

/* --- the line ------------------------------------------------------------------------------- */

void monitor_init(void)
{
	uint32_t gsi;
	interrupts = uart_gsi(&gsi) && acpi.nioapics;
	if (uart_present() && !interrupts)
		log_warn(
		    "the serial port has no interrupt: what is typed is only seen when a guest "
		    "stops");
	if (!interrupts)
		return;
	ioapic_route(gsi, cores[0].apic_id, 0, false);
	uart_interrupts(false);
}

static void prompt(void)
{
	if (!console_shown())
		say(rescue_waits() ? RESCUE : PROMPT);
}

/* The terminal was the log's until now. */
static void start(void)
{
	uart_listen();
	log_debug("what is typed is read from now on");
	started = true;
	int guest = control_config()->console;
	if (guest >= 0 && vms[guest])
		console_show(&vms[guest]->console);
	if (rescue_waits())
		rescue_greet();
	prompt();
}

static void end_text(void)
{
	mem_zfree(text, CONFIG_TEXT);
	text = NULL;
}

static void gather_line(void)
{
	line[length] = 0;
	if (!strcmp(line, "end")) {
		control_text(&monitor_client, text, text_length, "load");
		end_text();
	} else if (text_length + length + 1 > CONFIG_TEXT) {
		say("text too long: nothing was taken\r\n");
		end_text();
	} else {
		memcpy(text + text_length, line, length);
		text_length += length;
		text[text_length++] = '\n';
	}
}

/* The log has the terminal again until the guests of the new description run. */
static void start_again(void)
{
	started = false;
	core_call(&cores[0], CORE_CONSOLE);
}

static void end_line(void)
{
	say("\r\n");
	if (text)
		gather_line();
	else
		control_line(&monitor_client, line, length, "monitor");
	length = 0;
	if (rescue_ends())
		start_again();
	else
		prompt();
}

static void erase(size_t n)
{
	for (; n && length; n--, length--)
		say("\b \b");
}

static void abandon_text(void)
{
	end_text();
	length = 0;
	say("\r\nnothing was taken\r\n");
	prompt();
}

static void edit(char c)
{
	if (c == '\r' || c == '\n')
		end_line();
	else if (c == BACKSPACE || c == DELETE)
		erase(1);
	else if (c == CTRL_C && text)
		abandon_text();
	else if (c == CTRL_U || c == CTRL_C)
		erase(length);
	else if (c >= ' ' && length + 1 < sizeof line) {
		line[length++] = c;
		log_raw(&c, 1);
	}
}

static void typed(char c)
{
	struct console *shown = console_shown();
	if (!shown) {
		edit(c);
	} else if (c == CTRL_A) {
		console_offer(shown);
		console_show(NULL);
		say("\r\n");
		prompt();
	} else {
		console_input(shown, c);
	}
}

/*
 * A guest that does not read fills its queue; then the port is left waiting, and RTS asks the other
 * end to do so.  One that sends all the same overruns the port's FIFO, and bytes are lost already:
 * from then on the others are read and dropped, because Ctrl-A may be among them.
 */
static void read_port(void)
{
	struct console *shown = console_shown();
	if (uart_overran()) {
		losing = true;
		if (shown)
			console_missed(shown);
	}
	for (;;) {
		bool takes = !(shown = console_shown()) || console_takes(shown);
		if (takes)
			losing = false;
		int c = takes || losing ? uart_get() : -1;
		uart_receive(takes || losing);
		if (c < 0)
			break;
		typed((char)c);
	}
	if (shown)
		console_offer(shown);
}

/*
 * The interrupt is an edge: the line is low once what came in is read and, until log_await(),
 * nobody asks for the port's being empty; so whatever happens next is a new edge.  Nothing is read
 * before the start, and the port is waited for.
 */
void monitor_poll(void)
{
	log_queue(started && interrupts && uart_present());
	bool settled = control_reap();
	log_feed();
	if (!started && settled)
		start();
	console_feed(console_shown());
	if (started)
		read_port();
	log_await();
}
