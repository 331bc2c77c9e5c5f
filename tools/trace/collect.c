/* SPDX-License-Identifier: BSD-2-Clause */
/* collect.c: copies the records out of all rings before they are overwritten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/trace/trace.h"

#define CHUNK       256        /* records at once */
#define RECORDS_MAX (1u << 20) /* of a ring that is read */
#define PORTS_MAX   4096u      /* names that are read */

/* The largest power of two of records for which there is room. */
static uint32_t records_of(uint64_t size)
{
	uint32_t n = 1;

	while (n < RECORDS_MAX && trace_bytes(n * 2) <= size)
		n *= 2;
	return n;
}

/* A name of the language's characters; a window that a guest has made up may have any. */
static void clean_name(char name[WINDOW_NAME])
{
	name[WINDOW_NAME - 1] = 0;
	for (; *name; name++)
		if (*name < ' ' || *name > '~' || *name == '"' || *name == '\\')
			*name = '?';
}

static void add_ring(struct collection *c, const struct window_part *part, const void *memory)
{
	const struct trace_ring *ring = memory;
	struct ring *r = &c->ring[c->rings];

	if (c->rings == RINGS || ring->magic != TRACE_MAGIC || trace_bytes(1) > part->size)
		return;
	/* By the part's kind: a guest may have written anything into its ring. */
	*r =
	    (struct ring){.ring = ring, .guest = part->kind == WINDOW_stamps, .owner = part->owner};
	r->records = records_of(part->size);
	memcpy(r->name, part->name, sizeof r->name);
	clean_name(r->name);
	c->rings++;
}

static void add_ports(struct collection *c, const struct window_part *part, const void *memory)
{
	uint64_t n = part->size / sizeof *c->port;

	c->ports = n < PORTS_MAX ? (unsigned)n : PORTS_MAX;
	free(c->port);
	c->port = calloc(c->ports + 1, sizeof *c->port);
	if (!c->port) {
		fprintf(stderr, "patio-trace: no memory for the names of %u ports\n", c->ports);
		exit(1);
	}
	memcpy(c->port, memory, c->ports * sizeof *c->port);
	for (unsigned i = 0; i < c->ports; i++)
		clean_name(c->port[i].name);
}

void collect_begin(struct collection *c, const struct source *s)
{
	struct window_part part;
	const void *memory;

	memset(c, 0, sizeof *c);
	c->tsc_khz = s->window->tsc_khz;
	for (unsigned i = 0; i < WINDOW_PARTS; i++) {
		memory = source_part(s, i, &part);
		if (memory && (part.kind == WINDOW_trace || part.kind == WINDOW_stamps))
			add_ring(c, &part, memory);
		if (memory && part.kind == WINDOW_ports)
			add_ports(c, &part, memory);
	}
}

void collect_end(struct collection *c)
{
	for (unsigned i = 0; i < c->rings; i++)
		free(c->ring[i].record);
	free(c->port);
	memset(c, 0, sizeof *c);
}

static void make_room(struct ring *r)
{
	if (r->room - r->n >= CHUNK)
		return;
	r->room = r->room ? 2 * r->room : 4 * CHUNK;
	r->record = realloc(r->record, r->room * sizeof *r->record);
	if (!r->record) {
		fprintf(stderr, "patio-trace: no memory for %zu records\n", r->room);
		exit(1);
	}
}

void collect(struct collection *c)
{
	for (unsigned i = 0; i < c->rings; i++) {
		struct ring *r = &c->ring[i];
		unsigned got = 1;

		/* What the ring has now, and no more: a guest may say without end that it has
		 * written more. */
		for (uint32_t done = 0; got && done < r->records; done += CHUNK) {
			make_room(r);
			got = trace_read(r->ring, r->records, &r->next, r->record + r->n, CHUNK,
			                 &r->lost);
			r->n += got;
		}
	}
}
