/*
 * last_panic.h: the text of a panic, from one boot to the next.
 *
 * A warm reset leaves memory as it is, but firmware and loader use much of it.  The text is kept
 * twice, in two pages that few use: LAST_PANIC_LOW lies between the BIOS's data and where it loads
 * a boot sector (7C00h), and is below what SeaBIOS clears before it boots (7000h to 90000h);
 * LAST_PANIC_HIGH lies above that, and below what firmware and network boot code take at the end of
 * conventional memory.  GRUB, QEMU's loader, OVMF and Bochs's BIOS leave one of them alone at
 * least.
 */
#ifndef VMM_LAST_PANIC_H
#define VMM_LAST_PANIC_H
#include "vmm/panic_record.h"

/* Looks for what the last boot left, and makes the pages ready; once, after the loader's
 * information was read. */
void last_panic_init(void);

/* One line for the log, if there is a text. */
void last_panic_log(void);

/* The text and when it was, or NULL. */
const struct panic_record *last_panic(void);

/* This boot's panic: begins its text; adds a line to it.  On the one core that runs. */
void last_panic_begin(void);
void last_panic_add(const char *line);
#endif
