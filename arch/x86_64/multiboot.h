/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multiboot.h: the information of a Multiboot 1 or 2 loader (Multiboot Specification 0.6.96, 3.3;
 * Multiboot2 Specification 2.0, 3.6).
 *
 * The parser touches no hardware and follows no address by itself: it reads memory through a
 * callback only.  No length or address is trusted.
 */
#ifndef ARCH_MULTIBOOT_H
#define ARCH_MULTIBOOT_H
#include <stdint.h>
#include "arch/x86_64/boot_info.h"

/* Returns a pointer to `size` bytes of physical memory at `at`, or NULL if not all are readable. */
typedef const uint8_t *boot_reader(uint64_t at, uint64_t size);

/* Fills `out` from the information at `info`, whose version the magic gives; NULL, or why it was
 * refused. */
const char *multiboot_read(uint32_t magic, uint32_t info, boot_reader *read, struct boot_info *out);
#endif
