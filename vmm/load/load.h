/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.h: what the guest loaders share: images, the low-memory layout, the memory map.
 *
 * Guest memory has a region from GPA 0 with at least the first MiB, and may have others above.
 * Every memory map given to a guest describes the first MiB as a PC's: conventional memory; the
 * firmware's data from GUEST_LOW_TOP ("reserved"); no entry from GUEST_VGA to GUEST_BIOS, where a
 * PC has its screen and option ROMs; the firmware's tables above ("reserved").
 */
#ifndef VMM_LOAD_LOAD_H
#define VMM_LOAD_LOAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/bus/gpa.h"

#define GUEST_LOW_TOP 0x9fc00 /* first byte above the guest's conventional memory: 639 KiB */
#define GUEST_VGA     0xa0000 /* first byte of the gap in the map */
#define GUEST_BIOS    0xf0000 /* first byte above */
#define GUEST_ACPI_GPA                                                                             \
	0xf0000 /* where a guest's ACPI tables lie: found by a BIOS-area scan too                  \
	         */
#define GUEST_ACPI_SIZE  0x8000
#define GUEST_SMBIOS_GPA 0xf8000  /* the SMBIOS tables: guest_smbios.h */
#define GUEST_HIGH       0x100000 /* 1 MiB */

/* A range of the VMM's memory with untrusted content: an image, an initramfs, a module. */
struct blob {
	const uint8_t *data;
	uint64_t size; /* bytes */
};

struct gpa_range {
	uint64_t start, size; /* bytes */
};

enum image_kind { IMAGE_UNKNOWN, IMAGE_BZIMAGE, IMAGE_MULTIBOOT };

/* The kind of a kernel image, by its content: the setup header's magic (Linux boot.rst) or a valid
 * Multiboot 1 header in the first 8 KiB.  Never reads beyond the image. */
enum image_kind load_kind(struct blob image);

/* "bzImage", "multiboot" or "unknown". */
const char *image_kind_name(enum image_kind kind);

#define MEMMAP_RAM      1 /* type codes, the same in E820 and Multiboot */
#define MEMMAP_RESERVED 2
#define MEMMAP_MAX      32

struct memmap {
	unsigned n;
	struct {
		uint64_t start, size; /* bytes */
		uint32_t type;
	} entry[MEMMAP_MAX];
};

/*
 * Builds the memory map of a guest: its regions as RAM, with the first MiB as above, minus the
 * n_reserved ranges, which are marked reserved.  Entries are sorted by address, do not overlap and
 * are not empty.  NULL, or why no map can be built.
 */
const char *memmap_build(struct memmap *map, const struct gmem *m, const struct gpa_range *reserved,
                         unsigned n_reserved);

/* True if [start, start + size) lies within one RAM entry of the map. */
bool memmap_is_ram(const struct memmap *map, uint64_t start, uint64_t size);

/*
 * The lowest (or, with `high`, the highest) `align`-aligned start of `size` bytes of RAM within
 * [min, max) that overlaps none of the n ranges `avoid`; UINT64_MAX when there is none.
 * align is a power of two; size is not 0; no range of `avoid` wraps.
 */
uint64_t memmap_place(const struct memmap *map, uint64_t size, uint64_t align, uint64_t min,
                      uint64_t max, const struct gpa_range *avoid, unsigned n, bool high);
#endif
