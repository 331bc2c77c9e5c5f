/* SPDX-License-Identifier: BSD-2-Clause */
/* multiboot.c: loads Multiboot 1 kernels (Multiboot Specification 0.6.96). */
#include <string.h>
#include "vmm/load/elf.h"
#include "lib/bytes.h"
#include "lib/multiboot_format.h"
#include "vmm/load/multiboot.h"
#include "vmm/load/multiboot_info.h"

#define SEARCH         8192 /* the header lies wholly in these first bytes (3.1) */
#define HEADER_SIZE    offsetof(struct mb1_header, header_addr)
#define FLAG_VIDEO     0x0004
#define FLAG_KNOWN     0x0007 /* page-aligned modules, memory information, video */
#define FLAG_REQUIRED  0xffff
#define FLAG_ADDRS     0x10000
#define LIMIT_4G       0x100000000ull
#define PAGE           4096ull
#define BIOS_DATA      0x400
#define BIOS_DATA_SIZE 0x100

/* The kernel's segments in guest memory, and its entry point. */
struct kernel {
	unsigned n;
	struct gpa_range part[MULTIBOOT_PARTS_MAX];
	uint64_t entry;
};

/* The offset of the header in the image, or -1. */
static int find_header(struct blob image, uint32_t *flags)
{
	uint64_t end = image.size < SEARCH ? image.size : SEARCH;

	for (uint64_t at = 0; at + HEADER_SIZE <= end; at += 4) {
		const struct mb1_header *h = (const void *)(image.data + at);

		*flags = h->flags;
		if (h->magic != MB1_HEADER_MAGIC || h->magic + h->flags + h->checksum != 0)
			continue;
		if (*flags & FLAG_ADDRS && at + sizeof *h > end)
			continue;
		return (int)at;
	}
	return -1;
}

bool multiboot_header_present(struct blob image)
{
	uint32_t flags;

	return find_header(image, &flags) >= 0;
}

/* Copies one segment to its physical address and zeroes the rest of its memory. */
static const char *load_part(const struct gmem *m, const struct memmap *map, struct kernel *k,
                             struct blob content, uint64_t paddr, uint64_t memsz)
{
	uint8_t *to;

	if (k->n == MULTIBOOT_PARTS_MAX)
		return "multiboot: too many segments";
	if (paddr >= LIMIT_4G || memsz > LIMIT_4G - paddr)
		return "multiboot: a segment lies above 4 GiB";
	for (unsigned i = 0; i < k->n; i++)
		if (paddr < k->part[i].start + k->part[i].size && k->part[i].start < paddr + memsz)
			return "multiboot: two segments overlap";
	to = gmem_ptr(m, paddr, memsz);
	if (!to || !memmap_is_ram(map, paddr, memsz))
		return "multiboot: a segment lies outside the guest's memory";
	memcpy(to, content.data, content.size);
	memset(to + content.size, 0, memsz - content.size);
	k->part[k->n++] = (struct gpa_range){paddr, memsz};
	return NULL;
}

static const char *load_elf(const struct gmem *m, const struct memmap *map, struct blob image,
                            struct kernel *k)
{
	struct elf elf;
	struct elf_segment s;
	bool translated = false;
	const char *why = elf_open(&elf, image);

	if (why)
		return why;
	k->entry = elf.entry;
	for (unsigned i = 0; i < elf.phnum; i++) {
		struct blob content;

		why = elf_segment(&elf, i, &s);
		if (why)
			return why;
		if (!s.load)
			continue;
		content = (struct blob){image.data + s.offset, s.filesz};
		why = load_part(m, map, k, content, s.paddr, s.memsz);
		if (why)
			return why;
		/* The entry point is a virtual address, and paging is off: translated as GRUB and
		 * QEMU do. */
		if (!translated && elf.entry - s.vaddr < s.memsz) {
			k->entry = elf.entry - s.vaddr + s.paddr;
			translated = true;
		}
	}
	return NULL;
}

/* Values of the header's address fields, for images that are not ELF (3.1.3). */
struct addresses {
	struct blob content;
	uint64_t start, size, entry;
};

static const char *read_addresses(struct blob image, uint32_t header_at, struct addresses *a)
{
	const struct mb1_header *h = (const void *)(image.data + header_at);
	uint64_t header_addr = h->header_addr, load_addr = h->load_addr;
	uint64_t load_end = h->load_end_addr, bss_end = h->bss_end_addr;
	uint64_t offset;

	if (header_addr < load_addr || header_addr - load_addr > header_at)
		return "multiboot: load_addr does not match the header's place in the file";
	offset = header_at - (header_addr - load_addr);
	if (!load_end)
		load_end = load_addr + (image.size - offset);
	if (!bss_end)
		bss_end = load_end;
	if (load_end <= load_addr || bss_end < load_end)
		return "multiboot: load_end_addr or bss_end_addr is below its predecessor";
	if (load_end - load_addr > image.size - offset)
		return "multiboot: load_end_addr is beyond the end of the file";
	*a = (struct addresses){.content = {image.data + offset, load_end - load_addr},
	                        .start = load_addr,
	                        .size = bss_end - load_addr,
	                        .entry = h->entry_addr};
	return NULL;
}

static const char *load_by_addresses(const struct gmem *m, const struct memmap *map,
                                     struct blob image, uint32_t header_at, struct kernel *k)
{
	struct addresses a;
	const char *why = read_addresses(image, header_at, &a);

	if (why)
		return why;
	k->entry = a.entry;
	return load_part(m, map, k, a.content, a.start, a.size);
}

static const char *load_kernel(const struct gmem *m, const struct memmap *map, struct blob image,
                               struct kernel *k)
{
	uint32_t flags;
	int header_at = find_header(image, &flags);
	const char *why;

	if (header_at < 0)
		return "multiboot: no valid header in the first 8 KiB";
	if (flags & FLAG_REQUIRED & ~FLAG_KNOWN)
		return "multiboot: the header requires an unknown feature";
	if (flags & FLAG_VIDEO)
		return "multiboot: the header requires a video mode";
	why = flags & FLAG_ADDRS ? load_by_addresses(m, map, image, (uint32_t)header_at, k)
	                         : load_elf(m, map, image, k);
	if (why)
		return why;
	for (unsigned i = 0; i < k->n; i++)
		if (k->entry - k->part[i].start < k->part[i].size)
			return NULL;
	return "multiboot: the entry point lies outside the loaded segments";
}

/* Measures an ELF image: the end of its highest segment, and the bytes of its segments from 1 MiB
 * on. */
static bool measure_elf(struct blob image, uint64_t *end, uint64_t *size)
{
	struct elf elf;
	struct elf_segment s;

	if (elf_open(&elf, image))
		return false;
	for (unsigned i = 0; i < elf.phnum; i++) {
		if (elf_segment(&elf, i, &s))
			return false;
		if (!s.load)
			continue;
		if (s.paddr >= LIMIT_4G || s.memsz > LIMIT_4G - s.paddr)
			return false;
		if (s.paddr + s.memsz > *end)
			*end = s.paddr + s.memsz;
		if (s.paddr >= GUEST_HIGH)
			*size += s.memsz;
	}
	return true;
}

static bool measure_kernel(struct blob image, uint64_t *end, uint64_t *size)
{
	uint32_t flags;
	struct addresses a;
	int header_at = find_header(image, &flags);

	if (header_at < 0)
		return false;
	if (!(flags & FLAG_ADDRS))
		return measure_elf(image, end, size);
	if (read_addresses(image, (uint32_t)header_at, &a))
		return false;
	*end = a.start + a.size;
	*size = a.start >= GUEST_HIGH ? a.size : 0;
	return true;
}

uint64_t load_multiboot_needs(const struct multiboot_boot *boot)
{
	uint64_t end = 0, size = 0;

	if (!measure_kernel(boot->kernel, &end, &size))
		return 0;
	for (unsigned i = 0; i < boot->n_modules; i++)
		size += (boot->modules[i].image.size + PAGE - 1) & ~(PAGE - 1);
	return end > GUEST_HIGH + size ? end : GUEST_HIGH + size;
}

/* Writes the BIOS data area: 0x40e (EBDA segment) and 0x413 (KiB of memory below it).  Kernels read
 * them to find room below 640 KiB for the start code of other CPUs.  Left alone if a segment of the
 * kernel was loaded over it. */
static void write_bios_data(const struct gmem *m, const struct kernel *k)
{
	uint8_t *bda = gmem_ptr(m, BIOS_DATA, BIOS_DATA_SIZE);

	for (unsigned i = 0; i < k->n; i++)
		if (k->part[i].start < BIOS_DATA + BIOS_DATA_SIZE)
			return;
	if (!bda)
		return;
	put_le16(bda + 0x0e, GUEST_LOW_TOP >> 4);
	put_le16(bda + 0x13, GUEST_LOW_TOP >> 10);
}

/* Machine state of section 3.2.  The GDT goes beyond it: some kernels reload a segment register
 * before they load their own. */
static void fill_entry(struct cpu_entry *e, uint64_t entry, const struct multiboot_placed *info)
{
	struct seg data = {0x10, SEG_DATA, 0xffffffff, 0};

	memset(e, 0, sizeof *e);
	e->rip = entry;
	e->rax = MB1_EAX;
	e->rbx = info->info;
	e->rflags = 2;
	e->cr0 = 0x11; /* PE ET */
	e->cs = (struct seg){0x08, SEG_CODE32, 0xffffffff, 0};
	e->ds = e->es = e->ss = e->fs = e->gs = data;
	e->gdt = (struct desc_table){info->gdt, 0x17};
}

const char *load_multiboot(const struct gmem *m, const struct multiboot_boot *boot,
                           struct cpu_entry *entry)
{
	struct memmap map;
	struct kernel k = {.n = 0};
	struct multiboot_placed info;
	const char *why = memmap_build(&map, m, boot->reserved, boot->n_reserved);

	if (!why)
		why = load_kernel(m, &map, boot->kernel, &k);
	if (!why)
		why = multiboot_info_build(m, &map, boot, k.part, k.n, &info);
	if (why)
		return why;
	write_bios_data(m, &k);
	fill_entry(entry, k.entry, &info);
	return NULL;
}
