/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last_panic.h: the text of a panic, from one boot to the next.
 *
 * A warm reset leaves memory as it is, but firmware and loader use much of it.  So the text is kept
 * in three pages of conventional memory, one of which is enough.  Which pages outlive a reset was
 * found by filling all of them: under SeaBIOS 2000h to 4FFFh and 90000h to 9EFFFh, because it
 * clears what lies between (7000h to 8FFFFh) before it boots and GRUB uses more at both ends; under
 * OVMF 86000h to 87FFFh alone.  3000h lies between the BIOS's data and where a boot sector is
 * loaded (7C00h), 98000h below what network boot code takes at the end.
 */
#ifndef VMM_LAST_PANIC_H
#define VMM_LAST_PANIC_H
#include "vmm/panic_record.h"

/* Looks for what the last boot left; this boot's panic is kept from here on.  Once, after the
 * loader's information was read. */
void last_panic_init(void);

/* One line for the log, if there is a text. */
void last_panic_log(void);

/* The text and when it was, or NULL. */
const struct panic_record *last_panic(void);
#endif
