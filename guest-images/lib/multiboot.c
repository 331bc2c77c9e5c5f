/* The loader's information, and the words of the command line. */
#include <string.h>
#include "guest-images/lib/console.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"

#define VALUE_MAX 64

static const struct mb_info *the_info;

void guest_start(uint32_t magic, const struct mb_info *info);

void guest_start(uint32_t magic, const struct mb_info *info)
{
	console_init();
	trap_init();
	mb_init(magic, info);
	guest_main();
}

void mb_init(uint32_t magic, const struct mb_info *info)
{
	the_info = magic == MB_LOADER_MAGIC ? info : NULL;
}

const struct mb_info *mb_info(void)
{
	return the_info;
}

bool mb_range(unsigned i, struct mb_range *range)
{
	if (!the_info || !(the_info->flags & MB_HAS_MMAP))
		return false;
	const uint8_t *p = (const uint8_t *)(uintptr_t)the_info->mmap_addr;
	const uint8_t *end = p + the_info->mmap_length;
	for (; end - p >= 24; i--) {
		uint32_t size;
		memcpy(&size, p, 4);
		if (!i) {
			memcpy(&range->base, p + 4, 8);
			memcpy(&range->len, p + 12, 8);
			memcpy(&range->type, p + 20, 4);
			return true;
		}
		p += size + 4;
	}
	return false;
}

const struct mb_module *mb_module(unsigned i)
{
	if (!the_info || !(the_info->flags & MB_HAS_MODS) || i >= the_info->mods_count)
		return NULL;
	return (const struct mb_module *)(uintptr_t)the_info->mods_addr + i;
}

bool mb_option(const char *key, char *value, size_t size)
{
	size_t n = strlen(key);
	const char *p = the_info && (the_info->flags & MB_HAS_CMDLINE)
	                    ? (const char *)(uintptr_t)the_info->cmdline
	                    : "";
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

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* Reads digits of `base` up to a character that is none; NULL when there was not one. */
static const char *parse(const char *p, int base, uint64_t *v)
{
	const char *start = p;
	*v = 0;
	for (int d = digit(*p); d >= 0 && d < base; d = digit(*++p))
		*v = *v * (unsigned)base + (unsigned)d;
	return p == start ? NULL : p;
}

uint64_t mb_number(const char *key, uint64_t otherwise)
{
	char text[VALUE_MAX];
	uint64_t v;
	if (!mb_option(key, text, sizeof text))
		return otherwise;
	bool hex = text[0] == '0' && text[1] == 'x';
	const char *end = parse(hex ? text + 2 : text, hex ? 16 : 10, &v);
	return end && !*end ? v : otherwise;
}

static bool parse_bytes(const char *key, uint8_t *out, unsigned n, int base, char separator)
{
	char text[VALUE_MAX];
	if (!mb_option(key, text, sizeof text))
		return false;
	const char *p = text;
	for (unsigned i = 0; i < n; i++) {
		uint64_t v;
		p = parse(p, base, &v);
		if (!p || v > 255 || *p != (i + 1 < n ? separator : 0))
			return false;
		out[i] = (uint8_t)v;
		p++;
	}
	return true;
}

bool mb_mac(const char *key, uint8_t mac[6])
{
	return parse_bytes(key, mac, 6, 16, ':');
}

bool mb_ip(const char *key, uint8_t ip[4])
{
	return parse_bytes(key, ip, 4, 10, '.');
}
