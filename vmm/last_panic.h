/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last_panic.h: keeps the text of a panic in memory for the next boot.
 *
 * A warm reset keeps memory, but firmware and boot loader overwrite much of it.  So the text is
 * kept in three pages of conventional memory, one of which is enough.  Which pages survive a reset
 * was measured by filling all of them: under SeaBIOS 2000h to 4FFFh and 90000h to 9EFFFh (it clears
 * 7000h to 8FFFFh before it boots, and GRUB uses more at both ends), under OVMF only 86000h to
 * 87FFFh.  3000h is between the BIOS data and the load address of boot sectors (7C00h), 98000h is
 * below what network boot code uses.
 */
#ifndef VMM_LAST_PANIC_H
#define VMM_LAST_PANIC_H
#include "vmm/panic_record.h"

/* Looks for the last boot's record, then prepares to keep this boot's panic.  Once, after the
 * loader's information was read. */
void last_panic_init(void);

/* Logs one line if there is a record. */
void last_panic_log(void);

/* The record, or NULL. */
const struct panic_record *last_panic(void);
#endif
