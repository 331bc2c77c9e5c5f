/* SPDX-License-Identifier: BSD-2-Clause */
/* pcapng.c: writes blocks and options (draft-ietf-opsawg-pcapng, sections 3 and 4). */
#include <string.h>
#include "tools/capture/reader.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET     6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define ETHERNET         1u

#define OPT_COMMENT  1u
#define SHB_USERAPPL 4u
#define IF_NAME      2u
#define IF_TSRESOL   9u
#define EPB_FLAGS    2u
#define EPB_PACKETID 5u
#define EPB_QUEUE    6u
#define ISB_IFDROP   5u
#define TSRESOL_NS   9u
#define OPTION_MAX   65535u

/* A block that is being put together; its packet's bytes are not copied. */
struct block {
	uint8_t head[256];
	size_t len;
	uint8_t options[4096];
	size_t options_len;
};

static void add(struct block *b, const void *bytes, size_t len)
{
	memcpy(b->head + b->len, bytes, len);
	b->len += len;
}

static void add32(struct block *b, uint32_t v)
{
	add(b, &v, sizeof v);
}

/* Left out if there is no room for it. */
static void add_option(struct block *b, uint16_t code, const void *value, size_t len)
{
	const uint16_t head[2] = {code, (uint16_t)len};
	size_t padded = (len + 3) & ~(size_t)3;

	if (len > OPTION_MAX || b->options_len + 8 + padded > sizeof b->options)
		return;
	memcpy(b->options + b->options_len, head, 4);
	memcpy(b->options + b->options_len + 4, value, len);
	memset(b->options + b->options_len + 4 + len, 0, padded - len);
	b->options_len += 4 + padded;
}

static void add_text(struct block *b, uint16_t code, const char *text)
{
	if (text && text[0])
		add_option(b, code, text, strlen(text));
}

/* The time as two words, the higher one first. */
static void add_time(struct block *b, uint64_t ns)
{
	add32(b, (uint32_t)(ns >> 32));
	add32(b, (uint32_t)ns);
}

static bool put(FILE *f, const void *bytes, size_t len)
{
	return !len || fwrite(bytes, len, 1, f) == 1;
}

/* Writes the block, with a packet's bytes between head and options. */
static bool put_block(FILE *f, uint32_t type, struct block *b, const uint8_t *bytes, uint32_t n)
{
	static const uint8_t zero[4];
	uint32_t pad = -n & 3, length;

	if (b->options_len) {
		memset(b->options + b->options_len, 0, 4); /* opt_endofopt */
		b->options_len += 4;
	}
	length = (uint32_t)(12 + b->len + n + pad + b->options_len);
	return put(f, &type, 4) && put(f, &length, 4) && put(f, b->head, b->len) &&
	       put(f, bytes, n) && put(f, zero, pad) && put(f, b->options, b->options_len) &&
	       put(f, &length, 4);
}

bool pcapng_section(FILE *f, const char *comment)
{
	const uint64_t unknown = ~0ull;
	struct block b = {.len = 0};

	add32(&b, BYTE_ORDER_MAGIC);
	add32(&b, 1); /* version 1.0 */
	add(&b, &unknown, sizeof unknown);
	add_text(&b, OPT_COMMENT, comment);
	add_text(&b, SHB_USERAPPL, "patio-capture");
	return put_block(f, BLOCK_SECTION, &b, NULL, 0);
}

bool pcapng_interface(FILE *f, const char *name)
{
	const uint8_t resolution = TSRESOL_NS;
	struct block b = {.len = 0};

	add32(&b, ETHERNET);
	add32(&b, 0); /* no limit */
	add_text(&b, IF_NAME, name);
	add_option(&b, IF_TSRESOL, &resolution, 1);
	return put_block(f, BLOCK_INTERFACE, &b, NULL, 0);
}

bool pcapng_packet(FILE *f, const struct pcapng_packet *p)
{
	const uint32_t flags = p->direction;
	struct block b = {.len = 0};

	add32(&b, p->interface);
	add_time(&b, p->ns);
	add32(&b, p->captured);
	add32(&b, p->length);
	for (unsigned i = 0; i < 2; i++)
		add_text(&b, OPT_COMMENT, p->comment[i]);
	add_option(&b, EPB_FLAGS, &flags, sizeof flags);
	add_option(&b, EPB_PACKETID, &p->id, sizeof p->id);
	add_option(&b, EPB_QUEUE, &p->queue, sizeof p->queue);
	return put_block(f, BLOCK_PACKET, &b, p->bytes, p->captured);
}

bool pcapng_statistics(FILE *f, uint32_t interface, uint64_t ns, uint64_t dropped,
                       const char *comment)
{
	struct block b = {.len = 0};

	add32(&b, interface);
	add_time(&b, ns);
	add_text(&b, OPT_COMMENT, comment);
	if (dropped)
		add_option(&b, ISB_IFDROP, &dropped, sizeof dropped);
	return put_block(f, BLOCK_STATISTICS, &b, NULL, 0);
}
