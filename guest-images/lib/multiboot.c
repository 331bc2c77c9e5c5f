/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's information, and the options of the command line. */
#include <string.h>
#include "guest-images/lib/console.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"
#include "lib/address_text.h"
#include "lib/bytes.h"
#include "vnet/frame/mac.h"

#define VALUE_MAX   64
#define CMDLINE_MAX 1024
#define RANGES_MAX  64
#define MODULES_MAX 16

/* Copies: the originals may be in RAM that is used later. */
static struct mb1_info the_info;
static bool have_info;
static char cmdline[CMDLINE_MAX];
static struct mb_range ranges[RANGES_MAX];
static unsigned nranges;
static struct mb1_module modules[MODULES_MAX];

static void copy_ranges(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;

	while ((size_t)(end - p) >= sizeof(struct mb1_range) && nranges < RANGES_MAX) {
		const struct mb1_range *r = (const void *)p;

		ranges[nranges++] = (struct mb_range){r->start, r->length, r->type};
		p += r->size + sizeof r->size;
	}
}

static void keep_info(uint32_t magic, const struct mb1_info *info)
{
	have_info = magic == MB1_EAX;
	if (!have_info)
		return;
	the_info = *info;
	if (info->flags & MB1_HAS_CMDLINE) {
		const char *from = (const char *)(uintptr_t)info->cmdline;

		memcpy(cmdline, from, strnlen(from, CMDLINE_MAX - 1));
	}
	if (info->flags & MB1_HAS_MAP)
		copy_ranges((const uint8_t *)(uintptr_t)info->map_addr, info->map_length);
	if (!(info->flags & MB1_HAS_MODULES))
		the_info.modules = 0;
	if (the_info.modules > MODULES_MAX)
		the_info.modules = MODULES_MAX;
	memcpy(modules, (const void *)(uintptr_t)info->modules_addr,
	       the_info.modules * sizeof *modules);
}

void guest_start(uint32_t magic, const struct mb1_info *info);

void guest_start(uint32_t magic, const struct mb1_info *info)
{
	console_init();
	trap_init();
	keep_info(magic, info);
	guest_main();
}

const struct mb1_info *mb_info(void)
{
	return have_info ? &the_info : NULL;
}

const char *mb_cmdline(void)
{
	return cmdline;
}

bool mb_range(unsigned i, struct mb_range *range)
{
	if (i >= nranges)
		return false;
	*range = ranges[i];
	return true;
}

const struct mb1_module *mb_module(unsigned i)
{
	return i < the_info.modules ? &modules[i] : NULL;
}

bool mb_option(const char *key, char *value, size_t size)
{
	size_t n = strlen(key);
	const char *p = cmdline;

	while (*p) {
		const char *end = strchr(p, ' ');
		size_t len = end ? (size_t)(end - p) : strlen(p);

		if (len >= n && !strncmp(p, key, n) && (len == n || p[n] == '=')) {
			size_t from = len == n ? n : n + 1;
			size_t copy = len - from < size ? len - from : size - 1;

			memcpy(value, p + from, copy);
			value[copy] = 0;
			return true;
		}
		p += len;
		while (*p == ' ')
			p++;
	}
	return false;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* Parses digits of `base`; returns the first other character, or NULL when there was no digit. */
static const char *parse_digits(const char *p, int base, uint64_t *v)
{
	const char *start = p;

	*v = 0;
	for (int d = digit_value(*p); d >= 0 && d < base; d = digit_value(*++p))
		*v = *v * (unsigned)base + (unsigned)d;
	return p == start ? NULL : p;
}

uint64_t mb_number(const char *key, uint64_t otherwise)
{
	char text[VALUE_MAX];
	uint64_t v;
	bool hex;
	const char *end;

	if (!mb_option(key, text, sizeof text))
		return otherwise;
	hex = text[0] == '0' && text[1] == 'x';
	end = parse_digits(hex ? text + 2 : text, hex ? 16 : 10, &v);
	return end && !*end ? v : otherwise;
}

bool mb_mac(const char *key, uint8_t mac[6])
{
	char text[VALUE_MAX];
	mac_t m;

	if (!mb_option(key, text, sizeof text) || !mac_from_text(text, &m))
		return false;
	mac_write(mac, m);
	return true;
}

bool mb_ip(const char *key, uint8_t ip[4])
{
	char text[VALUE_MAX];
	uint32_t v;

	if (!mb_option(key, text, sizeof text) || !ip_from_text(text, '\0', &v))
		return false;
	put_be32(ip, v);
	return true;
}
