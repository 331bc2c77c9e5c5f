/*
 * What the loader left: multiboot 1 (spec 0.6.96, 3.3) and multiboot 2 (spec 2.0, 3.6) information.
 *
 * No address is followed but by the reader, and no length is believed before all of it can be read.
 */
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/multiboot.h"

#define MB1_EAX     0x2BADB002
#define MB2_EAX     0x36D76289
#define MB1_SIZE    68        /* of the part that is read */
#define MB1_CMDLINE (1u << 2) /* in its flags */
#define MB1_MODULES (1u << 3)
#define MB1_MEMORY  (1u << 6)
#define MB1_LOADER  (1u << 9)
#define MB1_ENTRY   20 /* bytes of the map's entry behind its own size */
#define MB1_MODULE  16
#define MB2_ENTRY   24
#define INFO_MAX    (1u << 20) /* bytes of multiboot 2 information, and of a memory map */
#define MAP_RAM     1
#define MAP_NVS     4 /* 2: reserved, 3: ACPI's tables */

/* What is read from, and what becomes of it. */
struct source {
	boot_reader *read;
	struct boot_info *out;
	const char *bad; /* why all of it is refused */
};

static uint32_t rd32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

static uint64_t rd64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
}

/* `length` bytes of text at most, also without a 0 at their end. */
static void copy_text(char *dst, size_t size, const uint8_t *text, size_t length)
{
	size_t n = strnlen((const char *)text, length < size - 1 ? length : size - 1);
	memcpy(dst, text, n);
	dst[n] = 0;
}

/* A string whose length nobody gives: as much of it as can be read and kept. */
static void copy_string(const struct source *s, char *dst, size_t size, uint64_t at)
{
	size_t n = 0;
	for (const uint8_t *c; n < size - 1 && (c = s->read(at + n, 1)) && *c; n++)
		dst[n] = (char)*c;
	dst[n] = 0;
}

/* Types of the loader's map (multiboot 2, 3.6.8) as of the BIOS's (ACPI 6.5, 15). */
static void add_range(struct boot_info *out, uint32_t type, paddr_t start, uint64_t size)
{
	if (!size || start + size < start)
		return;
	if (type == MAP_RAM && out->nram < BOOT_RANGES)
		out->ram[out->nram++] = (struct boot_range){start, size};
	else if (type == MAP_RAM)
		out->ram_left_out += size;
	else if (type <= MAP_NVS && out->nfirmware < BOOT_RANGES)
		out->firmware[out->nfirmware++] = (struct boot_range){start, size};
}

/* The module's name is the last path component of its string's first word: GRUB passes what was
 * typed after the file name, QEMU the path itself. */
static void add_module(struct source *s, paddr_t start, paddr_t end, char *string)
{
	if (end < start || !s->read(start, end - start))
		s->bad = "a boot module does not lie in the first 4 GiB";
	if (s->out->nmodules == BOOT_MODULES)
		s->bad = "more boot modules than Patio takes: pass fewer";
	if (s->bad)
		return;
	struct boot_module *m = &s->out->module[s->out->nmodules++];
	char *word_end = strchr(string, ' ');
	if (word_end)
		*word_end++ = 0;
	const char *slash = strrchr(string, '/'), *name = slash ? slash + 1 : string;
	copy_text(m->name, sizeof m->name, (const uint8_t *)name, strlen(name));
	if (word_end)
		copy_text(m->args, sizeof m->args, (const uint8_t *)word_end, strlen(word_end));
	m->start = start;
	m->size = end - start;
}

/* --- multiboot 1 ---------------------------------------------------------------------------- */

static void parse_mb1_modules(struct source *s, uint32_t count, uint32_t at)
{
	char string[256];
	for (uint32_t i = 0; i < count && !s->bad; i++) {
		const uint8_t *m = s->read((uint64_t)at + (uint64_t)i * MB1_MODULE, MB1_MODULE);
		if (!m) {
			s->bad = "the loader's list of modules cannot be read";
			return;
		}
		copy_string(s, string, sizeof string, rd32(m + 8));
		add_module(s, rd32(m), rd32(m + 4), string);
	}
}

/* An entry's own size does not count itself. */
static void parse_mb1_map(struct source *s, uint32_t at, uint32_t length)
{
	const uint8_t *map = length <= INFO_MAX ? s->read(at, length) : NULL;
	if (!map)
		s->bad = "the loader's memory map cannot be read";
	for (uint64_t i = 0; map && i + 4 + MB1_ENTRY <= length; i += 4ul + rd32(map + i)) {
		const uint8_t *e = map + i;
		if (rd32(e) < MB1_ENTRY || rd32(e) > length)
			break;
		add_range(s->out, rd32(e + 20), rd64(e + 4), rd64(e + 12));
	}
}

static void parse_mb1(struct source *s, uint32_t info)
{
	struct boot_info *out = s->out;
	const uint8_t *i = s->read(info, MB1_SIZE);
	if (!i) {
		s->bad = "the loader's information cannot be read";
		return;
	}
	uint32_t flags = rd32(i);
	if (flags & MB1_CMDLINE)
		copy_string(s, out->cmdline, sizeof out->cmdline, rd32(i + 16));
	if (flags & MB1_MODULES)
		parse_mb1_modules(s, rd32(i + 20), rd32(i + 24));
	if (flags & MB1_MEMORY)
		parse_mb1_map(s, rd32(i + 48), rd32(i + 44));
	else
		s->bad = "the loader gave no memory map: use GRUB 2 or QEMU's -kernel";
	if (flags & MB1_LOADER)
		copy_string(s, out->loader, sizeof out->loader, rd32(i + 64));
}

/* --- multiboot 2 ---------------------------------------------------------------------------- */

/* The tags: `size` counts all of the tag, at least its head of 8 bytes. */
static void parse_mb2_module(struct source *s, const uint8_t *tag, uint32_t size)
{
	char string[256];
	if (size < 16)
		return;
	copy_text(string, sizeof string, tag + 16, size - 16);
	add_module(s, rd32(tag + 8), rd32(tag + 12), string);
}

static void parse_mb2_map(struct boot_info *out, const uint8_t *tag, uint32_t size)
{
	uint32_t step = size < 16 ? 0 : rd32(tag + 8);
	if (step < MB2_ENTRY)
		return;
	for (uint64_t i = 16; i + step <= size; i += step)
		add_range(out, rd32(tag + i + 16), rd64(tag + i), rd64(tag + i + 8));
}

/* The newer form (tag 15) goes before the older one, whatever their order. */
static void copy_rsdp(struct boot_info *out, const uint8_t *rsdp, uint32_t size)
{
	if (size < ACPI_RSDP_OLD || out->rsdp.revision >= 2)
		return;
	memset(&out->rsdp, 0, sizeof out->rsdp);
	memcpy(&out->rsdp, rsdp, size < sizeof out->rsdp ? size : sizeof out->rsdp);
}

static void take_tag(struct source *s, const uint8_t *tag, uint32_t size)
{
	struct boot_info *out = s->out;
	switch (rd32(tag)) {
	case 1:
		copy_text(out->cmdline, sizeof out->cmdline, tag + 8, size - 8);
		break;
	case 2:
		copy_text(out->loader, sizeof out->loader, tag + 8, size - 8);
		break;
	case 3:
		parse_mb2_module(s, tag, size);
		break;
	case 6:
		parse_mb2_map(out, tag, size);
		break;
	case 14:
	case 15:
		copy_rsdp(out, tag + 8, size - 8);
		break;
	}
}

/* A tag that does not fit, or the one of type 0, ends the list. */
static void parse_mb2(struct source *s, uint32_t info)
{
	const uint8_t *head = s->read(info, 8);
	uint32_t total = head ? rd32(head) : 0;
	const uint8_t *all = total >= 8 && total <= INFO_MAX ? s->read(info, total) : NULL;
	if (!all)
		s->bad = "the loader's information cannot be read";
	for (uint64_t at = 8; all && !s->bad && at + 8 <= total;) {
		uint32_t size = rd32(all + at + 4);
		if (!rd32(all + at) || size < 8 || size > total - at)
			break;
		take_tag(s, all + at, size);
		at += (size + 7ul) & ~7ul;
	}
}

const char *multiboot_read(uint32_t magic, uint32_t info, boot_reader *read, struct boot_info *out)
{
	struct source s = {read, out, NULL};
	memset(out, 0, sizeof *out);
	memcpy(out->loader, "unnamed loader", sizeof "unnamed loader");
	if (magic == MB1_EAX)
		parse_mb1(&s, info);
	else if (magic == MB2_EAX)
		parse_mb2(&s, info);
	else
		s.bad = "not started by a multiboot loader: use GRUB's multiboot or multiboot2 "
		        "command, or QEMU's -kernel";
	return s.bad;
}
