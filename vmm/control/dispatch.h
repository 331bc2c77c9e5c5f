/* SPDX-License-Identifier: BSD-2-Clause */
/* dispatch.h: carries out texts and lines of the control language for a client. */
#ifndef VMM_CONTROL_DISPATCH_H
#define VMM_CONTROL_DISPATCH_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

struct console;

/* A client of the control language: the monitor, or a guest's control console. */
struct control_client {
	const char *name; /* for logs, as in "command from the monitor" */
	config_put *put;  /* receives the answer, in parts */
	void (*failed)(void *ctx, const char *text); /* receives why: one line, no newline */
	void (*gather)(void *ctx); /* `load` was given: the lines that follow are one text */
	/* Connects the client's terminal to a guest's console; NULL: it has no terminal. */
	void (*enter)(void *ctx, struct console *c);
	/* An answer begins (on) or ends: nothing else may be printed between its lines.  NULL:
	 * nothing else can be. */
	void (*hold)(void *ctx, bool on);
	void *ctx;
};

/*
 * Requests are done one at a time.  A client calls control_try(); true: it may make requests, until
 * it calls control_done().  False: another core makes some, which may take long; the caller goes
 * back to its run loop and comes again.  Any core.
 */
bool control_try(const struct control_client *who);
void control_done(void);

/* As control_try(), for the boot core: if it is false, that other core calls the boot core's
 * console work when it is done. */
bool control_try_boot_core(const struct control_client *who);

/* Applies a whole text, or none of it; or carries out one line.  The client gets the answer; errors
 * begin with `source`. */
bool control_text(const char *text, size_t len, const char *source);
bool control_line(const char *text, size_t len, const char *source);

/*
 * Reaps the guests whose last vCPU has stopped: restarts them, or ends the node, as the description
 * says.  On the boot core.  If another core is carrying out a request, nothing is reaped and that
 * core calls the boot core again.  False: that happened, or a guest is still preparing its first
 * start.
 */
bool control_reap(void);
#endif
