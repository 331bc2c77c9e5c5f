/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.c: rings of time stamps; see trace.h. */
#include "lib/trace.h"

void trace_ring_init(struct trace_ring *ring, uint32_t records, uint16_t owner)
{
	*ring = (struct trace_ring){.records = records, .owner = owner};
	__atomic_store_n(&ring->magic, TRACE_MAGIC, __ATOMIC_RELEASE);
}

/* The number of the oldest record that is not and was not being overwritten when `written` was
 * read: the writer may have begun with one more than it has counted. */
static uint64_t oldest(uint64_t written, uint32_t records)
{
	return written < records ? 0 : written - records + 1;
}

/* Moves *next to `first`, if that is later. */
static void skip_lost(uint64_t *next, uint64_t first, uint64_t *lost)
{
	if (*next >= first)
		return;
	*lost += first - *next;
	*next = first;
}

unsigned trace_read(const struct trace_ring *ring, uint32_t records, uint64_t *next,
                    struct trace_record *to, unsigned max, uint64_t *lost)
{
	uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire), from, first;
	unsigned n = 0, overwritten;

	/* The ring was made anew, or its writer is a guest that set its count back. */
	if (written < *next)
		*next = 0;
	skip_lost(next, oldest(written, records), lost);
	from = *next;
	while (n < max && from + n < written) {
		to[n] = ring->record[(from + n) & (records - 1)];
		n++;
	}
	/* The copies are made before `written` is read again. */
	atomic_thread_fence(memory_order_acquire);
	written = atomic_load_explicit(&ring->written, memory_order_relaxed);
	first = oldest(written, records);
	*next = from + n;
	if (first <= from)
		return n;
	overwritten = first - from < n ? (unsigned)(first - from) : n;
	*lost += overwritten;
	for (unsigned i = overwritten; i < n; i++)
		to[i - overwritten] = to[i];
	return n - overwritten;
}
