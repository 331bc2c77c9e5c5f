/* monitor.h: the line on the serial port that speaks the language of control. */
#ifndef VMM_CONTROL_MONITOR_H
#define VMM_CONTROL_MONITOR_H
#include <stdbool.h>

struct console;

/* Prepares the serial port's interrupt (an NMI of the boot core). */
void monitor_init(void);

/* False during the boot: nobody is at the monitor yet, messages belong in the log. */
bool monitor_started(void);

/* The boot core was called: reaps VMs that stopped, reads what was typed.  Once the boot's guests
 * run, shows the console that the description names, or the prompt. */
void monitor_poll(void);

/* Gives the terminal to a guest's console; Ctrl-A brings the monitor back. */
void monitor_enter(struct console *c);

/* Gathers the lines that follow, up to one that says `end`, as one text; Ctrl-C drops them. */
void monitor_gather(void);
#endif
