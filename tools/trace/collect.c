/* SPDX-License-Identifier: BSD-2-Clause */
/* collect.c: copies the records out of all rings before they are overwritten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/trace/trace.h"

#define CHUNK 256 /* records at once */

/* The largest power of two of records for which there is room. */
static uint32_t records_of(uint64_t size)
{
	uint32_t n = 1;

	while (trace_bytes(n * 2) <= size)
		n *= 2;
	return n;
}

static void add_ring(struct collection *c, const struct window_part *part, const void *memory)
{
	const struct trace_ring *ring = memory;
	struct ring *r = &c->ring[c->rings];

	if (c->rings == RINGS || ring->magic != TRACE_MAGIC || trace_bytes(1) > part->size)
		return;
	*r = (struct ring){.ring = ring, .guest = ring->guest, .owner = part->owner};
	r->records = records_of(part->size);
	memcpy(r->name, part->name, sizeof r->name);
	c->rings++;
}

void collect_begin(struct collection *c, const struct source *s)
{
	struct window_part part;
	const void *memory;

	memset(c, 0, sizeof *c);
	c->tsc_khz = s->window->tsc_khz;
	for (unsigned i = 0; i < WINDOW_PARTS; i++) {
		memory = source_part(s, i, &part);
		if (memory && part.kind == WINDOW_trace)
			add_ring(c, &part, memory);
		if (!memory || part.kind != WINDOW_ports)
			continue;
		c->ports = (unsigned)(part.size / sizeof *c->port);
		c->port = malloc(part.size);
		memcpy(c->port, memory, part.size);
		for (unsigned p = 0; p < c->ports; p++)
			c->port[p].name[WINDOW_NAME - 1] = 0;
	}
}

static void make_room(struct ring *r)
{
	if (r->room - r->n >= CHUNK)
		return;
	r->room = r->room ? 2 * r->room : 4 * CHUNK;
	r->record = realloc(r->record, r->room * sizeof *r->record);
	if (!r->record) {
		fprintf(stderr, "trace: no memory for %zu records\n", r->room);
		exit(1);
	}
}

void collect(struct collection *c)
{
	for (unsigned i = 0; i < c->rings; i++) {
		struct ring *r = &c->ring[i];
		unsigned got, turns = 0;

		/* A guest may say without end that it has written more. */
		do {
			make_room(r);
			got = trace_read(r->ring, r->records, &r->next, r->record + r->n, CHUNK,
			                 &r->lost);
			r->n += got;
		} while (got && ++turns < r->records);
	}
}
