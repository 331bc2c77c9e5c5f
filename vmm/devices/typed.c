/* SPDX-License-Identifier: BSD-2-Clause */
/* typed.c: see typed.h. */
#include "vmm/devices/typed.h"

void typed_reset(struct typed *t)
{
	spin_lock(&t->lock);
	atomic_store(&t->tail, atomic_load(&t->head));
	spin_unlock(&t->lock);
}

bool typed_put(struct typed *t, char c)
{
	bool room;

	spin_lock(&t->lock);
	room = typed_waiting(t) < TYPED_BYTES;
	if (room) {
		t->ring[t->head % TYPED_BYTES] = c;
		atomic_fetch_add(&t->head, 1);
	}
	spin_unlock(&t->lock);
	return room;
}

/* source_waits is set before the second look: whoever takes a byte after that look sees it. */
bool typed_full(struct typed *t)
{
	if (typed_waiting(t) < TYPED_BYTES)
		return false;
	atomic_store(&t->source_waits, true);
	return typed_waiting(t) >= TYPED_BYTES;
}

int typed_take(struct typed *t)
{
	int c = -1;

	spin_lock(&t->lock);
	if (typed_waiting(t)) {
		c = (uint8_t)t->ring[t->tail % TYPED_BYTES];
		atomic_fetch_add(&t->tail, 1);
	}
	spin_unlock(&t->lock);
	return c;
}

size_t typed_hand_over(struct typed *t, size_t most,
                       size_t (*take)(void *ctx, const char *buf, size_t n), void *ctx)
{
	size_t done = 0, taken, n;

	spin_lock(&t->lock);
	do {
		uint32_t at = t->tail % TYPED_BYTES, waiting = typed_waiting(t);

		n = waiting < TYPED_BYTES - at ? waiting : TYPED_BYTES - at;
		if (n > most - done)
			n = most - done;
		taken = n ? take(ctx, t->ring + at, n) : 0;
		atomic_fetch_add(&t->tail, (uint32_t)taken);
		done += taken;
	} while (n && taken == n);
	spin_unlock(&t->lock);
	return done;
}

bool typed_source_due(struct typed *t)
{
	return atomic_load(&t->source_waits) && TYPED_BYTES - typed_waiting(t) >= TYPED_ROOM &&
	       atomic_exchange(&t->source_waits, false);
}
