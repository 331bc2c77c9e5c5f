/* SPDX-License-Identifier: BSD-2-Clause */
/* panic.h: the report that ends the node when it cannot go on. */
#ifndef ARCH_PANIC_H
#define ARCH_PANIC_H

struct trap_frame;

#define PANIC_STATUS 127 /* the exit status of a panic, as of node_exit() */

/* Stops all other cores, writes the text (printf form) and a back-trace, and ends the node as
 * node_panic_act() says. */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The same for an exception of the VMM's own, with its registers; `why` follows the vector. */
void panic_exception(const struct trap_frame *f, const char *why) __attribute__((noreturn));

/* Prints a line (printf form) like the log, but without the log's lock, which this core may hold.
 */
void panic_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Saves a panic's text over the reset that follows; called on the only core still running. */
struct panic_keeper {
	void (*begin)(void);
	void (*add)(const char *line); /* without a line end */
};

/* Registers the keeper.  Before that a panic's text is printed but not saved. */
void panic_keep(const struct panic_keeper *keeper);
#endif
