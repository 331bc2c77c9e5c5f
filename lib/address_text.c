/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>
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

/* Reads a group of one to four hexadecimal digits and advances *text; -1: none. */
static int group(const char **text)
{
	int v = 0, digit;
	unsigned digits = 0;

	while (digits < 4 && (digit = hex_digit(**text)) >= 0) {
		v = v << 4 | digit;
		digits++;
		++*text;
	}
	return digits ? v : -1;
}

bool ip6_from_text(const char *text, char stop, uint8_t ip[16])
{
	uint8_t read[16] = {0};
	unsigned have = 0, gap = 8; /* gap: the group before which "::" stands; 8: nowhere */
	bool more = true;

	if (text[0] == ':' && text[1] == ':') {
		gap = 0;
		text += 2;
		more = *text != stop;
	}
	while (more) {
		int v = have < 8 ? group(&text) : -1;

		if (v < 0)
			return false;
		read[2 * have] = (uint8_t)(v >> 8);
		read[2 * have++ + 1] = (uint8_t)v;
		more = *text == ':';
		if (more && *++text == ':') {
			if (gap < 8 || have == 8)
				return false;
			gap = have;
			more = *++text != stop;
		}
	}
	if (*text != stop || (gap < 8 ? have > 7 : have != 8))
		return false;
	memset(ip, 0, 16);
	for (unsigned i = 0; i < have; i++) /* those behind "::" are the last ones */
		memcpy(ip + 2 * (size_t)(i < gap ? i : 8 - have + i), read + 2 * (size_t)i, 2);
	return true;
}

static unsigned group_at(const uint8_t ip[16], unsigned i)
{
	return (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
}

/* The first of the longest runs of two zero groups or more; 8: there is none. */
static unsigned longest_zeros(const uint8_t ip[16], unsigned *length)
{
	unsigned first = 8;

	*length = 1;
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && !group_at(ip, i + n))
			n++;
		if (n > *length) {
			first = i;
			*length = n;
		}
	}
	return first;
}

void ip6_to_text(const uint8_t ip[16], char text[IP6_TEXT])
{
	unsigned length, gap = longest_zeros(ip, &length), i = 0;
	char *at = text;

	while (i < 8) {
		if (i == gap) {
			at += snprintf(at, (size_t)(text + IP6_TEXT - at), "::");
			i += length;
			continue;
		}
		at += snprintf(at, (size_t)(text + IP6_TEXT - at), "%s%x",
		               i && i != gap + length ? ":" : "", group_at(ip, i));
		i++;
	}
}
