/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader's multiboot 1 (spec 0.6.96, 3.3) or multiboot 2 (spec 2.0, 3.6) information.
 *
 * Memory is accessed through the reader only, and no length is trusted before all of it is
 * readable.
 */
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/multiboot.h"
#include "lib/multiboot_format.h"

#define INFO_MAX (1u << 20) /* bytes of multiboot 2 information, and of a memory map */
#define MAP_RAM  1
#define MAP_NVS  4 /* 2: reserved, 3: ACPI's tables */

/* One parse: its input, its result, and its error. */
struct source {
	boot_reader *read;
	struct boot_info *out;
	const char *bad; /* why the information is refused; NULL: no error */
};

/* Copies a text of at most `length` bytes, which need not end with a NUL. */
static void copy_text(char *dst, size_t size, const uint8_t *text, size_t length)
{
	size_t n = strnlen((const char *)text, length < size - 1 ? length : size - 1);

	memcpy(dst, text, n);
	dst[n] = 0;
}

/* Copies a NUL-terminated string, truncated to `size` or to what can be read. */
static void copy_string(const struct source *s, char *dst, size_t size, uint64_t at)
{
	size_t n = 0;

	for (const uint8_t *c; n < size - 1 && (c = s->read(at + n, 1)) && *c; n++)
		dst[n] = (char)*c;
	dst[n] = 0;
}

/* The loader's map (multiboot 2, 3.6.8) has the BIOS's range types (ACPI 6.5, 15). */
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

/* A module is named by the last path component of its string's first word: GRUB passes only what
 * was typed after the file name, QEMU begins with the path. */
static void add_module(struct source *s, paddr_t start, paddr_t end, char *string)
{
	struct boot_module *m;
	char *word_end;
	const char *slash, *name;

	if (end < start || !s->read(start, end - start))
		s->bad = "a boot module does not lie in the first 4 GiB";
	if (s->out->nmodules == BOOT_MODULES)
		s->bad = "more boot modules than Patio takes: pass fewer";
	if (s->bad)
		return;
	m = &s->out->module[s->out->nmodules++];
	word_end = strchr(string, ' ');
	if (word_end)
		*word_end++ = 0;
	slash = strrchr(string, '/');
	name = slash ? slash + 1 : string;
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
		const struct mb1_module *m =
		    (const void *)s->read((uint64_t)at + (uint64_t)i * sizeof *m, sizeof *m);

		if (!m) {
			s->bad = "the loader's list of modules cannot be read";
			return;
		}
		copy_string(s, string, sizeof string, m->string);
		add_module(s, m->start, m->end, string);
	}
}

/* An entry's `size` does not include the size field. */
static void parse_mb1_map(struct source *s, uint32_t at, uint32_t length)
{
	const uint32_t least = sizeof(struct mb1_range) - sizeof(uint32_t);
	const uint8_t *map = length <= INFO_MAX ? s->read(at, length) : NULL;

	if (!map)
		s->bad = "the loader's memory map cannot be read";
	for (uint64_t i = 0; map && i + sizeof(struct mb1_range) <= length;) {
		const struct mb1_range *r = (const void *)(map + i);

		if (r->size < least || r->size > length)
			break;
		add_range(s->out, r->type, r->start, r->length);
		i += sizeof r->size + r->size;
	}
}

/* Only the fields before `apm` are used. */
static void parse_mb1(struct source *s, uint32_t at)
{
	struct boot_info *out = s->out;
	const struct mb1_info *i = (const void *)s->read(at, offsetof(struct mb1_info, apm));
	uint32_t flags;

	if (!i) {
		s->bad = "the loader's information cannot be read";
		return;
	}
	flags = i->flags;
	if (flags & MB1_HAS_CMDLINE)
		copy_string(s, out->cmdline, sizeof out->cmdline, i->cmdline);
	if (flags & MB1_HAS_MODULES)
		parse_mb1_modules(s, i->modules, i->modules_addr);
	if (flags & MB1_HAS_MAP)
		parse_mb1_map(s, i->map_addr, i->map_length);
	else
		s->bad = "the loader gave no memory map: use GRUB 2 or QEMU's -kernel";
	if (flags & MB1_HAS_LOADER)
		copy_string(s, out->loader, sizeof out->loader, i->loader);
}

/* --- multiboot 2 ---------------------------------------------------------------------------- */

/* Tags: `size` is at least that of the tag header. */
static void parse_mb2_module(struct source *s, const struct mb2_module *m, uint32_t size)
{
	char string[256];

	if (size < sizeof *m)
		return;
	copy_text(string, sizeof string, m->string, size - sizeof *m);
	add_module(s, m->start, m->end, string);
}

static void parse_mb2_map(struct boot_info *out, const struct mb2_map *map, uint32_t size)
{
	uint32_t step = size < sizeof *map ? 0 : map->entry_size;

	if (step < sizeof(struct mb2_range))
		return;
	for (uint64_t i = sizeof *map; i + step <= size; i += step) {
		const struct mb2_range *r = (const void *)((const uint8_t *)map + i);

		add_range(out, r->type, r->start, r->length);
	}
}

/* The ACPI 2.0 RSDP (tag 15) is preferred to the old one, whatever their order. */
static void copy_rsdp(struct boot_info *out, const uint8_t *rsdp, uint32_t size)
{
	if (size < ACPI_RSDP_OLD || out->rsdp.revision >= 2)
		return;
	memset(&out->rsdp, 0, sizeof out->rsdp);
	memcpy(&out->rsdp, rsdp, size < sizeof out->rsdp ? size : sizeof out->rsdp);
}

static void parse_mb2_tag(struct source *s, const struct mb2_tag *tag, uint32_t size)
{
	struct boot_info *out = s->out;
	const uint8_t *content = (const uint8_t *)(tag + 1);
	uint32_t n = size - (uint32_t)sizeof *tag;

	switch (tag->type) {
	case MB2_CMDLINE:
		copy_text(out->cmdline, sizeof out->cmdline, content, n);
		break;
	case MB2_LOADER:
		copy_text(out->loader, sizeof out->loader, content, n);
		break;
	case MB2_MODULE:
		parse_mb2_module(s, (const void *)tag, size);
		break;
	case MB2_MAP:
		parse_mb2_map(out, (const void *)tag, size);
		break;
	case MB2_RSDP_OLD:
	case MB2_RSDP:
		copy_rsdp(out, content, n);
		break;
	}
}

/* The list ends with the end tag, or at a tag that overruns the information. */
static void parse_mb2(struct source *s, uint32_t info)
{
	const struct mb2_info *head = (const void *)s->read(info, sizeof *head);
	uint32_t total = head ? head->size : 0;
	const uint8_t *all =
	    total >= sizeof *head && total <= INFO_MAX ? s->read(info, total) : NULL;

	if (!all)
		s->bad = "the loader's information cannot be read";
	for (uint64_t at = sizeof *head; all && !s->bad && at + sizeof(struct mb2_tag) <= total;) {
		const struct mb2_tag *tag = (const void *)(all + at);
		uint32_t size = tag->size;

		if (tag->type == MB2_END || size < sizeof *tag || size > total - at)
			break;
		parse_mb2_tag(s, tag, size);
		at += (size + MB2_ALIGN - 1ul) & ~(MB2_ALIGN - 1ul);
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
