/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_capture.c: any bytes as the capture rings that patio-capture reads, and as the file that
 * replay reads.  Of rings, whatever they hold, a stream becomes that its own reader takes to the
 * end.
 */
#include <stdlib.h>
#include <string.h>
#include "tools/capture/reader.h"
#include "tools/replay/replay.h"

#define RING   2048u
#define RINGS  2
#define STEP   (sizeof(struct capture_ring) + RING)
#define HEADER sizeof(struct capture_record)

static struct window_port port[8];

/* Reads a stream to its end; returns whether it was whole. */
static bool read_blocks(const uint8_t *bytes, size_t size)
{
	struct blocks b;
	struct block block;
	size_t n = 0;

	blocks_begin(&b, bytes, size);
	do {
		blocks_next(&b, &block);
		if (block.kind == BLOCK_PACKET)
			for (uint32_t i = 0; i < block.captured; i += 64)
				n += block.bytes[i];
		n++;
	} while (block.kind != BLOCK_END && block.kind != BLOCK_BAD);
	return n && block.kind == BLOCK_END;
}

/* Writes all groups that are there. */
static void write_all(struct groups *g, struct stream *s)
{
	struct group *group;

	for (unsigned i = 0; i < 3; i++)
		groups_read(g);
	while ((group = groups_next(g, true))) {
		if (!stream_group(s, group))
			abort();
		group_free(group);
	}
	stream_lost(s, 1, groups_lost(g));
}

static void make_stream(const struct capture *capture, size_t size)
{
	static struct groups g;
	static struct stream s;
	char *text;
	size_t length;

	if (!groups_begin(&g, capture, size))
		return;
	memset(&s, 0, sizeof s);
	s.out = open_memstream(&text, &length);
	s.capture = capture;
	s.port = port;
	s.ports = 8;
	s.mirrors = 0xff;
	if (!stream_begin(&s))
		abort();
	write_all(&g, &s);
	fclose(s.out);
	if (!read_blocks((const uint8_t *)text, length))
		abort();
	free(text);
	groups_end(&g);
}

/* Records that fit their ring, of the input's bytes: what stands in them is any. */
static void fill_ring(struct capture_ring *ring, const uint8_t **p, const uint8_t *end)
{
	uint8_t *at = (uint8_t *)ring->word, *last = at + RING;

	while (end - *p >= 12 && (size_t)(last - at) >= HEADER + 64) {
		struct capture_record r = {.kind = **p % CAPTURE_KIND_COUNT,
		                           .mirrors = (*p)[1],
		                           .port = (*p)[2] % 16u,
		                           .serial = (*p)[3],
		                           .tsc = (*p)[4],
		                           .value = (*p)[5] * 0x0101010101ull,
		                           .length = (*p)[6],
		                           .captured = (*p)[7] % 65u,
		                           .frame = (*p)[8],
		                           .cause = (*p)[9],
		                           .begins = (*p)[10] & 1};

		r.size = (uint32_t)(HEADER + ((r.captured + 7u) & ~7u));
		memset(r.offload, (*p)[11], sizeof r.offload);
		memcpy(at, &r, sizeof r);
		at += r.size;
		*p += 12;
	}
	ring->written = (uint64_t)(at - (uint8_t *)ring->word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole = CAPTURE_PAGE + RINGS * STEP;
	const uint8_t *p = data + 1, *end = data + size;
	struct capture *c;

	if (!size)
		return 0;
	if (data[0] % 3 == 0) {
		read_blocks(p, size - 1);
		return 0;
	}
	/* Exactly as long as it is: the sanitizer sees whoever leaves it. */
	c = calloc(1, whole);
	c->magic = CAPTURE_MAGIC;
	c->rings = RINGS;
	c->ring_bytes = STEP;
	c->tsc_khz = 1000;
	for (unsigned i = 0; i < CAPTURE_MIRRORS; i++)
		c->mirror[i].cut = data[0] & 0x80 ? CAPTURE_WHOLE : 20;
	for (unsigned i = 0; i < RINGS; i++) {
		struct capture_ring *ring = (void *)((uint8_t *)c + CAPTURE_PAGE + i * STEP);
		size_t n = (size_t)(end - p) < STEP ? (size_t)(end - p) : STEP;

		if (data[0] % 3 == 1) {
			memcpy(ring, p, n);
			p += n;
		} else {
			fill_ring(ring, &p, end);
		}
	}
	make_stream(c, whole);
	free(c);
	return 0;
}
