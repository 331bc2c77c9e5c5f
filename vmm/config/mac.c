/* SPDX-License-Identifier: BSD-2-Clause */
/* MAC addresses as text, and a port's default MAC, made from its name. */
#include <stdio.h>
#include "vmm/config/parse.h"

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

bool config_parse_mac(const char *text, mac_t *mac)
{
	mac_t m = 0;
	for (unsigned i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		m |= (mac_t)(high << 4 | low) << (8 * i);
	}
	*mac = m;
	return true;
}

void config_format_mac(mac_t mac, char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac & 0xff),
	         (unsigned)(mac >> 8 & 0xff), (unsigned)(mac >> 16 & 0xff),
	         (unsigned)(mac >> 24 & 0xff), (unsigned)(mac >> 32 & 0xff),
	         (unsigned)(mac >> 40 & 0xff));
}

mac_t config_derive_mac(const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	h = (h >> 24) ^ (h & 0xffffff);
	return 0x005452 | (mac_t)(h & 0xffffff) << 24;
}
