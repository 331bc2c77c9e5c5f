/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multiboot_format.h: structures passed between a Multiboot loader and a kernel (Multiboot
 * Specification 0.6.96; Multiboot2 Specification 2.0).
 *
 * Addresses are physical, below 4 GiB.  Structures may be unaligned.
 */
#ifndef LIB_MULTIBOOT_FORMAT_H
#define LIB_MULTIBOOT_FORMAT_H
#include <stddef.h>
#include <stdint.h>

/* --- Multiboot 1 ---------------------------------------------------------------------------- */

#define MB1_HEADER_MAGIC 0x1badb002u
#define MB1_EAX          0x2badb002u

/* In the first 8 KiB of a kernel (3.1.1); the address fields are valid with bit 16 of the flags. */
struct mb1_header {
	uint32_t magic, flags, checksum;
	uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
} __attribute__((packed));
_Static_assert(offsetof(struct mb1_header, header_addr) == 12, "0.6.96, 3.1.1");
_Static_assert(sizeof(struct mb1_header) == 32, "0.6.96, 3.1.1");

/* Flags of the information (3.3): which fields are valid */
#define MB1_HAS_MEMORY  (1u << 0)
#define MB1_HAS_CMDLINE (1u << 2)
#define MB1_HAS_MODULES (1u << 3)
#define MB1_HAS_MAP     (1u << 6)
#define MB1_HAS_LOADER  (1u << 9)

/* What EBX points to; after `loader`: APM and video. */
struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
	uint32_t modules, modules_addr;
	uint32_t symbols[4];
	uint32_t map_length, map_addr, drives_length, drives_addr, config_table, loader;
	uint32_t apm, vbe[4], framebuffer[8];
} __attribute__((packed));
_Static_assert(offsetof(struct mb1_info, cmdline) == 16, "0.6.96, 3.3");
_Static_assert(offsetof(struct mb1_info, map_length) == 44, "0.6.96, 3.3");
_Static_assert(offsetof(struct mb1_info, loader) == 64, "0.6.96, 3.3");
_Static_assert(sizeof(struct mb1_info) == 120, "0.6.96, 3.3");

struct mb1_module {
	uint32_t start, end, string, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct mb1_module) == 16, "0.6.96, 3.3");

/* `size`: bytes of the entry after this field, 20 or more. */
struct mb1_range {
	uint32_t size;
	uint64_t start, length;
	uint32_t type; /* BIOS range type: 1 is RAM (ACPI 6.5, 15) */
} __attribute__((packed));
_Static_assert(sizeof(struct mb1_range) == 24, "0.6.96, 3.3");

/* --- Multiboot 2 ---------------------------------------------------------------------------- */

#define MB2_EAX   0x36d76289u
#define MB2_ALIGN 8 /* of the tags */

/* What EBX points to: `size` bytes, this header and the tags (3.6.2). */
struct mb2_info {
	uint32_t size, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct mb2_info) == 8, "2.0, 3.6.2");

enum mb2_type {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MAP = 6,
	MB2_RSDP_OLD = 14,
	MB2_RSDP = 15,
};

/* The header of every tag; `size` includes it. */
struct mb2_tag {
	uint32_t type, size;
} __attribute__((packed));
_Static_assert(sizeof(struct mb2_tag) == 8, "2.0, 3.6.2");

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	uint8_t string[];
} __attribute__((packed));
_Static_assert(sizeof(struct mb2_module) == 16, "2.0, 3.6.6");

struct mb2_map {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
} __attribute__((packed));
_Static_assert(sizeof(struct mb2_map) == 16, "2.0, 3.6.8");

/* The entries after struct mb2_map, each of entry_size bytes. */
struct mb2_range {
	uint64_t start, length;
	uint32_t type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct mb2_range) == 24, "2.0, 3.6.8");
#endif
