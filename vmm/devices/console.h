/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.h: a guest's console: what it prints, what is typed at it, and whether the terminal shows
 * it now.
 *
 * A guest has two devices for it, COM1 and a virtio console (hvc0), and may use both.  What is
 * typed waits until the guest reads it:
 *   - by COM1, when a driver has opened that (vmm/devices/vuart.h);
 *   - else by hvc0, when its driver is there and something was printed on it;
 *   - else by whoever polls COM1.
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
	    lock;      /* of the guest's cores, and of the monitor, which waits for no port */
	uint64_t head; /* bytes kept so far */
	_Atomic uint64_t dropped; /* bytes that the terminal had no room for while it showed this */
	_Atomic uint64_t missed; /* bytes typed for which the guest had no room, or was not there */
	_Atomic bool com1_waits; /* COM1 has bytes that the terminal had no room for */
	_Atomic bool hvc_printed; /* since the guest's start */
	char history[CONSOLE_HISTORY];
	struct typed typed;
};

void console_init(struct console *c, struct vm *vm);

/* The guest starts anew: what was typed at it before is dropped. */
void console_reset(struct console *c);

/* The guest printed one chain by its virtio console: the last CONSOLE_HISTORY bytes are kept, and
 * queued for the terminal when it shows this console; what has no room there is dropped. */
void console_output_hvc(void *console, const struct vnet_seg *seg, unsigned nseg);

/* What its COM1 is connected to; the context is the console.  While the terminal shows it and has
 * no room, COM1 waits. */
extern const struct vuart_line console_line;

/* The terminal has room again: for COM1, if it waits.  NULL: nothing happens. */
void console_feed(struct console *c);

/* The virtio console's driver has offered buffers. */
void console_has_reader(void *console);

/* A byte was typed at the guest, which hears of it by console_offer().  Boot core. */
void console_input(struct console *c, char byte);
void console_offer(struct console *c);

/* False: there is no room for what is typed; CORE_CONSOLE says when there is some again. */
bool console_takes(struct console *c);

/* A byte that was typed at it was lost. */
void console_missed(struct console *c);

/* Puts a console on the terminal (with what it printed lately), or none (NULL).  Boot core. */
void console_show(struct console *c);
struct console *console_shown(void);
#endif
