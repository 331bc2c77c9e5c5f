/* SPDX-License-Identifier: BSD-2-Clause */
/* linux.c: the 64-bit boot protocol (Linux, Documentation/arch/x86/boot.rst). */
#include <string.h>
#include "lib/bytes.h"
#include "vmm/load/linux.h"

/* Offsets, the same in the file's setup sectors and in boot_params. */
#define E820_ENTRIES     0x1e8
#define SETUP_SECTS      0x1f1
#define BOOT_FLAG        0x1fe
#define HEADER_LENGTH    0x201 /* the header ends at 0x202 + this byte */
#define HEADER_MAGIC     0x202
#define VERSION          0x206
#define TYPE_OF_LOADER   0x210
#define LOADFLAGS        0x211
#define RAMDISK_IMAGE    0x218
#define RAMDISK_SIZE     0x21c
#define CMD_LINE_PTR     0x228
#define INITRD_ADDR_MAX  0x22c
#define KERNEL_ALIGNMENT 0x230
#define RELOCATABLE      0x234
#define XLOADFLAGS       0x236
#define CMDLINE_SIZE     0x238
#define PREF_ADDRESS     0x258
#define INIT_SIZE        0x260
#define HEADER_MIN_END   0x264 /* init_size included */
#define HEADER_MAX_END   0x290 /* where the next field of boot_params begins */
#define ACPI_RSDP_ADDR   0x070
#define EXT_RAMDISK      0x0c0
#define EXT_RAMDISK_SIZE 0x0c4
#define E820_TABLE       0x2d0
#define E820_ENTRY       20

#define LOADED_HIGH     0x01
#define XLF_KERNEL_64   0x01
#define XLF_ABOVE_4G    0x02
#define ENTRY_64        0x200 /* of the 64-bit entry point in the protected-mode code */
#define LOADER_UNKNOWN  0xff  /* no registered loader id */
#define CMDLINE_ROOM    0x10000
#define LOW_END         (LINUX_CMDLINE_GPA + CMDLINE_ROOM)
#define PAGE            0x1000ull
#define MIB2            0x200000ull
#define GIB             0x40000000ull
#define INIT_SIZE_LIMIT GIB
#define PLACE_LIMIT     (512 * GIB) /* what one page of the third-level table maps */

/* Values of the checked header. */
struct linux_header {
	const uint8_t *raw;
	unsigned end; /* of the header, in the file */
	struct blob code;
	uint64_t init_size, align, pref;
	uint64_t initrd_max; /* first byte that the initramfs may not occupy */
	uint32_t cmdline_max;
	bool relocatable, above_4g;
};

static const char *check_sizes(struct linux_header *h)
{
	h->align = le32(h->raw + KERNEL_ALIGNMENT);
	if (h->align & (h->align - 1))
		return "bzImage: kernel_alignment is no power of two";
	h->init_size = le32(h->raw + INIT_SIZE);
	if (h->init_size > INIT_SIZE_LIMIT)
		return "bzImage: init_size is above 1 GiB";
	if (h->code.size > h->init_size)
		return "bzImage: the image is larger than its init_size";
	if (h->code.size <= ENTRY_64)
		return "bzImage: the image ends before its 64-bit entry";
	return NULL;
}

static const char *parse_header(struct blob kernel, struct linux_header *h)
{
	const uint8_t *k = kernel.data;
	uint64_t setup;

	if (kernel.size < HEADER_MAX_END)
		return "bzImage: the file is too short for a header";
	if (le16(k + BOOT_FLAG) != 0xaa55 || memcmp(k + HEADER_MAGIC, "HdrS", 4))
		return "bzImage: no boot-sector signature or header magic";
	if (le16(k + VERSION) < 0x20c)
		return "bzImage: boot protocol older than 2.12";
	if (!(le16(k + XLOADFLAGS) & XLF_KERNEL_64))
		return "bzImage: no 64-bit entry point";
	if (!(k[LOADFLAGS] & LOADED_HIGH))
		return "bzImage: a zImage, loaded low";
	h->raw = k;
	h->end = HEADER_MAGIC + k[HEADER_LENGTH];
	if (h->end < HEADER_MIN_END || h->end > HEADER_MAX_END)
		return "bzImage: the header's length is wrong";
	setup = (1 + (k[SETUP_SECTS] ? k[SETUP_SECTS] : 4)) * 512ull;
	if (setup >= kernel.size)
		return "bzImage: the file ends inside its setup sectors";
	h->code = (struct blob){k + setup, kernel.size - setup};
	h->pref = le64(k + PREF_ADDRESS);
	h->initrd_max = (uint64_t)le32(k + INITRD_ADDR_MAX) + 1;
	h->cmdline_max = le32(k + CMDLINE_SIZE);
	h->relocatable = k[RELOCATABLE];
	h->above_4g = le16(k + XLOADFLAGS) & XLF_ABOVE_4G;
	return check_sizes(h);
}

static uint64_t alignment(const struct linux_header *h)
{
	return h->align < MIB2 ? MIB2 : h->align;
}

/* The lowest load address: a kernel loaded below its preferred address would move itself up to it
 * when it decompresses (boot.rst, init_size). */
static uint64_t lowest_place(const struct linux_header *h)
{
	uint64_t align = h->pref >= GUEST_HIGH && !(h->pref % PAGE) ? PAGE : alignment(h);
	uint64_t min = h->pref < GUEST_HIGH ? GUEST_HIGH : h->pref;

	return (min + align - 1) & ~(align - 1);
}

/* The preferred address if it is free, else the lowest one above that fits; UINT64_MAX: none. */
static uint64_t place_kernel(const struct memmap *map, const struct linux_header *h)
{
	bool pref_ok =
	    h->pref >= GUEST_HIGH && h->pref <= PLACE_LIMIT - h->init_size && !(h->pref % PAGE);
	uint64_t max;

	if (pref_ok && memmap_is_ram(map, h->pref, h->init_size))
		return h->pref;
	if (!h->relocatable)
		return UINT64_MAX;
	max = h->above_4g ? PLACE_LIMIT : 4 * GIB;
	return memmap_place(map, h->init_size, alignment(h), lowest_place(h), max, NULL, 0, false);
}

/* Copies the initramfs as high as the kernel allows, and enters its address in boot_params. */
static const char *load_initrd(const struct gmem *m, const struct memmap *map,
                               const struct linux_header *h, struct blob initrd, uint64_t kernel_at,
                               uint8_t *params)
{
	struct gpa_range kernel = {kernel_at, h->init_size};
	uint64_t max = h->initrd_max;
	uint64_t at;

	if (!initrd.size)
		return NULL;
	at = memmap_place(map, initrd.size, 4096, GUEST_HIGH, max, &kernel, 1, true);
	if (at == UINT64_MAX && h->above_4g) {
		max = PLACE_LIMIT;
		at = memmap_place(map, initrd.size, 4096, GUEST_HIGH, max, &kernel, 1, true);
	}
	if (at == UINT64_MAX || !gmem_write(m, at, initrd.data, initrd.size))
		return "initrd: no room for it in the guest's memory";
	put_le32(params + RAMDISK_IMAGE, (uint32_t)at);
	put_le32(params + EXT_RAMDISK, at >> 32);
	put_le32(params + RAMDISK_SIZE, (uint32_t)initrd.size);
	put_le32(params + EXT_RAMDISK_SIZE, initrd.size >> 32);
	return NULL;
}

static void write_params(uint8_t *params, const struct linux_header *h, const struct memmap *map,
                         uint64_t rsdp)
{
	memset(params, 0, 4096);
	memcpy(params + SETUP_SECTS, h->raw + SETUP_SECTS, h->end - SETUP_SECTS);
	/* The file's values of these two are meaningless; both stay 0 without an initramfs. */
	put_le32(params + RAMDISK_IMAGE, 0);
	put_le32(params + RAMDISK_SIZE, 0);
	params[TYPE_OF_LOADER] = LOADER_UNKNOWN;
	put_le32(params + CMD_LINE_PTR, LINUX_CMDLINE_GPA);
	put_le64(params + ACPI_RSDP_ADDR, rsdp);
	params[E820_ENTRIES] = (uint8_t)map->n;
	for (unsigned i = 0; i < map->n; i++) {
		uint8_t *e = params + E820_TABLE + i * E820_ENTRY;

		put_le64(e, map->entry[i].start);
		put_le64(e + 8, map->entry[i].size);
		put_le32(e + 16, map->entry[i].type);
	}
}

/* Fills one page directory: 1 GiB in pages of 2 MiB, present and writable. */
static void map_gib(uint8_t *tables, unsigned page, uint64_t gib)
{
	uint8_t *pd = tables + page * 4096;

	for (unsigned i = 0; i < 512; i++)
		put_le64(pd + 8 * i, (gib * GIB + i * MIB2) | 0x83);
	put_le64(tables + 4096 + 8 * gib, (LINUX_PT_GPA + page * 4096) | 3);
}

/* Identity-maps [0, 4 GiB) and the kernel: page 0 is the PML4, page 1 the PDPT, the others are page
 * directories.  init_size is at most 1 GiB, so the kernel needs at most two of its own. */
static void write_page_tables(uint8_t *tables, uint64_t kernel_at, uint64_t init_size)
{
	unsigned page = 2;

	memset(tables, 0, 2 * 4096);
	put_le64(tables, (LINUX_PT_GPA + 4096) | 3);
	for (uint64_t gib = 0; gib < 4; gib++)
		map_gib(tables, page++, gib);
	for (uint64_t gib = kernel_at / GIB; gib <= (kernel_at + init_size - 1) / GIB; gib++)
		if (gib >= 4)
			map_gib(tables, page++, gib);
}

static void write_gdt(uint8_t *gdt)
{
	memset(gdt, 0, 16);
	put_le64(gdt + 0x10, 0x00af9b000000ffff); /* flat 64-bit code */
	put_le64(gdt + 0x18, 0x00cf93000000ffff); /* flat data */
}

static void fill_entry(struct cpu_entry *e, uint64_t kernel_at, bool x2apic)
{
	struct seg data = {0x18, SEG_DATA, 0xffffffff, 0};

	memset(e, 0, sizeof *e);
	e->rip = kernel_at + ENTRY_64;
	e->rsi = LINUX_PARAMS_GPA;
	e->rflags = 2;
	e->cr0 = 0x80000011; /* PG ET PE */
	e->cr3 = LINUX_PT_GPA;
	e->cr4 = 0x20;   /* PAE */
	e->efer = 0x500; /* LME LMA */
	e->cs = (struct seg){0x10, SEG_CODE64, 0xffffffff, 0};
	e->ds = e->es = e->ss = e->fs = e->gs = data;
	e->gdt = (struct desc_table){LINUX_GDT_GPA, 0x1f};
	e->x2apic = x2apic;
}

static const char *write_cmdline(uint8_t *to, const struct linux_header *h, const char *s)
{
	uint32_t max = h->cmdline_max < CMDLINE_ROOM ? h->cmdline_max : CMDLINE_ROOM - 1;
	size_t len;

	if (!s)
		s = "";
	len = strnlen(s, max + 1);
	if (len > max)
		return "the command line is longer than the kernel takes";
	memcpy(to, s, len + 1);
	return NULL;
}

uint64_t load_linux_needs(const struct linux_boot *boot)
{
	struct linux_header h;
	uint64_t initrd = (boot->initrd.size + PAGE - 1) & ~(PAGE - 1);
	uint64_t start, end;

	if (parse_header(boot->kernel, &h) || h.pref > PLACE_LIMIT)
		return 0;
	start = lowest_place(&h);
	end = start + h.init_size;
	return initrd <= start - GUEST_HIGH ? end : end + initrd;
}

const char *load_linux(const struct gmem *m, const struct linux_boot *boot, struct cpu_entry *entry)
{
	struct linux_header h;
	struct memmap map;
	const char *why = parse_header(boot->kernel, &h);
	uint8_t *low;
	uint64_t at;

	if (!why)
		why = memmap_build(&map, m, boot->reserved, boot->n_reserved);
	if (why)
		return why;
	low = gmem_ptr(m, 0, LOW_END);
	if (!low || !memmap_is_ram(&map, LINUX_GDT_GPA, LOW_END - LINUX_GDT_GPA))
		return "the guest has no memory below 640 KiB for the boot structures";
	at = place_kernel(&map, &h);
	if (at == UINT64_MAX || !gmem_write(m, at, h.code.data, h.code.size))
		return "bzImage: init_size does not fit into the guest's memory";
	why = write_cmdline(low + LINUX_CMDLINE_GPA, &h, boot->cmdline);
	if (why)
		return why;
	write_params(low + LINUX_PARAMS_GPA, &h, &map, boot->rsdp);
	why = load_initrd(m, &map, &h, boot->initrd, at, low + LINUX_PARAMS_GPA);
	if (why)
		return why;
	write_gdt(low + LINUX_GDT_GPA);
	write_page_tables(low + LINUX_PT_GPA, at, h.init_size);
	fill_entry(entry, at, boot->x2apic);
	return NULL;
}
