/* What the loader left: multiboot 1 (spec 0.6.96, 3.3) and multiboot 2 (spec 2.0, 3.6) information.
 */
#include <string.h>
#include "arch/x86_64/platform.h"

#define MB1_EAX 0x2BADB002
#define MB2_EAX 0x36D76289

#define RSDP_REVISION 15
#define MAP_RAM       1
#define MAP_NVS       4     /* 2: reserved, 3: ACPI's tables */
#define BDA_EBDA      0x40E /* the EBDA's segment in the BIOS data area */

struct boot_info boot;

static uint32_t rd32(paddr_t p)
{
	uint32_t v;
	memcpy(&v, (void *)p, 4);
	return v;
}

static uint64_t rd64(paddr_t p)
{
	uint64_t v;
	memcpy(&v, (void *)p, 8);
	return v;
}

static void copy_string(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size - 1);
	memcpy(dst, src, n);
	dst[n] = 0;
}

static void add_ram(paddr_t start, uint64_t size)
{
	if (!size || start + size < start)
		return;
	if (boot.nram < BOOT_RANGES)
		boot.ram[boot.nram++] = (struct boot_range){start, size};
	else
		boot.ram_left_out += size;
}

/* Types of the loader's map (multiboot 2, 3.6.8) as of the BIOS's (ACPI 6.5, 15). */
static void add_range(uint32_t type, paddr_t start, uint64_t size)
{
	if (type == MAP_RAM)
		add_ram(start, size);
	else if (type <= MAP_NVS && boot.nfirmware < BOOT_RANGES)
		boot.firmware[boot.nfirmware++] = (struct boot_range){start, size};
}

/* The module's name is the last path component of its string's first word: GRUB passes what was
 * typed after the file name, QEMU the path itself. */
static void add_module(paddr_t start, paddr_t end, const char *string)
{
	char buf[256];
	if (boot.nmodules == BOOT_MODULES)
		panic("more than %d boot modules: pass fewer", BOOT_MODULES);
	struct boot_module *m = &boot.module[boot.nmodules++];
	copy_string(buf, sizeof buf, string);
	char *word_end = strchr(buf, ' ');
	if (word_end)
		*word_end++ = 0;
	const char *slash = strrchr(buf, '/');
	copy_string(m->name, sizeof m->name, slash ? slash + 1 : buf);
	copy_string(m->args, sizeof m->args, word_end ? word_end : "");
	m->start = start;
	m->size = end - start;
}

static void parse_mb1(paddr_t info)
{
	uint32_t flags = rd32(info);
	if (flags & 1 << 2)
		copy_string(boot.cmdline, sizeof boot.cmdline, (char *)(paddr_t)rd32(info + 16));
	if (flags & 1 << 3)
		for (uint32_t i = 0, n = rd32(info + 20), at = rd32(info + 24); i < n;
		     i++, at += 16)
			add_module(rd32(at), rd32(at + 4), (char *)(paddr_t)rd32(at + 8));
	if (!(flags & 1 << 6))
		panic("the loader gave no memory map: use GRUB 2 or QEMU's -kernel");
	uint32_t end = rd32(info + 48) + rd32(info + 44);
	for (uint32_t at = rd32(info + 48); at < end; at += rd32(at) + 4)
		add_range(rd32(at + 20), rd64(at + 4), rd64(at + 12));
	if (flags & 1 << 9)
		copy_string(boot.loader, sizeof boot.loader, (char *)(paddr_t)rd32(info + 64));
}

static void parse_mb2_mmap(paddr_t tag, uint32_t size)
{
	uint32_t entry = rd32(tag + 8);
	for (paddr_t at = tag + 16; entry >= 24 && at + entry <= tag + size; at += entry)
		add_range(rd32(at + 16), rd64(at), rd64(at + 8));
}

/* The newer form (tag 15) goes before the older one, whatever their order. */
static void copy_rsdp(const uint8_t *rsdp, uint32_t size)
{
	if (size < ACPI_RSDP_OLD || boot.rsdp[RSDP_REVISION] >= 2)
		return;
	memset(boot.rsdp, 0, sizeof boot.rsdp);
	memcpy(boot.rsdp, rsdp, size < sizeof boot.rsdp ? size : sizeof boot.rsdp);
}

static void parse_mb2(paddr_t info)
{
	paddr_t end = info + rd32(info);
	for (paddr_t tag = info + 8; tag + 8 <= end;) {
		uint32_t type = rd32(tag), size = rd32(tag + 4);
		if (!type || size < 8)
			break;
		if (type == 1)
			copy_string(boot.cmdline, sizeof boot.cmdline, (char *)tag + 8);
		else if (type == 2)
			copy_string(boot.loader, sizeof boot.loader, (char *)tag + 8);
		else if (type == 3)
			add_module(rd32(tag + 8), rd32(tag + 12), (char *)tag + 16);
		else if (type == 6)
			parse_mb2_mmap(tag, size);
		else if (type == 14 || type == 15)
			copy_rsdp((const uint8_t *)tag + 8, size - 8);
		tag += (size + 7) & ~7u;
	}
}

void multiboot_parse(uint32_t magic, uint32_t info)
{
	copy_string(boot.loader, sizeof boot.loader, "unnamed loader");
	boot.ebda_segment = (uint16_t)rd32(BDA_EBDA);
	if (magic == MB1_EAX)
		parse_mb1(info);
	else if (magic == MB2_EAX)
		parse_mb2(info);
	else
		panic("not started by a multiboot loader (magic %08x): use GRUB's multiboot or "
		      "multiboot2 command, or QEMU's -kernel",
		      magic);
}

bool holds_ram_at(paddr_t p)
{
	for (unsigned i = 0; i < boot.nram; i++)
		if (p - boot.ram[i].start < boot.ram[i].size)
			return true;
	return false;
}

paddr_t boot_memory_top(void)
{
	paddr_t top = 4 * GIB;
	for (unsigned i = 0; i < boot.nram; i++)
		if (boot.ram[i].start + boot.ram[i].size > top)
			top = boot.ram[i].start + boot.ram[i].size;
	return top;
}

bool boot_option(const char *key, char *value, size_t size)
{
	size_t k = strlen(key);
	for (const char *p = boot.cmdline; (p = strstr(p, key)); p += k) {
		if ((p != boot.cmdline && p[-1] != ' ') || p[k] != '=')
			continue;
		const char *v = p + k + 1, *e = strchr(v, ' ');
		size_t n = e ? (size_t)(e - v) : strlen(v);
		if (n >= size)
			n = size - 1;
		memcpy(value, v, n);
		value[n] = 0;
		return true;
	}
	return false;
}

const struct boot_module *boot_module_find(const char *name)
{
	for (unsigned i = 0; i < boot.nmodules; i++)
		if (!strcmp(boot.module[i].name, name))
			return &boot.module[i];
	return NULL;
}
