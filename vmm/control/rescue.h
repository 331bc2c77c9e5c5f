/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rescue.h: a boot without a valid description.
 *
 * The node then waits in its monitor, which has its whole language: `load` takes a text that is
 * typed or pasted, `load MODULE` another boot module.  Once a guest has been declared, the boot
 * goes on as after a patio.conf.  With `rescue=no` on the image's command line the node ends
 * instead.
 */
#ifndef VMM_CONTROL_RESCUE_H
#define VMM_CONTROL_RESCUE_H
#include <stdbool.h>

/* Applies the boot module patio.conf.  false: it is missing or was refused, and `rescue=no` was
 * given: the node is to end.  true: it was applied, or the monitor waits for a description. */
bool rescue_take_config(void);

/* True while the monitor waits for a description. */
bool rescue_waits(void);

/* Prints the greeting before the waiting monitor's first prompt. */
void rescue_greet(void);

/* True once, when a guest has been declared in the waiting monitor: the boot goes on. */
bool rescue_ends(void);

/* Why patio.conf was not applied at boot; NULL: it was. */
const char *rescue_reason(void);
#endif
