/* SPDX-License-Identifier: BSD-2-Clause */
/* multiboot_info.c: builds the information structure, to which EBX points at entry (Multiboot
 * 0.6.96, section 3.3). */
#include <string.h>
#include "lib/bytes.h"
#include "lib/multiboot_format.h"
#include "vmm/load/multiboot_info.h"

#define GDT_SIZE   24
#define STRING_MAX 4096
#define LOW_MIN    0x1000 /* leaves the interrupt vectors and the BIOS data area alone */
#define LIMIT_4G   0x100000000ull

static const char loader_name[] = "Patio";

/* The area being filled: `used` of `size` bytes; `gpa` is its guest address, `at` the VMM's
 * pointer. */
struct area {
	uint8_t *at;
	uint32_t gpa, size, used;
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* Reserves the next n bytes of the area; returns their guest-physical address.  area_size() counted
 * them. */
static uint32_t reserve_bytes(struct area *a, uint32_t n, uint8_t **at)
{
	uint32_t gpa = a->gpa + a->used;

	*at = a->at + a->used;
	a->used += n;
	return gpa;
}

static uint32_t put_string(struct area *a, const char *s)
{
	uint8_t *at;
	uint32_t n = (uint32_t)strlen(s) + 1;
	uint32_t gpa = reserve_bytes(a, n, &at);

	memcpy(at, s, n);
	return gpa;
}

/* Size in bytes of the whole structure; 0 if a string is too long. */
static uint32_t area_size(const struct memmap *map, const struct multiboot_boot *boot)
{
	size_t n = strnlen(or_empty(boot->cmdline), STRING_MAX);
	uint32_t size = (uint32_t)(sizeof(struct mb1_info) + GDT_SIZE +
	                           map->n * sizeof(struct mb1_range) + sizeof loader_name);

	if (n == STRING_MAX)
		return 0;
	size += (uint32_t)n + 1;
	for (unsigned i = 0; i < boot->n_modules; i++) {
		n = strnlen(or_empty(boot->modules[i].string), STRING_MAX);
		if (n == STRING_MAX)
			return 0;
		size += (uint32_t)(sizeof(struct mb1_module) + n + 1);
	}
	return size;
}

static const char *place_area(const struct gmem *m, const struct memmap *map,
                              const struct multiboot_boot *boot, const struct gpa_range *avoid,
                              unsigned n, struct area *a)
{
	uint64_t at;

	a->size = area_size(map, boot);
	a->used = 0;
	if (!a->size)
		return "multiboot: the command line or a module's string is longer than 4095 bytes";
	at = memmap_place(map, a->size, 16, LOW_MIN, GUEST_LOW_TOP, avoid, n, true);
	if (at == UINT64_MAX)
		at = memmap_place(map, a->size, 16, GUEST_HIGH, LIMIT_4G, avoid, n, true);
	if (at == UINT64_MAX)
		return "multiboot: no room for the information structure";
	a->gpa = (uint32_t)at;
	a->at = gmem_ptr(m, at, a->size);
	return a->at ? NULL : "multiboot: no room for the information structure";
}

/* Copies the modules above the kernel, as GRUB does, and adds their ranges to `taken`. */
static const char *place_modules(const struct gmem *m, const struct memmap *map,
                                 const struct multiboot_boot *boot, struct gpa_range *taken,
                                 unsigned *n)
{
	uint64_t min = GUEST_HIGH;

	if (boot->n_modules > MULTIBOOT_MODULES_MAX)
		return "multiboot: too many modules";
	for (unsigned i = 0; i < *n; i++)
		if (taken[i].start + taken[i].size > min)
			min = taken[i].start + taken[i].size;
	for (unsigned i = 0; i < boot->n_modules; i++) {
		struct blob image = boot->modules[i].image;
		uint64_t size = image.size ? image.size : 1;
		uint64_t at = memmap_place(map, size, 4096, min, LIMIT_4G, taken, *n, false);

		if (at == UINT64_MAX)
			at = memmap_place(map, size, 4096, GUEST_HIGH, LIMIT_4G, taken, *n, false);
		if (at == UINT64_MAX || !gmem_write(m, at, image.data, image.size))
			return "multiboot: no room for a module";
		taken[(*n)++] = (struct gpa_range){at, size};
	}
	return NULL;
}

static void put_modules(struct area *a, struct mb1_info *info, const struct multiboot_boot *boot,
                        const struct gpa_range *at)
{
	uint8_t *list;
	struct mb1_module *m;

	info->modules = boot->n_modules;
	info->modules_addr =
	    reserve_bytes(a, boot->n_modules * (uint32_t)sizeof(struct mb1_module), &list);
	m = (void *)list;
	for (unsigned i = 0; i < boot->n_modules; i++)
		m[i] = (struct mb1_module){
		    .start = (uint32_t)at[i].start,
		    .end = (uint32_t)(at[i].start + boot->modules[i].image.size),
		    .string = put_string(a, or_empty(boot->modules[i].string))};
}

/* KiB of RAM that follow `start` without a gap, below 4 GiB. */
static uint32_t kib_from(const struct memmap *map, uint64_t start)
{
	uint64_t end = start;

	for (unsigned i = 0; i < map->n; i++)
		if (map->entry[i].type == MEMMAP_RAM && map->entry[i].start <= end &&
		    map->entry[i].start + map->entry[i].size > end)
			end = map->entry[i].start + map->entry[i].size;
	if (end > LIMIT_4G)
		end = LIMIT_4G;
	return (uint32_t)((end - start) >> 10);
}

static void put_memory(struct area *a, struct mb1_info *info, const struct memmap *map)
{
	uint8_t *list;
	struct mb1_range *r;

	info->mem_lower = kib_from(map, 0);
	info->mem_upper = kib_from(map, GUEST_HIGH);
	info->map_length = map->n * (uint32_t)sizeof(struct mb1_range);
	info->map_addr = reserve_bytes(a, info->map_length, &list);
	r = (void *)list;
	for (unsigned i = 0; i < map->n; i++)
		r[i] = (struct mb1_range){.size = sizeof *r -
		                                  sizeof r->size, /* `size` does not count itself */
		                          .start = map->entry[i].start,
		                          .length = map->entry[i].size,
		                          .type = map->entry[i].type};
}

static uint32_t put_gdt(struct area *a)
{
	uint8_t *at;
	uint32_t gpa = reserve_bytes(a, GDT_SIZE, &at);

	put_le64(at, 0);
	put_le64(at + 8, 0x00cf9b000000ffff);  /* flat 32-bit code */
	put_le64(at + 16, 0x00cf93000000ffff); /* flat data */
	return gpa;
}

const char *multiboot_info_build(const struct gmem *m, const struct memmap *map,
                                 const struct multiboot_boot *boot, const struct gpa_range *parts,
                                 unsigned n_parts, struct multiboot_placed *placed)
{
	struct gpa_range taken[MULTIBOOT_PARTS_MAX + MULTIBOOT_MODULES_MAX];
	struct area a;
	uint8_t *place;
	unsigned n = n_parts;
	const char *why;
	struct mb1_info *info;

	memcpy(taken, parts, n_parts * sizeof *parts);
	why = place_modules(m, map, boot, taken, &n);
	if (!why)
		why = place_area(m, map, boot, taken, n, &a);
	if (why)
		return why;
	placed->info = reserve_bytes(&a, sizeof(struct mb1_info), &place);
	info = (void *)place;
	memset(info, 0, sizeof *info);
	placed->gdt = put_gdt(&a);
	info->flags =
	    MB1_HAS_MEMORY | MB1_HAS_CMDLINE | MB1_HAS_MODULES | MB1_HAS_MAP | MB1_HAS_LOADER;
	put_memory(&a, info, map);
	put_modules(&a, info, boot, taken + n_parts);
	info->cmdline = put_string(&a, or_empty(boot->cmdline));
	info->loader = put_string(&a, loader_name);
	return NULL;
}
