/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_eeprom.c: the EEPROM of 64 words (8254x 5, 82574 6.1): read by the register EERD, and, of
 * an 82540EM, by the four wires to its Microwire chip, which drivers move in EECD.  It cannot be
 * written.
 */
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/model_parts.h"

#define SUM         0xbaba /* of all words */
#define SUM_AT      0x3f
#define VERSION     5
#define CONTROL_1   0x0a
#define SUBSYSTEM   0x0b
#define SUB_VENDOR  0x0c
#define DEVICE      0x0d
#define VENDOR      0x0e
#define EERD_START  1u
#define READ_OPCODE 6u /* with the start bit before it, 8254x 5.3 */
#define COMMAND     9u /* bits of a command: start, opcode, address */

void e1000_model_eeprom_init(struct e1000_model *m)
{
	uint16_t sum = 0, device = m->is_82574 ? E1000_82574L : E1000_82540EM;

	for (unsigned i = 0; i < 3; i++)
		m->eeprom[i] = (uint16_t)(m->mac >> 16 * i);
	m->eeprom[VERSION] = 0x1080; /* 1.8, as a reader takes it apart */
	m->eeprom[CONTROL_1] = 0x026b;
	m->eeprom[SUBSYSTEM] = m->eeprom[DEVICE] = device;
	m->eeprom[SUB_VENDOR] = m->eeprom[VENDOR] = E1000_VENDOR;
	for (unsigned i = 0; i < SUM_AT; i++)
		sum = (uint16_t)(sum + m->eeprom[i]);
	m->eeprom[SUM_AT] = (uint16_t)(SUM - sum);
}

/* 8254x 13.4.4; the 82574 has the fields elsewhere: 82574 10.2.2.5. */
void e1000_model_eerd(struct e1000_model *m, uint32_t v)
{
	unsigned shift = m->is_82574 ? 2 : 8;
	uint32_t at = v >> shift & (m->is_82574 ? 0x3fff : 0xff), word;

	if (!(v & EERD_START))
		return;
	word = at < E1000_MODEL_EEPROM ? m->eeprom[at] : 0xffff;
	e1000_model_set(m, EERD, word << 16 | at << shift | (m->is_82574 ? 1u << 1 : 1u << 4));
}

/* What the chip has on its output after the last clock: one until a word is being read. */
static bool output(const struct e1000_model *m)
{
	unsigned bit, at;

	if (m->wire_in >> 6 != READ_OPCODE || m->wire_clocks < COMMAND)
		return true;
	if (m->wire_clocks == COMMAND)
		return false; /* a zero precedes the word */
	bit = m->wire_clocks - COMMAND - 1;
	at = (m->wire_in + bit / 16) % E1000_MODEL_EEPROM;
	return m->eeprom[at] >> (15 - bit % 16) & 1;
}

/* A write to EECD: a rising clock shifts a bit in, or the next one out. */
void e1000_model_eecd(struct e1000_model *m, uint32_t v)
{
	uint32_t rises = v & ~e1000_model_get(m, EECD);

	if (!(v & EECD_CS) || rises & EECD_CS)
		m->wire_in = m->wire_clocks = 0;
	if (v & EECD_CS && rises & EECD_SK) {
		if (m->wire_clocks < COMMAND)
			m->wire_in = m->wire_in << 1 | !!(v & EECD_DI);
		/* Zeroes before the start bit are none of a command. */
		m->wire_clocks += m->wire_in != 0;
	}
	v = (v & ~(EECD_DO | EECD_GNT)) | EECD_PRESENT;
	v = m->is_82574 ? v | EECD_AUTO_RD : v & ~EECD_AUTO_RD;
	if (v & EECD_REQ)
		v |= EECD_GNT;
	if (v & EECD_CS && output(m))
		v |= EECD_DO;
	e1000_model_set(m, EECD, v);
}
