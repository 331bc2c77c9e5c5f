/* console.h: a guest's console: what it prints, and whether the terminal shows it now. */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define CONSOLE_HISTORY 16384 /* bytes kept for whoever enters the console later */

struct vm;
struct vnet_seg;

struct console {
	struct vm *vm;
	struct spinlock
	    lock;      /* of the guest's cores, and of the monitor, which waits for no port */
	uint64_t head; /* bytes kept so far */
	_Atomic uint64_t dropped; /* bytes that the terminal had no room for while it showed this */
	char history[CONSOLE_HISTORY];
};

void console_init(struct console *c, struct vm *vm);

/* The guest printed `len` bytes: the last CONSOLE_HISTORY of them are kept, and queued for the
 * terminal when it shows this console. */
void console_output(struct console *c, const char *buf, size_t len);

/* The same by its virtio console: one chain. */
void console_output_hvc(void *console, const struct vnet_seg *seg, unsigned nseg);

/* Typed at the guest: to its virtio console when a driver is there, else to its COM1. */
void console_input(struct console *c, const char *buf, size_t len);

/* Puts a console on the terminal (with what it printed lately), or none (NULL).  Boot core. */
void console_show(struct console *c);
struct console *console_shown(void);
#endif
