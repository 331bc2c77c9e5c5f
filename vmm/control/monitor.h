/* SPDX-License-Identifier: BSD-2-Clause */
/* monitor.h: the line on the serial port that speaks the language of control. */
#ifndef VMM_CONTROL_MONITOR_H
#define VMM_CONTROL_MONITOR_H
struct control_client;

/* Prepares the serial port's interrupt (an NMI of the boot core). */
void monitor_init(void);

/* The boot core was called: reaps VMs that stopped, reads what was typed.  Once the boot's guests
 * run, shows the console that the description names, or the prompt. */
void monitor_poll(void);

/* Whoever speaks at the terminal; during the boot, the boot file, answered in the log.  `console`
 * gives the terminal to a guest's console, and Ctrl-A brings the monitor back; `load` gathers the
 * lines that follow, up to one that says `end`, as one text, and Ctrl-C drops them. */
extern const struct control_client monitor_client;
#endif
