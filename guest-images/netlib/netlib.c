/* SPDX-License-Identifier: BSD-2-Clause */
/* netlib.c: see netlib.h. */
#include <stdatomic.h>
#include <string.h>
#include "guest-images/netlib/netlib.h"

/* Our index is published, and the other side's event read behind a full barrier: it writes its
 * event and then reads our index, so that one of the two sees what the other wrote. */
static bool publish(struct shm_index *i, uint32_t was, uint32_t now)
{
	atomic_exchange(&i->head, now);
	return now - atomic_load(&i->event) - 1 < now - was;
}

/* How many entries a ring has for its consumer, who reads the head if it knows of too few. */
static uint32_t entries(struct shm_index *i, uint32_t tail, uint32_t *seen, uint32_t wanted)
{
	/* Acquire: the entries and the frames are read after the index. */
	if (*seen - tail < wanted)
		*seen = atomic_load_explicit(&i->head, memory_order_acquire);
	return *seen - tail;
}

static const char *wrong(const struct shm_private *s, uint64_t bytes)
{
	if (s->magic != SHM_MAGIC)
		return "this is no private region of a group's member";
	if (s->version != SHM_VERSION)
		return "the region is of another version";
	if (s->buffers > SHM_BUFFERS_MAX || (uint64_t)s->buffers * SHM_BUFFER > bytes)
		return "the group has more buffers than are mapped";
	if (!s->entries || s->entries > SHM_ENTRIES_MAX || s->entries & (s->entries - 1))
		return "the rings are of no possible size";
	return NULL;
}

const char *netlib_open(struct netlib *n, struct shm_private *shared, void *region, uint64_t bytes,
                        void (*doorbell)(void *ctx), void *ctx)
{
	const char *why = wrong(shared, bytes);

	if (why)
		return why;
	*n = (struct netlib){.shared = shared,
	                     .buffer = region,
	                     .doorbell = doorbell,
	                     .ctx = ctx,
	                     .mask = shared->entries - 1,
	                     .buffers = shared->buffers,
	                     .seat = shared->seat,
	                     .seats = shared->seats,
	                     .mtu = shared->mtu};
	memcpy(n->mac, shared->mac, sizeof n->mac);
	/* A reset has cleared the indices; who opens a member that runs goes on where it is. */
	n->in_tail = n->in_seen = atomic_load(&shared->in.tail);
	n->out_head = atomic_load(&shared->out.head);
	n->out_seen = atomic_load(&shared->out.tail);
	n->free_tail = n->free_seen = atomic_load(&shared->free.tail);
	return NULL;
}

bool netlib_running(const struct netlib *n)
{
	return atomic_load(&n->shared->status) == SHM_START;
}

int netlib_member(const struct netlib *n, const char *name)
{
	for (unsigned i = 0; i < n->seats && i < SHM_SEATS; i++)
		if (name[0] && strncmp(n->shared->name[i], name, SHM_NAME) == 0)
			return (int)i;
	return -1;
}

static void ring(struct netlib *n)
{
	n->rings++;
	n->doorbell(n->ctx);
}

unsigned netlib_receive(struct netlib *n, struct netlib_frame *frame, unsigned max)
{
	uint32_t have = entries(&n->shared->in, n->in_tail, &n->in_seen, max);
	unsigned count = have < max ? have : max;

	for (unsigned i = 0; i < count; i++) {
		const struct shm_desc *d = &n->shared->in_ring[n->in_tail++ & n->mask];

		frame[i] = (struct netlib_frame){
		    .data = n->buffer + d->at, .length = d->length, .action = SHM_NEXT};
		__builtin_prefetch(frame[i].data);
	}
	if (count)
		atomic_store_explicit(&n->shared->in.tail, n->in_tail, memory_order_release);
	return count;
}

unsigned netlib_take(struct netlib *n, struct netlib_frame *frame, unsigned max)
{
	uint32_t have = entries(&n->shared->free, n->free_tail, &n->free_seen, max);
	unsigned count = have < max ? have : max;

	for (unsigned i = 0; i < count; i++) {
		uint32_t buffer = n->shared->free_ring[n->free_tail++ & n->mask];

		frame[i] = (struct netlib_frame){
		    .data = n->buffer + buffer * SHM_BUFFER + SHM_HEADROOM, .action = SHM_NEXT};
	}
	if (count)
		atomic_store_explicit(&n->shared->free.tail, n->free_tail, memory_order_release);
	else if (max)
		ring(n);
	return count;
}

unsigned netlib_offered(struct netlib *n)
{
	return entries(&n->shared->free, n->free_tail, &n->free_seen, 1);
}

unsigned netlib_room(struct netlib *n)
{
	/* Acquire: what the VMM has read may be overwritten after that. */
	if (n->out_head - n->out_seen > n->mask / 2)
		n->out_seen = atomic_load_explicit(&n->shared->out.tail, memory_order_acquire);
	return n->mask + 1 - (n->out_head - n->out_seen);
}

unsigned netlib_send(struct netlib *n, const struct netlib_frame *frame, unsigned count)
{
	unsigned room = netlib_room(n);
	uint32_t was = n->out_head;

	if (count > room)
		count = room;
	for (unsigned i = 0; i < count; i++) {
		const struct netlib_frame *f = &frame[i];

		n->shared->out_ring[n->out_head++ & n->mask] =
		    (struct shm_desc){.at = (uint32_t)(f->data - n->buffer),
		                      .length = (uint16_t)f->length,
		                      .action = f->action,
		                      .to = f->action == SHM_TO ? f->to : 0};
	}
	if (count && publish(&n->shared->out, was, n->out_head))
		ring(n);
	return count;
}

bool netlib_unread(const struct netlib *n)
{
	/* Acquire: buffers are offered before what is read is acknowledged. */
	return atomic_load_explicit(&n->shared->out.tail, memory_order_acquire) != n->out_head;
}

bool netlib_arm(struct netlib *n)
{
	if (entries(&n->shared->in, n->in_tail, &n->in_seen, 1))
		return true;
	/* A full barrier between the event and the look at the head: see publish(). */
	atomic_store(&n->shared->in.event, n->in_tail);
	n->in_seen = atomic_load(&n->shared->in.head);
	return n->in_seen != n->in_tail;
}

bool netlib_wait(struct netlib *n, void (*sleep)(void *ctx), void *ctx)
{
	if (netlib_arm(n))
		return true;
	sleep(ctx);
	return entries(&n->shared->in, n->in_tail, &n->in_seen, 1) != 0;
}

unsigned netlib_serve(struct netlib *n, netlib_function *function, void *state)
{
	struct netlib_frame frame[NETLIB_BURST];
	unsigned room = netlib_room(n);
	unsigned count = netlib_receive(n, frame, room < NETLIB_BURST ? room : NETLIB_BURST);

	if (!count)
		return 0;
	function(state, frame, count);
	/* There is room for all of them. */
	return netlib_send(n, frame, count);
}
