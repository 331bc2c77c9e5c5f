/* SPDX-License-Identifier: BSD-2-Clause */
/* boot_info.h: the loader's boot information, and queries on it. */
#ifndef ARCH_BOOT_INFO_H
#define ARCH_BOOT_INFO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"

#define BOOT_RANGES  64
#define BOOT_MODULES 32

struct boot_range {
	paddr_t start, size;
};

struct boot_module {
	char name[64]; /* last part of the first word of its string */
	paddr_t start;
	uint64_t size;
	char args[192]; /* the rest of its string */
};

struct boot_info {
	char cmdline[512];
	char loader[64];
	unsigned nram, nmodules;
	struct boot_range ram[BOOT_RANGES];
	uint64_t ram_left_out; /* bytes in ranges beyond BOOT_RANGES */
	unsigned nfirmware;
	struct boot_range firmware[BOOT_RANGES]; /* reserved, ACPI, NVS: may hold tables */
	uint16_t ebda_segment;                   /* from the BIOS data area, in page 0; 0: none */
	struct boot_module module[BOOT_MODULES];
	struct acpi_rsdp rsdp; /* the loader's copy; zeroes: it gave none */
};

extern struct boot_info boot;

/* Fills `boot` from the Multiboot 1 or 2 information (by the magic in EAX) at `info`; NULL, or why
 * it was refused.  To be called before paging_init(). */
const char *boot_info_read(uint32_t magic, uint32_t info);

/* True when the loader's map has physical address p as RAM. */
bool holds_ram_at(paddr_t p);

/* The end of RAM, at least 4 GiB: also the end of the VMM's identity map. */
paddr_t boot_memory_top(void);

/* Copies the value of `key=value` on the VMM's own command line, truncated to `size` with its NUL;
 * false: there is no such option. */
bool boot_option(const char *key, char *value, size_t size);

/* The module of that name, or NULL. */
const struct boot_module *boot_module_find(const char *name);
#endif
