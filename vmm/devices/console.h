/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.h: a guest's console: its output, its input, and whether the terminal shows it.
 *
 * A guest has two devices for it, COM1 and a virtio console (hvc0), and may use both.  Input typed
 * on the terminal waits until the guest reads it:
 *   - by COM1, if a driver has opened COM1 (vmm/devices/vuart.h);
 *   - else by hvc0, if its driver is running and something was printed on it;
 *   - else by COM1, if the guest polls it.
 */
#ifndef VMM_DEVICES_CONSOLE_H
#define VMM_DEVICES_CONSOLE_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"
#include "vmm/devices/typed.h"
#include "vmm/devices/vuart.h"

#define CONSOLE_HISTORY 16384 /* bytes kept for whoever enters the console later */
#define CONSOLE_GSI     4     /* COM1's pin at the guest's I/O APIC; the DSDT says so too */

struct vm;
struct vnet_seg;

struct console {
	struct vm *vm;
	struct spinlock
	    lock;      /* of the guest's cores and the monitor; never held over a serial wait */
	uint64_t head; /* bytes kept so far */
	_Atomic uint64_t dropped; /* bytes lost because the terminal was full */
	_Atomic uint64_t missed;  /* typed bytes lost: queue full, or guest not running */
	_Atomic bool com1_waits;  /* COM1 has bytes that the terminal had no room for */
	_Atomic bool hvc_printed; /* something was, since the guest's start */
	char history[CONSOLE_HISTORY];
	struct typed typed;
};

void console_init(struct console *c, struct vm *vm);

/* The guest restarts: pending input is dropped. */
void console_reset(struct console *c);

/* The guest printed one descriptor chain by its virtio console: the last CONSOLE_HISTORY bytes are
 * kept, and queued for the terminal if it shows this console; what the terminal has no room for is
 * dropped. */
void console_output_hvc(void *console, const struct vnet_seg *seg, unsigned nseg);

/* The line that COM1 is connected to; its context is the console.  COM1 waits while the terminal
 * shows this console and has no room. */
extern const struct vuart_line console_line;

/* The terminal has room again: sends what COM1 holds back.  NULL: nothing happens. */
void console_feed(struct console *c);

/* The virtio console's driver has offered buffers. */
void console_has_reader(void *console);

/* Queues a byte typed at the guest; console_offer() then notifies the guest.  Boot core. */
void console_input(struct console *c, char byte);
void console_offer(struct console *c);

/* False: the input queue is full; CORE_CONSOLE is raised when it has room again. */
bool console_takes(struct console *c);

/* Counts a byte of input that was lost. */
void console_missed(struct console *c);

/* Shows a console on the terminal, with its history; NULL: none.  Boot core. */
void console_show(struct console *c);
struct console *console_shown(void);
#endif
