/* SPDX-License-Identifier: BSD-2-Clause */
/* The split ring from the driver's side (virtio 1.2, 2.7). */
#include <stdatomic.h>
#include "guest-images/lib/virtio.h"

#define DESC_NEXT          1
#define DESC_WRITE         2
#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY     1

static volatile uint16_t *used_event(const struct guest_vq *q)
{
	return q->avail + 2 + q->num;
}

static uint16_t avail_event(const struct guest_vq *q)
{
	return q->used[2 + 4 * q->num];
}

bool guest_vq_add(struct guest_vq *q, const struct guest_vbuf *bufs, unsigned nread,
                  unsigned nwrite, void *cookie)
{
	unsigned n = nread + nwrite;
	uint16_t head, at, last;

	if (!n || n > q->nfree)
		return false;
	head = q->free_head;
	at = head;
	last = head;
	for (unsigned i = 0; i < n; i++) {
		struct guest_vdesc *d = &q->desc[at];

		d->addr = (uintptr_t)bufs[i].base;
		d->len = bufs[i].len;
		d->flags = (uint16_t)(DESC_NEXT | (i < nread ? 0 : DESC_WRITE));
		last = at;
		at = d->next;
	}
	q->desc[last].flags &= (uint16_t)~DESC_NEXT;
	q->free_head = at;
	q->nfree = (uint16_t)(q->nfree - n);
	q->chain[head] = (uint16_t)n;
	q->cookie[head] = cookie;
	q->avail[2 + (q->avail_next & (q->num - 1))] = head;
	q->avail_next++;
	return true;
}

/* Whether the device asks for a kick for the entries from avail_kicked to avail_next
 * (2.7.7.1, 2.7.10).
 */
static bool wants_kick(const struct guest_vq *q)
{
	if (!q->event_idx)
		return !(q->used[0] & USED_NO_NOTIFY);
	return (uint16_t)(q->avail_next - avail_event(q) - 1) <
	       (uint16_t)(q->avail_next - q->avail_kicked);
}

void guest_vq_kick(struct guest_vq *q)
{
	if (q->avail_next == q->avail_kicked)
		return;
	atomic_thread_fence(memory_order_release); /* descriptors before the index */
	q->avail[1] = q->avail_next;
	atomic_thread_fence(memory_order_seq_cst); /* the index before the event is read */
	if (wants_kick(q)) {
		q->kicks++;
		if (q->notify.io)
			q->bus->out((uint16_t)q->notify.base, 2, q->index);
		else
			*(volatile uint16_t *)(uintptr_t)q->notify.base = q->index;
	}
	q->avail_kicked = q->avail_next;
}

/* Gives the descriptors of the chain back to the free list; it is linked by `next` as before. */
static void free_chain(struct guest_vq *q, uint16_t head)
{
	uint16_t last = head;

	for (unsigned i = 1; i < q->chain[head]; i++)
		last = q->desc[last].next;
	q->desc[last].next = q->free_head;
	q->free_head = head;
	q->nfree = (uint16_t)(q->nfree + q->chain[head]);
	q->chain[head] = 0;
}

void *guest_vq_used(struct guest_vq *q, uint32_t *len)
{
	while (q->used_next != q->used[1]) {
		volatile uint32_t *e;
		uint32_t id;

		atomic_thread_fence(memory_order_acquire); /* the index before the entry */
		e = (volatile uint32_t *)(q->used + 2) + 2 * (q->used_next & (q->num - 1));
		id = e[0];
		*len = e[1];
		q->used_next++;
		if (id < q->num && q->chain[id]) {
			free_chain(q, (uint16_t)id);
			return q->cookie[id];
		}
		q->bad_used++;
	}
	return NULL;
}

bool guest_vq_arm(struct guest_vq *q)
{
	q->avail[0] = 0;
	*used_event(q) = q->used_next;
	atomic_thread_fence(memory_order_seq_cst); /* the event before the index is read */
	return q->used_next == q->used[1];
}

void guest_vq_disarm(struct guest_vq *q)
{
	q->avail[0] = AVAIL_NO_INTERRUPT;
	*used_event(q) = (uint16_t)(q->used_next - 1);
}
