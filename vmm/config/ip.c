/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 addresses as text. */
#include <stdio.h>
#include "vmm/config/parse.h"

/* Reads 0 to 255 without a leading zero and advances *text; -1: none. */
static int octet(const char **text)
{
	const char *s = *text;
	int v = 0;
	unsigned digits = 0;
	while (digits < 3 && s[digits] >= '0' && s[digits] <= '9')
		v = v * 10 + (s[digits++] - '0');
	*text = s + digits;
	return !digits || v > 255 || (digits > 1 && s[0] == '0') ? -1 : v;
}

bool config_parse_ip(const char *text, char stop, uint32_t *ip)
{
	*ip = 0;
	for (unsigned i = 0; i < 4; i++, text++) {
		int v = octet(&text);
		if (v < 0 || *text != (i < 3 ? '.' : stop))
			return false;
		*ip = *ip << 8 | (uint32_t)v;
	}
	return true;
}

void config_format_ip(uint32_t ip, char text[16])
{
	snprintf(text, 16, "%u.%u.%u.%u", (unsigned)(ip >> 24), (unsigned)(ip >> 16 & 0xff),
	         (unsigned)(ip >> 8 & 0xff), (unsigned)(ip & 0xff));
}

bool config_same_net(uint32_t a, uint32_t b, unsigned prefix)
{
	return (a ^ b) >> (32 - prefix) == 0;
}
