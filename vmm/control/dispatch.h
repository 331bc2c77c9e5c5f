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

/* Applies a whole text, or none of it; or carries out one line.  `who` gets the answer; errors
 * begin with `source`.  Any core; requests are done one at a time, in order. */
bool control_text(const struct control_client *who, const char *text, size_t len,
                  const char *source);
bool control_line(const struct control_client *who, const char *text, size_t len,
                  const char *source);

/*
 * Reaps the guests whose last vCPU has stopped: restarts them, or ends the node, as the description
 * says.  On the boot core.  If another core is carrying out a request, nothing is reaped and that
 * core calls the boot core again.  False: that happened, or a guest is still preparing its first
 * start.
 */
bool control_reap(void);
#endif
