/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's boot information, and queries on it. */
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/multiboot.h"

#define BDA_EBDA 0x40e /* the EBDA's segment in the BIOS data area */

struct boot_info boot;

/* boot.asm has mapped the first 4 GiB, and nothing else yet. */
static const uint8_t *first_4_gib(uint64_t at, uint64_t size)
{
	return at <= 4 * GIB && size <= 4 * GIB - at ? (const uint8_t *)at : NULL;
}

const char *boot_info_read(uint32_t magic, uint32_t info)
{
	const char *bad = multiboot_read(magic, info, first_4_gib, &boot);

	memcpy(&boot.ebda_segment, first_4_gib(BDA_EBDA, 2), 2);
	return bad;
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
		const char *v, *e;
		size_t n;

		if ((p != boot.cmdline && p[-1] != ' ') || p[k] != '=')
			continue;
		v = p + k + 1;
		e = strchr(v, ' ');
		n = e ? (size_t)(e - v) : strlen(v);
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
