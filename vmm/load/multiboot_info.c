/* multiboot_info.c: what a Multiboot 1 kernel finds at EBX (Multiboot 0.6.96, section 3.3). */
#include <string.h>
#include "lib/bytes.h"
#include "vmm/load/multiboot_info.h"

#define INFO_SIZE  120
#define MMAP_ENTRY 24 /* the size field included */
#define MOD_ENTRY  16
#define GDT_SIZE   24
#define STRING_MAX 4096
#define LOW_MIN    0x1000 /* leaves the interrupt vectors and the BIOS data area alone */
#define LIMIT_4G   0x100000000ull

#define INFO_MEMORY  (1 << 0)
#define INFO_CMDLINE (1 << 2)
#define INFO_MODS    (1 << 3)
#define INFO_MMAP    (1 << 6)
#define INFO_LOADER  (1 << 9)

static const char loader_name[] = "Patio";

/* The area being filled: `used` of `size` bytes, at `gpa` for the guest and `at` for us. */
struct area {
	uint8_t *at;
	uint32_t gpa, size, used;
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* The next n bytes of the area, as a guest-physical address; area_size() made room for them. */
static uint32_t take(struct area *a, uint32_t n, uint8_t **at)
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
	uint32_t gpa = take(a, n, &at);
	memcpy(at, s, n);
	return gpa;
}

/* Bytes that the whole structure takes; 0 when some string is too long. */
static uint32_t area_size(const struct memmap *map, const struct multiboot_boot *boot)
{
	size_t n = strnlen(or_empty(boot->cmdline), STRING_MAX);
	uint32_t size = INFO_SIZE + GDT_SIZE + map->n * MMAP_ENTRY + sizeof loader_name;
	if (n == STRING_MAX)
		return 0;
	size += (uint32_t)n + 1;
	for (unsigned i = 0; i < boot->n_modules; i++) {
		n = strnlen(or_empty(boot->modules[i].string), STRING_MAX);
		if (n == STRING_MAX)
			return 0;
		size += MOD_ENTRY + (uint32_t)n + 1;
	}
	return size;
}

static const char *place_area(const struct gmem *m, const struct memmap *map,
                              const struct multiboot_boot *boot, const struct gpa_range *avoid,
                              unsigned n, struct area *a)
{
	a->size = area_size(map, boot);
	a->used = 0;
	if (!a->size)
		return "multiboot: the command line or a module's string is longer than 4095 bytes";
	uint64_t at = memmap_place(map, a->size, 16, LOW_MIN, GUEST_LOW_TOP, avoid, n, true);
	if (at == UINT64_MAX)
		at = memmap_place(map, a->size, 16, GUEST_HIGH, LIMIT_4G, avoid, n, true);
	if (at == UINT64_MAX)
		return "multiboot: no room for the information structure";
	a->gpa = (uint32_t)at;
	a->at = gmem_ptr(m, at, a->size);
	return a->at ? NULL : "multiboot: no room for the information structure";
}

/* Copies every module above the kernel, where GRUB puts them too; `taken` gains their places. */
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

static void put_modules(struct area *a, uint8_t *info, const struct multiboot_boot *boot,
                        const struct gpa_range *at)
{
	uint8_t *entry;
	put_le32(info + 20, boot->n_modules);
	put_le32(info + 24, take(a, boot->n_modules * MOD_ENTRY, &entry));
	for (unsigned i = 0; i < boot->n_modules; i++, entry += MOD_ENTRY) {
		put_le32(entry, (uint32_t)at[i].start);
		put_le32(entry + 4, (uint32_t)(at[i].start + boot->modules[i].image.size));
		put_le32(entry + 8, put_string(a, or_empty(boot->modules[i].string)));
		put_le32(entry + 12, 0);
	}
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

static void put_memory(struct area *a, uint8_t *info, const struct memmap *map)
{
	uint8_t *entry;
	put_le32(info + 4, kib_from(map, 0));
	put_le32(info + 8, kib_from(map, GUEST_HIGH));
	put_le32(info + 44, map->n * MMAP_ENTRY);
	put_le32(info + 48, take(a, map->n * MMAP_ENTRY, &entry));
	for (unsigned i = 0; i < map->n; i++, entry += MMAP_ENTRY) {
		put_le32(entry, MMAP_ENTRY - 4); /* the field does not count itself */
		put_le64(entry + 4, map->entry[i].start);
		put_le64(entry + 12, map->entry[i].size);
		put_le32(entry + 20, map->entry[i].type);
	}
}

static uint32_t put_gdt(struct area *a)
{
	uint8_t *at;
	uint32_t gpa = take(a, GDT_SIZE, &at);
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
	uint8_t *info;
	unsigned n = n_parts;
	memcpy(taken, parts, n_parts * sizeof *parts);
	const char *why = place_modules(m, map, boot, taken, &n);
	if (!why)
		why = place_area(m, map, boot, taken, n, &a);
	if (why)
		return why;
	placed->info = take(&a, INFO_SIZE, &info);
	memset(info, 0, INFO_SIZE);
	placed->gdt = put_gdt(&a);
	put_le32(info, INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MMAP | INFO_LOADER);
	put_memory(&a, info, map);
	put_modules(&a, info, boot, taken + n_parts);
	put_le32(info + 16, put_string(&a, or_empty(boot->cmdline)));
	put_le32(info + 64, put_string(&a, loader_name));
	return NULL;
}
