/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks.c: reads pcapng (draft-ietf-opsawg-pcapng).  Every length is checked before it is used. */
#include <string.h>
#include "lib/bytes.h"
#include "tools/replay/replay.h"

#define TYPE_SECTION     0x0a0d0d0au
#define TYPE_INTERFACE   1u
#define TYPE_STATISTICS  5u
#define TYPE_PACKET      6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPT_END      0u
#define OPT_COMMENT  1u
#define IF_NAME      2u
#define EPB_FLAGS    2u
#define EPB_PACKETID 5u
#define EPB_QUEUE    6u

void blocks_begin(struct blocks *b, const uint8_t *bytes, size_t size)
{
	*b = (struct blocks){bytes, bytes + size, false};
}

static void fail(struct blocks *b, struct block *block, const char *why)
{
	b->at = b->end;
	block->kind = BLOCK_BAD;
	block->why = why;
}

static void copy_text(char to[BLOCK_TEXT], const uint8_t *from, uint32_t len)
{
	if (len >= BLOCK_TEXT)
		len = BLOCK_TEXT - 1;
	memcpy(to, from, len);
	to[len] = 0;
}

static void take_option(struct block *block, unsigned code, const uint8_t *value, uint32_t len)
{
	if (code == OPT_COMMENT && !block->comment[0])
		copy_text(block->comment, value, len);
	else if (block->kind == BLOCK_INTERFACE && code == IF_NAME)
		copy_text(block->name, value, len);
	else if (block->kind == BLOCK_PACKET && code == EPB_FLAGS && len >= 4)
		block->flags = le32(value);
	else if (block->kind == BLOCK_PACKET && code == EPB_PACKETID && len >= 8)
		block->id = le64(value);
	else if (block->kind == BLOCK_PACKET && code == EPB_QUEUE && len >= 4)
		block->queue = le32(value);
}

static void take_options(struct block *block, const uint8_t *at, uint32_t left)
{
	while (left >= 4) {
		unsigned code = le16(at);
		uint32_t len = le16(at + 2), whole = 4 + ((len + 3) & ~3u);

		if (code == OPT_END || whole > left)
			return;
		take_option(block, code, at + 4, len);
		at += whole;
		left -= whole;
	}
}

/* Reads the fixed part of a block's body; returns its bytes, or -1 when the body is shorter. */
static int64_t take_body(struct block *block, uint32_t type, const uint8_t *body, uint32_t n)
{
	uint64_t padded;

	switch (type) {
	case TYPE_SECTION:
		block->kind = BLOCK_SECTION;
		return n < 16 || le32(body) != BYTE_ORDER_MAGIC ? -1 : 16;
	case TYPE_INTERFACE:
		block->kind = BLOCK_INTERFACE;
		return n < 8 ? -1 : 8;
	case TYPE_STATISTICS:
		block->kind = BLOCK_STATISTICS;
		if (n < 12)
			return -1;
		block->interface = le32(body);
		return 12;
	case TYPE_PACKET:
		block->kind = BLOCK_PACKET;
		if (n < 20)
			return -1;
		block->interface = le32(body);
		block->time = (uint64_t)le32(body + 4) << 32 | le32(body + 8);
		block->captured = le32(body + 12);
		block->length = le32(body + 16);
		block->bytes = body + 20;
		padded = 20 + (((uint64_t)block->captured + 3) & ~3ull);
		return padded > n || block->captured > block->length ? -1 : (int64_t)padded;
	default:
		block->kind = BLOCK_OTHER;
		return n;
	}
}

void blocks_next(struct blocks *b, struct block *block)
{
	uint64_t left = (uint64_t)(b->end - b->at);
	uint32_t type, length;
	int64_t fixed;

	memset(block, 0, sizeof *block);
	if (!left && b->section)
		return;
	if (left < 12 && b->section) {
		fail(b, block, "the file ends within a block");
		return;
	}
	if (left < 12 || (!b->section && le32(b->at) != TYPE_SECTION)) {
		fail(b, block, "this is no pcapng file");
		return;
	}
	type = le32(b->at);
	length = le32(b->at + 4);
	if (length < 12 || length % 4 || length > left) {
		fail(b, block, "the file ends within a block");
		return;
	}
	fixed = take_body(block, type, b->at + 8, length - 12);
	if (fixed < 0 || le32(b->at + length - 4) != length) {
		fail(b, block, "a block contradicts itself, or has another byte order");
		return;
	}
	b->section = true;
	if (block->kind != BLOCK_OTHER)
		take_options(block, b->at + 8 + fixed, length - 12 - (uint32_t)fixed);
	b->at += length;
}
