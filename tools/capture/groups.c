/* SPDX-License-Identifier: BSD-2-Clause */
/* groups.c: the rings of all cores, and their groups in the order in which they began. */
#include <stdlib.h>
#include <string.h>
#include "tools/capture/reader.h"

bool groups_begin(struct groups *g, const struct capture *capture, uint64_t size)
{
	uint64_t step = size < CAPTURE_PAGE ? 0 : capture->ring_bytes, ring;

	memset(g, 0, sizeof *g);
	if (step <= sizeof(struct capture_ring) || step % 8 || capture->magic != CAPTURE_MAGIC)
		return false;
	ring = step - sizeof(struct capture_ring);
	g->capture = capture;
	g->ring_size = ring;
	g->rings = capture->rings;
	if (ring & (ring - 1) || ring < 8 || !g->rings || g->rings > READER_RINGS ||
	    !capture->tsc_khz || (size - CAPTURE_PAGE) / step < g->rings)
		return false;
	for (unsigned i = 0; i < g->rings; i++) {
		struct queue *q = &g->queue[i];

		q->ring = (const void *)((const uint8_t *)capture + CAPTURE_PAGE + i * step);
		q->end = &q->first;
	}
	return true;
}

static struct group *group_new(struct groups *g, unsigned core, uint64_t tsc)
{
	struct queue *q = &g->queue[core];
	struct group *new = calloc(1, sizeof *new);

	if (!new)
		abort();
	new->tsc = tsc;
	new->core = core;
	new->number = q->groups++;
	new->end = &new->item;
	*q->end = new;
	q->end = &new->next;
	if (tsc > g->latest)
		g->latest = tsc;
	return new;
}

/* Adds a record to its group.  The rest of a group whose beginning was lost is lost, too. */
static void add_record(struct groups *g, unsigned core, const struct capture_record *r,
                       const uint8_t *bytes)
{
	struct queue *q = &g->queue[core];
	struct item *item;

	if (r->begins)
		q->open = group_new(g, core, r->tsc);
	if (!q->open) {
		q->cursor.lost++;
		return;
	}
	item = malloc(sizeof *item + r->captured);
	if (!item)
		abort();
	item->next = NULL;
	item->r = *r;
	memcpy(item->bytes, bytes, r->captured);
	*q->open->end = item;
	q->open->end = &item->next;
}

static bool read_ring(struct groups *g, unsigned core)
{
	static uint8_t bytes[VNET_FRAME_MAX];
	struct queue *q = &g->queue[core];
	struct capture_record r;
	uint64_t end;
	int found = 1;

	/* First `busy`: if it is 0, a group that began before this look is there already. */
	q->busy = atomic_load_explicit(&q->ring->busy, memory_order_acquire);
	/* What is there now, and no more: it ends with a whole group. */
	end = atomic_load_explicit(&q->ring->written, memory_order_acquire);
	while (found == 1 && q->cursor.at < end) {
		uint64_t lost = q->cursor.lost;

		found = capture_read(q->ring, g->ring_size, &q->cursor, &r, bytes, sizeof bytes);
		if (found < 1)
			break;
		if (q->cursor.lost != lost)
			q->open = NULL;
		if (r.captured > sizeof bytes)
			r.captured = sizeof bytes;
		add_record(g, core, &r, bytes);
	}
	return found >= 0;
}

bool groups_read(struct groups *g)
{
	uint64_t before = g->latest, earliest = ~0ull;
	bool there = g->capture->magic == CAPTURE_MAGIC;

	for (unsigned i = 0; there && i < g->rings; i++) {
		there = read_ring(g, i);
		if (g->queue[i].busy && g->queue[i].busy < earliest)
			earliest = g->queue[i].busy;
	}
	/* What began before the last look ended is there, or is being written now. */
	g->horizon = before < earliest ? before : earliest - 1;
	return there;
}

struct group *groups_next(struct groups *g, bool all)
{
	struct queue *best = NULL;
	struct group *found;

	for (unsigned i = 0; i < g->rings; i++) {
		struct queue *q = &g->queue[i];

		if (q->first && (!best || q->first->tsc < best->first->tsc))
			best = q;
	}
	if (!best || (!all && best->first->tsc > g->horizon))
		return NULL;
	found = best->first;
	best->first = found->next;
	if (!best->first)
		best->end = &best->first;
	if (best->open == found)
		best->open = NULL;
	return found;
}

void group_free(struct group *group)
{
	for (struct item *i = group->item, *next; i; i = next) {
		next = i->next;
		free(i);
	}
	free(group);
}

uint64_t groups_lost(const struct groups *g)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < g->rings; i++)
		lost += g->queue[i].cursor.lost;
	return lost;
}

void groups_end(struct groups *g)
{
	struct group *group;

	while ((group = groups_next(g, true)))
		group_free(group);
}
