/* SPDX-License-Identifier: BSD-2-Clause */
/* multiboot_info.h: the information structure and the modules of a Multiboot 1 kernel (3.3). */
#ifndef VMM_LOAD_MULTIBOOT_INFO_H
#define VMM_LOAD_MULTIBOOT_INFO_H
#include "vmm/load/multiboot.h"

#define MULTIBOOT_PARTS_MAX 64

/* Addresses of what multiboot_info_build() placed: GPAs below 4 GiB. */
struct multiboot_placed {
	uint32_t info, gdt;
};

/*
 * Places the modules page-aligned above the kernel's parts, and the structure with its strings, the
 * memory map and a descriptor table (flat code at 8, flat data at 0x10) in conventional memory
 * where nothing else lies.  n_parts is at most MULTIBOOT_PARTS_MAX.  NULL, or the reason.
 */
const char *multiboot_info_build(const struct gmem *m, const struct memmap *map,
                                 const struct multiboot_boot *boot, const struct gpa_range *parts,
                                 unsigned n_parts, struct multiboot_placed *placed);
#endif
