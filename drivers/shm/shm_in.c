/* SPDX-License-Identifier: BSD-2-Clause */
/* shm_in.c: the switch delivers to a member; see shm.h. */
#include "drivers/shm/shm_parts.h"

/* The group's buffer that a frame lies in, if it is one piece; else one that there is not. */
static inline uint64_t buffer_of(const struct shm_group *g, const struct vnet_frame *f)
{
	uint64_t at = (uint64_t)((uintptr_t)f->seg->base - (uintptr_t)g->buffer);

	return f->nseg == 1 ? at / SHM_BUFFER : ~0ull;
}

/*
 * The member of the group whose batch this core walks, to which the frame belongs; NULL: it comes
 * from elsewhere.  A frame of another device may lie in the group's memory as well, and then the
 * buffer is not this core's to give away.
 */
static struct shm_member *sender_of(const struct shm_group *g, struct vnet_core *core,
                                    const struct vnet_frame *f)
{
	uint64_t buffer = buffer_of(g, f);
	struct shm_member *from;
	uint16_t state;

	if (buffer >= g->buffers)
		return NULL;
	state = (uint16_t)shm_state(g, (uint32_t)buffer);
	if (!(state & SHM_IN_WALK))
		return NULL;
	from = atomic_load_explicit(&g->member[(state & ~SHM_IN_WALK) - 1u], memory_order_relaxed);
	if (!from ||
	    atomic_load_explicit(&from->walking, memory_order_relaxed) != vnet_core_batch(core))
		return NULL;
	return from;
}

uint32_t shm_receivable(struct shm_member *m, uint32_t wanted)
{
	uint32_t entries = m->group->entries, used = m->in_head + m->incoming - m->in_tail;

	if (entries - used < wanted) {
		m->in_tail = atomic_load_explicit(&m->shared->in.tail, memory_order_acquire);
		used = m->in_head + m->incoming - m->in_tail;
		if (m->in_head - m->in_tail > entries) {
			shm_break(m, SHM_E_ring_broken);
			return 0;
		}
	}
	if (entries - used < wanted)
		wanted = entries - used;
	return wanted < m->nspare ? wanted : m->nspare;
}

/*
 * Exchanges the frame's buffer, which is `from`'s in this walk, for a spare one of the receiver's;
 * the receiver's lock is held.  False: the buffer went to another destination, or it is none.
 */
static inline bool exchange(struct shm_member *from, struct shm_member *to,
                            const struct vnet_frame *f)
{
	struct shm_group *g = to->group;
	uint64_t buffer = buffer_of(g, f), state;
	struct shm_desc *d = &from->given[from->ngiven];

	if (__builtin_expect(buffer >= g->buffers, 0))
		return false;
	state = shm_state(g, (uint32_t)buffer);
	if (__builtin_expect((uint16_t)state != (SHM_IN_WALK | shm_owner(from)), 0))
		return false;
	shm_set_state(g, (uint32_t)buffer, shm_owner(to));
	*d = (struct shm_desc){.buffer = (uint32_t)buffer,
	                       .offset = (uint16_t)((f->seg->base - g->buffer) % SHM_BUFFER),
	                       .length = (uint16_t)f->len,
	                       .mark = (uint32_t)(state >> 32)};
	from->given_to[from->ngiven++] = to;
	from->back[from->nback++] = to->spare[--to->nspare];
	return true;
}

/* Takes the last n exchanges back; the receiver's lock is held. */
static void exchange_back(struct shm_member *from, struct shm_member *to, unsigned n)
{
	for (; n; n--) {
		const struct shm_desc *d = &from->given[--from->ngiven];

		shm_set_state(to->group, d->buffer,
		              (uint64_t)d->mark << 32 | SHM_IN_WALK | shm_owner(from));
		to->spare[to->nspare++] = from->back[--from->nback];
	}
}

static void refuse(struct shm_member *m, struct vnet_core *core, struct vnet_frame *const *frames,
                   unsigned n, enum vnet_drop why)
{
	for (unsigned i = 0; i < n; i++)
		vnet_refuse(core, m->port, frames[i], why);
}

/*
 * Hands the frames of a member's batch over as they are.  False: not all of them are such that go
 * to their first destination, and nothing was done: then all are copied, so that their order is
 * kept.  The copies are in the ring before what is handed over when the walk has returned.
 */
static inline bool hand_over(struct shm_member *from, struct shm_member *to, struct vnet_core *core,
                             struct vnet_frame *const *frames, unsigned n, unsigned *delivered)
{
	enum vnet_drop why = VNET_DROP_rx_full;
	unsigned done = 0, fit = 0;

	spin_lock(&to->lock);
	if (__builtin_expect(shm_ready(to), 1))
		fit = shm_receivable(to, n);
	else
		why = VNET_DROP_port_down;
	while (done < fit && exchange(from, to, frames[done]))
		done++;
	if (__builtin_expect(done < fit, 0)) {
		exchange_back(from, to, done);
		spin_unlock(&to->lock);
		return false;
	}
	to->incoming += done;
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
	struct shm_desc *ring = m->shared->in_ring;
	uint32_t was = m->in_head;

	m->incoming -= n;
	if (__builtin_expect(!shm_ready(m), 0))
		return false;
	for (unsigned i = 0; i < n; i++)
		ring[(was + i) & m->mask] = desc[i];
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
	unsigned first = 0;

	while (first < from->ngiven) {
		struct shm_member *to = from->given_to[first];
		unsigned next = first + 1;

		while (next < from->ngiven && from->given_to[next] == to)
			next++;
		spin_lock(&to->lock);
		/* If it has stopped meanwhile, its buffers go where its others do. */
		if (shm_put(to, &from->given[first], next - first))
			count_add(&to->count[SHM_COUNT_handed], next - first);
		spin_unlock(&to->lock);
		first = next;
	}
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

/* Hands over as many of n entries, all for `to`, as it can receive. */
static unsigned give_direct(struct shm_member *from, struct shm_member *to,
                            const struct shm_desc *d, unsigned n)
{
	const struct shm_group *g = to->group;
	unsigned fit = 0;

	spin_lock(&to->lock);
	if (shm_ready(to))
		fit = shm_receivable(to, n);
	for (unsigned i = 0; i < fit; i++) {
		struct vnet_seg seg = {g->buffer + (uint64_t)d[i].buffer * SHM_BUFFER + d[i].offset,
		                       d[i].length};

		exchange(from, to,
		         &(struct vnet_frame){.seg = &seg, .len = d[i].length, .nseg = 1});
	}
	to->incoming += fit;
	spin_unlock(&to->lock);
	return fit;
}

static void lost_direct(struct vnet_core *core, struct shm_member *from, struct shm_member *to,
                        unsigned n)
{
	for (; n; n--) {
		if (to && to->port)
			vnet_drop(core, to->port,
			          shm_ready(to) ? VNET_DROP_rx_full : VNET_DROP_port_down);
		else
			vnet_drop(core, from->port, VNET_DROP_port_down);
	}
}

void shm_send_direct(struct shm_member *from, struct vnet_core *core)
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
		lost_direct(core, from, to, next - first - done);
		first = next;
	}
}
