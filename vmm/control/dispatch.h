/* SPDX-License-Identifier: BSD-2-Clause */
/* dispatch.h: texts and lines: who asks, what is done, and the answer. */
#ifndef VMM_CONTROL_DISPATCH_H
#define VMM_CONTROL_DISPATCH_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

struct console;

/* Who asks: the monitor, or a guest's control console. */
struct control_client {
	const char *name;                            /* as in "stopped from the monitor" */
	config_put *put;                             /* the answer, in pieces */
	void (*failed)(void *ctx, const char *text); /* why it failed: one line, without its end */
	void (*gather)(void *ctx); /* `load` was asked: the lines that follow are one text */
	/* Shows a guest's console where the client is; NULL: it has no terminal. */
	void (*enter)(void *ctx, struct console *c);
	/* An answer begins, and ends: nothing else may come between its lines.  NULL: nothing can.
	 */
	void (*hold)(void *ctx, bool on);
	void *ctx;
};

/* Takes a whole text or nothing, or one line.  `who` gets the answer; errors begin with `source`.
 * Any core; one at a time, in order. */
bool control_text(const struct control_client *who, const char *text, size_t len,
                  const char *source);
bool control_line(const struct control_client *who, const char *text, size_t len,
                  const char *source);

/*
 * Reaps the guests whose last vCPU has stopped: restarts them, or ends the node, as described.  On
 * the boot core; while another core has a text or line to do, that one calls the boot core again.
 * False: it did not come to that, or a guest is still being prepared for its first start.
 */
bool control_reap(void);
#endif
