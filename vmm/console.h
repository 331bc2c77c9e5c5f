/* console.h: a guest's console: what it prints, and whether the terminal shows it now. */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H
#include <stddef.h>
#include <stdint.h>
#include "vmm/lock.h"

#define CONSOLE_HISTORY 16384 /* bytes kept for whoever enters the console later */

struct vm;

struct console {
	struct vm *vm;
	struct spinlock lock;
	uint64_t head; /* bytes printed so far */
	char history[CONSOLE_HISTORY];
};

void console_init(struct console *c, struct vm *vm);

/* The guest printed: kept, and shown when this console is on the terminal. */
void console_output(struct console *c, const char *buf, size_t len);
void console_output_hvc(void *console, const char *buf, size_t len);

/* Typed at the guest: to its virtio console when a driver is there, else to its COM1. */
void console_input(struct console *c, const char *buf, size_t len);

/* Puts a console on the terminal (with what it printed lately), or none (NULL). */
void console_show(struct console *c);
struct console *console_shown(void);
#endif
