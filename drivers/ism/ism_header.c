/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ism_header.c: the header in front of a DMB's data (Linux 6.1, struct smcd_cdc_msg).
 *
 * The receiver's kernel trusts what it reads there: a cursor beyond the ring, or one that claims
 * more data than the ring has, makes it read what is behind the buffer.  So each header is compared
 * with the one that stands in the receiver's memory, where only the device and the receiver write:
 * PRODUCED must have advanced by exactly the message's data, and must not pass what the receiver
 * says in READ that it has read.  When the receiver ends a connection it clears the whole buffer,
 * which is then ready for the next one.
 */
#include "drivers/ism/ism_parts.h"

struct cursor {
	uint16_t wrap;
	uint32_t count;
};

static struct cursor cursor_of(uint64_t word)
{
	return (struct cursor){ISM_CURSOR_WRAP(word), ISM_CURSOR_COUNT(word)};
}

static bool same(struct cursor a, struct cursor b)
{
	return a.wrap == b.wrap && a.count == b.count;
}

/* As smc_curs_add() does it; bytes <= size. */
static struct cursor advance(struct cursor c, uint32_t bytes, uint32_t size)
{
	c.count += bytes;
	if (c.count >= size) {
		c.wrap++;
		c.count -= size;
	}
	return c;
}

/* Is what lies between the two cursors at most the ring? */
static bool within_ring(struct cursor from, struct cursor to)
{
	if (from.wrap == to.wrap)
		return from.count <= to.count;
	return (uint16_t)(from.wrap + 1) == to.wrap && to.count <= from.count;
}

static uint64_t word(const struct ism_dmb *dmb, unsigned i)
{
	return __atomic_load_n((const uint64_t *)dmb->memory + i, __ATOMIC_RELAXED);
}

/* CONSUMED is about a buffer of the sender's own, about whose length only sender and receiver
 * agree; one that lies misleads the receiver into writing beyond that buffer's end, which is
 * refused. */
enum ism_status ism_header_check(const struct ism_dmb *dmb, const uint64_t header[ISM_WORD_READ],
                                 uint32_t bytes)
{
	uint32_t size = dmb->length - ISM_HEADER;
	uint64_t type = word(dmb, ISM_WORD_TYPE);
	struct cursor produced = cursor_of(header[ISM_WORD_PRODUCED]), before = {0, 0}, expected;
	struct cursor consumed = cursor_of(header[ISM_WORD_CONSUMED]);

	if ((uint8_t)header[ISM_WORD_TYPE] != ISM_TYPE_CDC)
		return ISM_bad_header;
	if (produced.count >= size || consumed.count >= ISM_DMB_MAX - ISM_HEADER)
		return ISM_bad_cursor;
	if (type)
		before = cursor_of(word(dmb, ISM_WORD_PRODUCED));
	if (before.count >= size)
		return ISM_bad_cursor;
	expected = advance(before, bytes, size);
	if (!same(produced, expected))
		return type ? ISM_bad_cursor : ISM_stale;
	if (dmb->window && !within_ring(cursor_of(word(dmb, ISM_WORD_READ)), produced))
		return ISM_no_window;
	return ISM_OK;
}
