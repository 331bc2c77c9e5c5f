/* SPDX-License-Identifier: BSD-2-Clause */
/* terminal.c: see terminal.h. */
#include <string.h>
#include "lib/terminal.h"

static void copy_in(struct terminal *t, const char *buf, size_t n)
{
	size_t at = t->head % TERMINAL_QUEUE;
	size_t first = n < TERMINAL_QUEUE - at ? n : TERMINAL_QUEUE - at;

	memcpy(t->queue + at, buf, first);
	memcpy(t->queue, buf + first, n - first);
	t->head += n;
}

/* Queues up to n bytes, or none if fewer than `least` fit below `limit`; returns how many. */
static size_t enqueue(struct terminal *t, const char *buf, size_t n, size_t least, size_t limit)
{
	size_t used, room, taken;

	spin_lock(&t->lock);
	used = (size_t)(t->head - t->tail);
	room = used < limit ? limit - used : 0;
	taken = n < room ? n : room;
	if (taken < least)
		taken = 0;
	copy_in(t, buf, taken);
	spin_unlock(&t->lock);
	/* The queue's lock orders this after terminal_await(), which found the queue empty. */
	if (taken && !atomic_exchange(&t->busy, true))
		t->port->wake();
	return taken;
}

size_t terminal_guest(struct terminal *t, const char *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t part = n - done < TERMINAL_PART ? n - done : TERMINAL_PART;
		size_t taken = enqueue(t, buf + done, part, 1, TERMINAL_GUEST);

		done += taken;
		if (taken < part)
			break;
	}
	return done;
}

bool terminal_line(struct terminal *t, const char *buf, size_t n)
{
	return n <= TERMINAL_PART && enqueue(t, buf, n, n, TERMINAL_QUEUE) == n;
}

/* Removes up to TERMINAL_FIFO bytes from the queue, none of what was queued from `end` on. */
static size_t dequeue(struct terminal *t, char *to, uint64_t end)
{
	size_t n = 0;

	for (; n < TERMINAL_FIFO && (int64_t)(end - t->tail) > 0; n++)
		to[n] = t->queue[t->tail++ % TERMINAL_QUEUE];
	return n;
}

static size_t feed_once(struct terminal *t, uint64_t end)
{
	char part[TERMINAL_FIFO];
	size_t n;

	spin_lock(&t->lock);
	n = dequeue(t, part, end);
	spin_unlock(&t->lock);
	t->port->put(part, n);
	return n;
}

static uint64_t queue_head(struct terminal *t)
{
	uint64_t now;

	spin_lock(&t->lock);
	now = t->head;
	spin_unlock(&t->lock);
	return now;
}

void terminal_feed(struct terminal *t)
{
	if (!atomic_load(&t->busy))
		return;
	if (!t->port->interrupt) {
		terminal_settle(t);
		return;
	}
	spin_lock(&t->port_lock);
	t->port->interrupt(false);
	if (t->port->empty())
		feed_once(t, queue_head(t));
	spin_unlock(&t->port_lock);
}

void terminal_await(struct terminal *t)
{
	bool more;

	if (!atomic_load(&t->busy))
		return;
	/* A writer adds bytes under the lock and then tests `busy`: either it finds false and wakes
	 * this core, or its bytes are found here. */
	atomic_store(&t->busy, false);
	spin_lock(&t->lock);
	more = t->head != t->tail;
	spin_unlock(&t->lock);
	if (!more || atomic_exchange(&t->busy, true))
		return;
	if (t->port->interrupt)
		t->port->interrupt(true);
	else
		t->port->wake();
}

static bool sent_up_to(struct terminal *t, uint64_t end)
{
	bool done;

	spin_lock(&t->lock);
	done = (int64_t)(t->tail - end) >= 0;
	spin_unlock(&t->lock);
	return done;
}

void terminal_settle(struct terminal *t)
{
	uint64_t end = queue_head(t);

	while (!sent_up_to(t, end)) {
		spin_lock(&t->port_lock);
		feed_once(t, end);
		spin_unlock(&t->port_lock);
	}
}

void terminal_end(struct terminal *t, bool alone)
{
	char part[TERMINAL_FIFO];

	if (!alone) {
		spin_lock(&t->port_lock);
		for (uint64_t end = queue_head(t); !sent_up_to(t, end);)
			feed_once(t, end);
		return;
	}
	for (size_t n; (n = dequeue(t, part, t->head));)
		t->port->put(part, n);
}
