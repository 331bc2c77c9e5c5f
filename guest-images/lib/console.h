/* SPDX-License-Identifier: BSD-2-Clause */
/* COM1 by polling, and the end of a guest. */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

void console_init(void);

/* Prints at most 255 characters; a line feed becomes CR LF. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Ends the machine with `status` by the debug-exit port (0xf4); halts for ever where there is none.
 */
_Noreturn void guest_exit(int status);
#endif
