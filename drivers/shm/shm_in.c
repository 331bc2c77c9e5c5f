/* SPDX-License-Identifier: BSD-2-Clause */
/* shm_in.c: the switch delivers to a member; see shm.h. */
#include <string.h>
#include "drivers/shm/shm_parts.h"

#define HEAD_MAX 256 /* bytes of a head that is put back with the receiver's lock held */

/* Where a frame lies, from the group's first buffer on, if it is one piece; else nowhere there. */
static inline uint64_t place_of(const struct shm_group *g, const struct vnet_frame *f)
{
	return f->nseg == 1 ? (uint64_t)((uintptr_t)f->seg->base - (uintptr_t)g->buffer) : ~0ull;
}

/* The member of the group whose batch this core walks; NULL: another port's is. */
static struct shm_member *walking_member(const struct shm_group *g, const struct vnet_batch *b)
{
	for (unsigned i = 0; i < g->seats; i++) {
		struct shm_member *m = atomic_load_explicit(&g->member[i], memory_order_relaxed);

		if (m && atomic_load_explicit(&m->walking, memory_order_relaxed) == b)
			return m;
	}
	return NULL;
}

/*
 * The same, looked up first by a frame that may be its own.  A frame of another device may lie in
 * the group's memory as well, and then the buffer is not this core's to give away.
 */
static struct shm_member *sender_of(const struct shm_group *g, struct vnet_core *core,
                                    const struct vnet_frame *f)
{
	const struct vnet_batch *b = vnet_core_batch(core);
	uint64_t at = place_of(g, f);
	struct shm_member *from;
	uint32_t owner;

	if (at >= g->bytes)
		return walking_member(g, b);
	owner = shm_owner(g, (uint32_t)(at / SHM_BUFFER));
	if (!(owner & SHM_IN_WALK))
		return walking_member(g, b);
	from = atomic_load_explicit(&g->member[(owner & ~SHM_IN_WALK) - 1], memory_order_relaxed);
	if (!from || atomic_load_explicit(&from->walking, memory_order_relaxed) != b)
		return NULL;
	return from;
}

/* How many entries `in` has room for, as far as is known. */
static inline uint32_t room_of(const struct shm_member *m)
{
	uint32_t used = m->in_head + m->incoming - m->in_tail, entries = m->group->entries;

	return used < entries ? entries - used : 0;
}

uint32_t shm_receivable(struct shm_member *m, uint32_t wanted)
{
	uint32_t room = room_of(m);

	if (room < wanted) {
		m->in_tail = atomic_load_explicit(&m->shared->in.tail, memory_order_acquire);
		if (m->in_head - m->in_tail > m->group->entries) {
			shm_break(m, SHM_E_ring_broken);
			return 0;
		}
		room = room_of(m);
		if (room < wanted)
			wanted = room;
	}
	return wanted < m->nspare ? wanted : m->nspare;
}

/* The frame at `at` is given to the member `id`.  Action and receiver are 0 there for ever. */
static inline void give(struct shm_desc *d, struct shm_group *g, uint32_t id, uint64_t at,
                        uint32_t length)
{
	shm_set_owner(g, at / SHM_BUFFER, id);
	d->at = (uint32_t)at;
	d->length = (uint16_t)length;
}

/*
 * The switch checks, or changes, some frames' heads in a copy, which is then the first of two
 * pieces, or all of the frame.  Puts the head back where the frame lies, unless it is there, so
 * that the buffer can be given.  Returns where the frame begins; the receiver's lock is held.  ~0:
 * it is none of the batch's, or its buffer went to another destination.
 */
static __attribute__((noinline)) uint64_t rejoin(struct shm_member *from, struct shm_member *to,
                                                 const struct vnet_frame *f)
{
	const struct vnet_batch *b = atomic_load_explicit(&from->walking, memory_order_relaxed);
	size_t number = (size_t)(f - b->frame);
	struct shm_group *g = to->group;
	uint64_t at, buffer;

	if (number >= b->n || f->nseg < 1 || f->nseg > 2 || f->seg[0].len > HEAD_MAX)
		return ~0ull;
	at = from->taken[from->ndirect + number];
	buffer = at / SHM_BUFFER;
	if (f->nseg == 2)
		at = (uintptr_t)f->seg[1].base - (uintptr_t)g->buffer - f->seg[0].len;
	if (at >= g->bytes || at / SHM_BUFFER != buffer || at % SHM_BUFFER + f->len > SHM_BUFFER ||
	    shm_owner(g, buffer) != (SHM_IN_WALK | shm_id(from)))
		return ~0ull;
	if (memcmp(g->buffer + at, f->seg[0].base, f->seg[0].len) != 0) {
		memcpy(g->buffer + at, f->seg[0].base, f->seg[0].len);
		count_add(&to->copied, f->seg[0].len);
	}
	return at;
}

/*
 * Gives up to n of the frames to the receiver, as far as they lie in buffers of `from` that nobody
 * else got in this walk; the receiver's lock is held.  *d on: the entries that are filled in.
 * Returns how many.  A function of its own, with everything that does not change in registers.
 */
static __attribute__((noinline)) unsigned exchange_plain(struct shm_member *from,
                                                         struct shm_member *to,
                                                         struct vnet_frame *const *frames,
                                                         struct shm_desc *d, unsigned n)
{
	struct shm_group *const g = to->group;
	const uint32_t walked = SHM_IN_WALK | shm_id(from), id = shm_id(to);
	struct shm_desc *const stop = d + n;

	for (; d < stop; d++, frames++) {
		const struct vnet_frame *f = *frames;
		uint64_t at = place_of(g, f);

		if (__builtin_expect(at >= g->bytes || shm_owner(g, at / SHM_BUFFER) != walked, 0))
			break;
		give(d, g, id, at, f->len);
	}
	return n - (unsigned)(stop - d);
}

/* The same from frame `done` on, and of frames with their heads elsewhere, too. */
static __attribute__((noinline)) unsigned exchange_rest(struct shm_member *from,
                                                        struct shm_member *to,
                                                        struct vnet_frame *const *frames,
                                                        unsigned n, unsigned done)
{
	struct shm_desc *d = from->given + from->ngiven;

	while (done < n) {
		uint64_t at = rejoin(from, to, frames[done]);

		if (at == ~0ull)
			break;
		give(d + done, to->group, shm_id(to), at, frames[done]->len);
		done++;
		done += exchange_plain(from, to, frames + done, d + done, n - done);
	}
	return done;
}

/* Gives up to n of the frames.  Returns how many; then exchange_commit() or exchange_undo(). */
static inline unsigned exchange(struct shm_member *from, struct shm_member *to,
                                struct vnet_frame *const *frames, unsigned n)
{
	unsigned done = exchange_plain(from, to, frames, from->given + from->ngiven, n);

	return __builtin_expect(done == n, 1) ? n : exchange_rest(from, to, frames, n, done);
}

/* The receiver gets the last n frames given when the walk has returned, and the sender as many
 * empty buffers.  `walk`: the core's number for it. */
static void exchange_commit(struct shm_member *from, struct shm_member *to, unsigned n,
                            uint32_t walk)
{
	if (!n)
		return;
	to->nspare -= n;
	to->incoming += n;
	memcpy(&from->back[from->nback], &to->spare[to->nspare], n * sizeof *from->back);
	from->nback += n;
	from->ngiven += n;
	from->nhanded += n;
	from->run[from->nruns++] = (struct shm_run){to, n, walk};
}

/*
 * They were not given after all.  A buffer is in the receiver's name from exchange() on, so that no
 * other destination gets it.  A receiver that guesses its number may have sent it by `out` since
 * then, on a core of its own and without its lock, or is about to: it has seen its name there.
 * Then it stays the receiver's, and `from` gets a spare one for it, as if it had been handed over.
 * The wait is for one batch to be gathered: the next one is after finish_batch(), which waits for
 * the receiver's lock.
 */
static void exchange_undo(struct shm_member *from, struct shm_member *to, unsigned n)
{
	const struct shm_desc *d = from->given + from->ngiven;
	const uint32_t walked = SHM_IN_WALK | shm_id(from);

	for (unsigned i = 0; i < n; i++) {
		uint32_t owner = shm_id(to);

		atomic_compare_exchange_strong(&from->group->owner[d[i].at / SHM_BUFFER], &owner,
		                               walked);
	}
	while (atomic_load_explicit(&to->gathers, memory_order_acquire))
		SPIN_WAIT();
	for (unsigned i = 0; i < n; i++) {
		if (shm_owner(from->group, d[i].at / SHM_BUFFER) == walked)
			continue;
		from->back[from->nback++] = to->spare[--to->nspare];
		from->nhanded++;
	}
}

static void refuse(struct shm_member *m, struct vnet_core *core, struct vnet_frame *const *frames,
                   unsigned n, enum vnet_drop why)
{
	for (unsigned i = 0; i < n; i++)
		vnet_refuse(core, m->port, frames[i], why);
}

/* Puts what a run has given to its receiver, `d` on, into the ring; the receiver's lock is held. */
static void put_run(struct shm_run *run, const struct shm_desc *d)
{
	/* If it has stopped meanwhile, its buffers go where its others do. */
	if (shm_put(run->to, d, run->n))
		count_add(&run->to->count[SHM_COUNT_handed], run->n);
	run->to = NULL;
}

/*
 * Puts what earlier walks of the batch have given to the receiver into its ring, its lock held:
 * nobody else reads those frames any more.  Those of the walk in progress may have other
 * destinations yet.
 */
static __attribute__((noinline)) void put_earlier(struct shm_member *from, struct shm_member *to,
                                                  uint32_t walk)
{
	const struct shm_desc *d = from->given;

	for (unsigned i = 0; i < from->nruns; d += from->run[i++].n)
		if (from->run[i].to == to && from->run[i].walk != walk)
			put_run(&from->run[i], d);
}

/*
 * Hands the frames of a member's batch over as they are.  False: not all of them are such that go
 * to their first destination, and none was: then all are copied, so that their order is kept.  The
 * copies are in the ring before what is handed over when the walk has returned, and behind what
 * earlier walks of the batch have given.
 */
static inline bool hand_over(struct shm_member *from, struct shm_member *to, struct vnet_core *core,
                             struct vnet_frame *const *frames, unsigned n, unsigned *delivered)
{
	const uint32_t walk = vnet_core_walk(core);
	enum vnet_drop why = VNET_DROP_rx_full;
	unsigned fit = 0, done;

	spin_lock(&to->lock);
	if (__builtin_expect(shm_ready(to), 1))
		fit = shm_receivable(to, n);
	else
		why = VNET_DROP_port_down;
	done = exchange(from, to, frames, fit);
	if (__builtin_expect(done < fit, 0)) {
		exchange_undo(from, to, done);
		put_earlier(from, to, walk);
		spin_unlock(&to->lock);
		return false;
	}
	exchange_commit(from, to, done, walk);
	spin_unlock(&to->lock);
	refuse(to, core, frames + done, n - done, why);
	*delivered = done;
	return true;
}

unsigned shm_egress(struct vnet_port *port, struct vnet_core *core,
                    struct vnet_frame *const *frames, unsigned n)
{
	struct shm_member *to = port->dev;
	struct shm_member *from = sender_of(to->group, core, frames[0]);
	unsigned delivered;

	if (from && hand_over(from, to, core, frames, n, &delivered))
		return delivered;
	return shm_copy(to, core, frames, n);
}

/* Whether the member wants to be notified of a head that moved from `was` to `now`. */
static inline bool wants_notice(const struct shm_member *m, uint32_t was, uint32_t now)
{
	uint32_t event = atomic_load(&m->shared->in.event);

	return now - event - 1 < now - was;
}

bool shm_put(struct shm_member *m, const struct shm_desc *desc, unsigned n)
{
	uint32_t was = m->in_head, place = was & m->mask, straight = m->mask + 1 - place;
	struct shm_desc *ring = m->shared->in_ring;

	m->incoming -= n;
	if (__builtin_expect(!shm_ready(m), 0))
		return false;
	if (straight > n)
		straight = n;
	memcpy(&ring[place], desc, straight * sizeof *desc);
	if (straight < n)
		memcpy(ring, desc + straight, (n - straight) * sizeof *desc);
	m->in_head = was + n;
	/* A release, and a full barrier: the member writes its event and then reads the head, so
	 * that one of the two sees what the other wrote. */
	atomic_exchange(&m->shared->in.head, m->in_head);
	if (wants_notice(m, was, m->in_head))
		shm_notify(m);
	return true;
}

void shm_put_given(struct shm_member *from)
{
	const struct shm_desc *d = from->given;

	for (unsigned i = 0; i < from->nruns; d += from->run[i++].n) {
		struct shm_member *to = from->run[i].to;

		if (!to)
			continue;
		spin_lock(&to->lock);
		put_run(&from->run[i], d);
		spin_unlock(&to->lock);
	}
	from->nruns = from->ngiven = 0;
}

unsigned shm_room(const struct vnet_port *port)
{
	struct shm_member *m = port->dev;
	unsigned room = 0;

	spin_lock(&m->lock);
	if (shm_ready(m))
		room = shm_receivable(m, m->group->share);
	spin_unlock(&m->lock);
	return room;
}

/* --- frames of SHM_TO ----------------------------------------------------------------------- */

/* Hands over as many of n entries, all for `to`, as it can receive: nobody else has got them. */
static unsigned give_direct(struct shm_member *from, struct shm_member *to,
                            const struct shm_desc *d, unsigned n)
{
	struct shm_group *g = to->group;
	unsigned fit = 0;

	spin_lock(&to->lock);
	if (shm_ready(to))
		fit = shm_receivable(to, n);
	for (unsigned i = 0; i < fit; i++)
		give(&from->given[from->ngiven + i], g, shm_id(to), d[i].at, d[i].length);
	exchange_commit(from, to, fit, 0); /* put before any walk */
	spin_unlock(&to->lock);
	return fit;
}

/* What is lost counts at the sender: not being in the walk, it may not use another's port. */
void shm_send_direct(struct shm_member *from)
{
	unsigned first = 0;

	while (first < from->ndirect) {
		struct shm_member *to = atomic_load(&from->group->member[from->direct[first].to]);
		unsigned next = first + 1, done = 0;

		while (next < from->ndirect && from->direct[next].to == from->direct[first].to)
			next++;
		if (to)
			done = give_direct(from, to, &from->direct[first], next - first);
		count_add(&from->count[SHM_COUNT_direct], done);
		count_add(&from->count[SHM_COUNT_direct_lost], next - first - done);
		first = next;
	}
}
