/* control.h: makes the machine follow the description, and answers what is asked of it. */
#ifndef VMM_CONTROL_CONTROL_H
#define VMM_CONTROL_CONTROL_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

struct console;
struct vm;
struct vnet;

/* One NIC of a guest: its virtio device and its port of the switch, by the port's slot. */
struct nic;

/* Makes the switch and an empty description; panics when memory is short. */
void control_init(void);

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

extern struct vnet *node_vnet;
const struct node_config *control_config(void);
struct vnet_port *control_port(unsigned slot); /* of a port or link; NULL: none */
struct virtio_net *control_nic(unsigned slot); /* NULL: none */

/* show.c, show/net.c: the answers to `show`, `explain` and `lint`; `put` gets the text. */
void show(const struct config_action *a, config_put *put, void *ctx);
void show_explain(const struct config_action *a, config_put *put, void *ctx);
void show_lint(const struct config_action *a, config_put *put, void *ctx);
#endif
