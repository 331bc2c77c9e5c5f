/* SPDX-License-Identifier: BSD-2-Clause */
/* The CMOS clock (MC146818A), read once for the guests' wall clock. */
#include <stdbool.h>
#include "arch/x86_64/rtc.h"
#include "lib/x86.h"

static uint8_t read_cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned decode_bcd(uint8_t v, bool binary)
{
	return binary ? v : (v >> 4) * 10u + (v & 15);
}

/* Days since 1970-01-01 of a date after 2000 (proleptic Gregorian, March-based year). */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year;
	unsigned era_day = y % 400 * 365 + y % 400 / 4 - y % 400 / 100 +
	                   (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return (uint64_t)(y / 400) * 146097 + era_day - 719468;
}

/* Register B bit 1: 24 hours; else 1 to 12 with PM in bit 7. */
static unsigned decode_hour(uint8_t v, bool binary, bool full_day)
{
	unsigned h = decode_bcd(v & 0x7f, binary);

	return full_day ? h : h % 12 + (v & 0x80 ? 12 : 0);
}

uint64_t rtc_read(void)
{
	unsigned tries = 0;
	uint8_t format;
	bool binary;
	unsigned s, m, h, d, mon, y;

	while (read_cmos(0x0a) & 0x80)
		if (++tries > 1000000)
			return 0;
	format = read_cmos(0x0b);
	binary = format & 4;
	s = decode_bcd(read_cmos(0), binary);
	m = decode_bcd(read_cmos(2), binary);
	h = decode_hour(read_cmos(4), binary, format & 2);
	d = decode_bcd(read_cmos(7), binary);
	mon = decode_bcd(read_cmos(8), binary);
	y = 2000 + decode_bcd(read_cmos(9), binary);
	if (s > 59 || m > 59 || h > 23 || !d || d > 31 || !mon || mon > 12)
		return 0;
	return ((days_since_1970(y, mon, d) * 24 + h) * 60 + m) * 60 + s;
}
