/* SPDX-License-Identifier: BSD-2-Clause */
/* itinerary.c: what the trace (lib/trace.h) says of a captured frame.  A walk that is traced and
 * captured has one time at which it began, by which both are tied together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/capture/reader.h"

#define PART 256     /* records that are copied at once */
#define KEPT 1048576 /* records of a core that are kept, at most */

void itinerary_add(struct itinerary *t, unsigned core, const void *ring, uint64_t size)
{
	uint64_t room = size < sizeof(struct trace_ring)
	                    ? 0
	                    : (size - sizeof(struct trace_ring)) / sizeof(struct trace_record);
	uint32_t records = 1;

	if (core >= READER_RINGS || !room || t->core[core].ring)
		return;
	while (records * 2ull <= room && records < 1u << 30)
		records *= 2;
	t->core[core].ring = ring;
	t->core[core].records = records;
}

static void remove_first(struct itinerary_ring *r, size_t n)
{
	memmove(r->record, r->record + n, (r->n - n) * sizeof r->record[0]);
	r->n -= n;
	r->first = r->first > n ? r->first - n : 0;
}

/* Makes room for PART records more; the older half goes when there are too many. */
static bool make_room(struct itinerary_ring *r)
{
	struct trace_record *more;

	if (r->n + PART > r->room && r->first)
		remove_first(r, r->first);
	if (r->n + PART > KEPT)
		remove_first(r, r->n / 2);
	if (r->n + PART <= r->room)
		return true;
	more = realloc(r->record, (r->room + KEPT / 16) * sizeof *more);
	if (!more)
		return false;
	r->record = more;
	r->room += KEPT / 16;
	return true;
}

void itinerary_read(struct itinerary *t)
{
	for (unsigned i = 0; i < READER_RINGS; i++) {
		struct itinerary_ring *r = &t->core[i];
		unsigned n = PART;

		while (r->ring && n == PART && make_room(r)) {
			n = trace_read(r->ring, r->records, &r->next, r->record + r->n, PART,
			               &r->lost);
			r->n += n;
		}
	}
}

/* Passes the walks that were over when this one began. */
static void forget(struct itinerary_ring *r, uint64_t tsc)
{
	for (size_t i = r->first; i < r->n && r->record[i].tsc < tsc; i++)
		if (r->record[i].step == TRACE_returned)
			r->first = i + 1;
}

/* Whether the walk that a frame is of ends with this record. */
static bool ends(const struct trace_record *r, const struct trace_record *taken)
{
	return taken && (r->step == TRACE_returned || r->walk != taken->walk);
}

/* Writes a step, and its time from the moment at which the frame was taken. */
static void add_step(char *text, size_t size, const struct trace_record *r, uint64_t tsc,
                     uint64_t khz)
{
	static const char *const name[] = {
#define X(step) #step,
	    TRACE_STEPS(X)
#undef X
	};
	size_t used = strlen(text);
	int64_t ns = (int64_t)((double)(int64_t)(r->tsc - tsc) * 1e6 / (double)(khz ? khz : 1));

	if (used >= size || r->step >= TRACE_STEP_COUNT)
		return;
	snprintf(text + used, size - used, "%s%s", used ? " " : "itinerary: ", name[r->step]);
	used = strlen(text);
	if (r->step == TRACE_copied || r->step == TRACE_raised)
		snprintf(text + used, size - used, "(port %u)", r->port);
	used = strlen(text);
	snprintf(text + used, size - used, "%+ldns", ns);
}

/* Whether this step of the walk is one of the frame. */
static bool is_of(const struct trace_record *r, unsigned number)
{
	switch (r->step) {
	case TRACE_taken:
		return r->frame == number;
	case TRACE_looked_up:
	case TRACE_raised:
	case TRACE_returned:
		return number < 64 && r->a >> number & 1;
	default:
		return true;
	}
}

bool itinerary_text(struct itinerary *t, unsigned core, uint64_t tsc, unsigned number, char *text,
                    size_t size)
{
	struct itinerary_ring *r = &t->core[core % READER_RINGS];
	const struct trace_record *taken = NULL;

	text[0] = 0;
	forget(r, tsc);
	for (size_t i = r->first; i < r->n && !taken && r->record[i].tsc <= tsc; i++)
		if (r->record[i].step == TRACE_taken && r->record[i].tsc == tsc &&
		    r->record[i].frame == number)
			taken = &r->record[i];
	for (size_t i = r->first; taken && i < r->n; i++) {
		if (r->record[i].walk == taken->walk && is_of(&r->record[i], number))
			add_step(text, size, &r->record[i], tsc, t->tsc_khz);
		if (&r->record[i] > taken && ends(&r->record[i], taken))
			break;
	}
	return taken;
}

void itinerary_end(struct itinerary *t)
{
	for (unsigned i = 0; i < READER_RINGS; i++)
		free(t->core[i].record);
	memset(t, 0, sizeof *t);
}
