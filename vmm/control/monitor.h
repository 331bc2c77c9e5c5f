/* SPDX-License-Identifier: BSD-2-Clause */
/* monitor.h: the control language on the serial port. */
#ifndef VMM_CONTROL_MONITOR_H
#define VMM_CONTROL_MONITOR_H
struct control_client;

/* Prepares the serial port's interrupt (an NMI of the boot core). */
void monitor_init(void);

/* To be called when the boot core was interrupted: reaps stopped VMs, reads the serial port.  Once
 * the guests of the boot run, it first shows the console that the description names, or the
 * prompt. */
void monitor_poll(void);

/* The client at the terminal; during the boot it applies the boot file, with answers in the log.
 * `console` gives the terminal to a guest's console, and Ctrl-A returns to the monitor; `load`
 * collects the lines that follow, up to `end`, as one text, and Ctrl-C drops them. */
extern const struct control_client monitor_client;
#endif
