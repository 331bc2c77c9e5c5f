/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests' consoles on the one serial terminal. */
#include <stdatomic.h>
#include <string.h>
#include "arch/x86_64/core.h"
#include "vmm/devices/console.h"
#include "lib/log.h"
#include "vmm/life.h"

#define HVC_PART 1024 /* bytes */

static _Atomic(struct console *) shown_console;

void console_init(struct console *c, struct vm *vm)
{
	c->vm = vm;
}

void console_reset(struct console *c)
{
	typed_reset(&c->typed);
	atomic_store(&c->hvc_printed, false);
	atomic_store(&c->com1_waits, false);
}

static void keep_history(struct console *c, const char *buf, size_t len)
{
	size_t at = c->head % CONSOLE_HISTORY;
	size_t first = len < CONSOLE_HISTORY - at ? len : CONSOLE_HISTORY - at;

	memcpy(c->history + at, buf, first);
	memcpy(c->history, buf + first, len - first);
	c->head += len;
}

/* Prints at most CONSOLE_HISTORY bytes; what the terminal has no room for is dropped.  Lock
 * held. */
static void print_or_drop(struct console *c, const char *buf, size_t len)
{
	keep_history(c, buf, len);
	if (atomic_load(&shown_console) == c)
		atomic_fetch_add(&c->dropped, len - log_guest(buf, len));
}

/* Prints as many bytes as the terminal has room for; returns how many.  Lock held. */
static size_t print_what_fits(struct console *c, const char *buf, size_t len)
{
	size_t n = atomic_load(&shown_console) == c ? log_guest(buf, len) : len;

	keep_history(c, buf, n);
	return n;
}

/* How many of `len` bytes exceed the history; counted as dropped if the terminal shows this
 * console. */
static uint64_t beyond_history(struct console *c, uint64_t len)
{
	uint64_t more = len > CONSOLE_HISTORY ? len - CONSOLE_HISTORY : 0;

	if (atomic_load(&shown_console) == c)
		atomic_fetch_add(&c->dropped, more);
	return more;
}

/* --- COM1 ----------------------------------------------------------------------------------- */

/* com1_waits is set before the second try: whoever makes room, or shows another console, after that
 * try sees it. */
static size_t com1_send(void *console, const char *buf, size_t n)
{
	struct console *c = console;
	size_t done;

	spin_lock(&c->lock);
	done = print_what_fits(c, buf, n);
	if (done < n) {
		atomic_store(&c->com1_waits, true);
		done += print_what_fits(c, buf + done, n - done);
	}
	spin_unlock(&c->lock);
	return done;
}

static uint32_t com1_waiting(void *console)
{
	struct console *c = console;

	return typed_waiting(&c->typed);
}

static void call_source(struct console *c)
{
	if (typed_source_due(&c->typed))
		core_call(&cores[0], CORE_CONSOLE);
}

static int com1_receive(void *console)
{
	struct console *c = console;
	int byte = typed_take(&c->typed);

	call_source(c);
	return byte;
}

static void com1_interrupt(void *console, bool high)
{
	struct console *c = console;

	vioapic_set(&c->vm->ioapic, CONSOLE_GSI, high);
}

const struct vuart_line console_line = {com1_send, com1_waiting, com1_receive, com1_interrupt};

void console_feed(struct console *c)
{
	if (c && atomic_load(&c->com1_waits) && atomic_exchange(&c->com1_waits, false))
		vuart_line_changed(&c->vm->uart);
}

/* --- virtio console ------------------------------------------------------------------------- */

/* Linux's driver discards input that arrives before its console is registered (virtio_console.c:
 * guest_connected), and later keeps input that nobody reads; so hvc0 gets input only after the
 * guest has printed on it. */
static bool hvc_reads(struct console *c)
{
	return virtio_pci_running(&c->vm->hvc.v) && !vuart_is_open(&c->vm->uart) &&
	       atomic_load(&c->hvc_printed);
}

static size_t hvc_take(void *console, const char *buf, size_t n)
{
	struct console *c = console;

	return virtio_console_input(&c->vm->hvc, buf, n);
}

/* In parts, so that the queue's lock is not held long.  After a refusal one more try is made,
 * because the device may just have freed buffers; after the second the device calls
 * console_has_reader() when the guest offers buffers. */
static void feed_hvc(struct console *c)
{
	unsigned refused = 0;

	while (refused < 2 && typed_waiting(&c->typed) && hvc_reads(c))
		refused = typed_hand_over(&c->typed, HVC_PART, hvc_take, c) ? 0 : refused + 1;
	call_source(c);
}

void console_has_reader(void *console)
{
	struct console *c = console;

	if (typed_waiting(&c->typed))
		feed_hvc(c);
}

void console_output_hvc(void *console, const struct vnet_seg *seg, unsigned nseg)
{
	struct console *c = console;
	uint64_t total = 0;
	uint64_t left_out;

	for (unsigned i = 0; i < nseg; i++)
		total += seg[i].len;
	spin_lock(&c->lock);
	left_out = beyond_history(c, total);
	for (unsigned i = 0; i < nseg; i++) {
		uint32_t from = left_out < seg[i].len ? (uint32_t)left_out : seg[i].len;

		print_or_drop(c, (const char *)seg[i].base + from, seg[i].len - from);
		left_out -= from;
	}
	spin_unlock(&c->lock);
	atomic_store(&c->hvc_printed, true);
	console_has_reader(c);
}

/* --- input from the terminal ---------------------------------------------------------------- */

bool console_takes(struct console *c)
{
	return !vm_active(c->vm) || !typed_full(&c->typed);
}

void console_input(struct console *c, char byte)
{
	if (!vm_active(c->vm) || !typed_put(&c->typed, byte))
		console_missed(c);
}

void console_offer(struct console *c)
{
	if (!typed_waiting(&c->typed) || !vm_active(c->vm))
		return;
	vuart_line_changed(&c->vm->uart);
	feed_hvc(c);
}

void console_missed(struct console *c)
{
	atomic_fetch_add(&c->missed, 1);
}

/* --- the terminal --------------------------------------------------------------------------- */

/* Copies the history, oldest byte first, to a buffer of CONSOLE_HISTORY bytes and puts the console
 * on the terminal. */
static size_t begin_show(struct console *c, char *to)
{
	size_t n, at, first;

	spin_lock(&c->lock);
	n = c->head < CONSOLE_HISTORY ? c->head : CONSOLE_HISTORY;
	at = (c->head - n) % CONSOLE_HISTORY;
	first = n < CONSOLE_HISTORY - at ? n : CONSOLE_HISTORY - at;
	memcpy(to, c->history + at, first);
	memcpy(to + first, c->history, n - first);
	atomic_store(&shown_console, c);
	spin_unlock(&c->lock);
	return n;
}

/* What the guest prints while the history is written is queued behind it. */
void console_show(struct console *c)
{
	static char copy[CONSOLE_HISTORY];

	console_feed(atomic_exchange(&shown_console, NULL));
	if (!c)
		return;
	log_hold();
	log_raw(copy, begin_show(c, copy));
	log_release();
}

struct console *console_shown(void)
{
	return atomic_load(&shown_console);
}
