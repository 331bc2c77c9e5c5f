/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include "lib/address_text.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_from_text(const char *text, uint64_t *mac)
{
	uint64_t m = 0;

	for (unsigned i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		m |= (uint64_t)(high << 4 | low) << (8 * i);
	}
	*mac = m;
	return true;
}

void mac_to_text(uint64_t mac, char text[MAC_TEXT])
{
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac & 0xff),
	         (unsigned)(mac >> 8 & 0xff), (unsigned)(mac >> 16 & 0xff),
	         (unsigned)(mac >> 24 & 0xff), (unsigned)(mac >> 32 & 0xff),
	         (unsigned)(mac >> 40 & 0xff));
}

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

bool ip_from_text(const char *text, char stop, uint32_t *ip)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++, text++) {
		int byte = octet(&text);

		if (byte < 0 || *text != (i < 3 ? '.' : stop))
			return false;
		v = v << 8 | (uint32_t)byte;
	}
	*ip = v;
	return true;
}

void ip_to_text(uint32_t ip, char text[IP_TEXT])
{
	snprintf(text, IP_TEXT, "%u.%u.%u.%u", (unsigned)(ip >> 24), (unsigned)(ip >> 16 & 0xff),
	         (unsigned)(ip >> 8 & 0xff), (unsigned)(ip & 0xff));
}
