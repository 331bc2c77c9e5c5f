/* SPDX-License-Identifier: BSD-2-Clause */
/* serial_option.c: parses the boot option `console=`. */
#include <string.h>
#include "arch/x86_64/serial.h"

static const struct serial_port com[4] = {{.port = 0x3f8, .irq = 4},
                                          {.port = 0x2f8, .irq = 3},
                                          {.port = 0x3e8, .irq = 4},
                                          {.port = 0x2e8, .irq = 3}};

struct serial_port serial_default(void)
{
	struct serial_port s = com[0];

	s.divisor = 1;
	return s;
}

/* Parses a decimal number; 0: not a number, or above SERIAL_BAUD. */
static uint32_t parse_baud(const char *text)
{
	uint32_t n = 0;

	for (; *text >= '0' && *text <= '9' && n <= SERIAL_BAUD; text++)
		n = n * 10 + (uint32_t)(*text - '0');
	return *text || n > SERIAL_BAUD ? 0 : n;
}

static bool parse_com_option(const char *text, struct serial_port *out)
{
	struct serial_port s;
	uint32_t baud;

	if (text[0] != 'c' || text[1] != 'o' || text[2] != 'm' || text[3] < '1' || text[3] > '4')
		return false;
	s = com[text[3] - '1'];
	baud = text[4] == ',' ? parse_baud(text + 5) : SERIAL_BAUD;
	if ((text[4] && text[4] != ',') || !baud || SERIAL_BAUD % baud)
		return false;
	s.divisor = (uint16_t)(SERIAL_BAUD / baud);
	*out = s;
	return true;
}

enum serial_choice serial_option(const char *text, struct serial_port *out)
{
	if (!strcmp(text, "none"))
		return SERIAL_NONE;
	if (!strcmp(text, "spcr"))
		return SERIAL_SPCR;
	return parse_com_option(text, out) ? SERIAL_COM : SERIAL_BAD;
}
