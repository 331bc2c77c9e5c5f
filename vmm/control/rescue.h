/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rescue.h: a boot that was given no description it can take.
 *
 * The node then waits in its monitor, with all of its language: `load` takes a text that is typed
 * or pasted, `load MODULE` another boot module.  With the first guest that is declared the boot
 * goes on as it does after a patio.conf.  `rescue=no` on the image's command line ends the node
 * instead.
 */
#ifndef VMM_CONTROL_RESCUE_H
#define VMM_CONTROL_RESCUE_H
#include <stdbool.h>

/* Takes the boot module patio.conf as the node's description.  false: there is none, or it was
 * refused, and `rescue=no` is said; else the monitor is to wait, or needs not. */
bool rescue_take_config(void);

/* True while the monitor waits for a description. */
bool rescue_waits(void);

/* What the monitor says before its first prompt, while it waits. */
void rescue_greet(void);

/* True once, when a guest has been declared meanwhile: the boot goes on. */
bool rescue_ends(void);

/* Why the description was not taken at boot; NULL: it was. */
const char *rescue_reason(void);
#endif
