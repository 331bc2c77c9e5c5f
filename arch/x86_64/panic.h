/* SPDX-License-Identifier: BSD-2-Clause */
/* panic.h: the report that ends the node when it cannot go on. */
#ifndef ARCH_PANIC_H
#define ARCH_PANIC_H

struct trap_frame;

#define PANIC_STATUS 127 /* what node_exit() gets from a panic */

/* Stops all other cores, writes the text (printf form) and a back-trace, and ends the node as
 * node_panic_act() says. */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The same for an exception of the VMM's own, with its registers; `why` follows the vector. */
void panic_exception(const struct trap_frame *f, const char *why) __attribute__((noreturn));

/* A line (printf form) where the log goes, without the log's lock, which this core may hold. */
void panic_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Who keeps a panic's text over the reset that follows; called on the one core that runs. */
struct panic_keeper {
	void (*begin)(void);
	void (*add)(const char *line); /* without its end */
};

/* Until then a panic's text is only written. */
void panic_keep(const struct panic_keeper *keeper);
#endif
