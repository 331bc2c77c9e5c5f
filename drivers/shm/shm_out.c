/* SPDX-License-Identifier: BSD-2-Clause */
/* shm_out.c: a member sends: what it put into `out` is checked, and becomes a batch of frames. */
#include <string.h>
#include "drivers/shm/shm_parts.h"

#define BROKEN (-1)

/* An entry of `out`, read once, since the member may change it at any time. */
typedef uint64_t __attribute__((may_alias)) word;

/* The buffer goes back. */
static void drop(struct shm_member *m, uint32_t buffer)
{
	shm_set_owner(m->group, buffer, SHM_OF_VMM);
	m->back[m->nback++] = (uint16_t)buffer;
	count_add(&m->count[SHM_COUNT_dropped], 1);
}

/* The frame goes straight to another member. */
static void take_direct(struct shm_member *m, const struct shm_desc *d)
{
	m->direct[m->ndirect++] = *d;
	m->taken[m->ntaken++] = d->at;
	shm_set_owner(m->group, d->at / SHM_BUFFER, SHM_IN_WALK | shm_id(m));
}

/* Any rule that the entry breaks. */
static enum shm_error check_entry(const struct shm_member *m, const struct shm_desc *d)
{
	uint32_t buffer = d->at / SHM_BUFFER;

	if (buffer >= m->group->buffers)
		return SHM_E_out_of_region;
	if (shm_owner(m->group, buffer) != shm_id(m))
		return SHM_E_wrong_owner;
	if (d->action > SHM_OUT || d->to >= (d->action == SHM_TO ? m->group->seats : 1))
		return SHM_E_bad_action;
	if (d->action != SHM_DROP && d->at % SHM_BUFFER + d->length > SHM_BUFFER)
		return SHM_E_bad_length;
	return SHM_OK;
}

/*
 * Any entry but a good one of SHM_NEXT.  False: the batch ends before it.  It breaks a rule, *why,
 * or it is one of SHM_TO behind frames for the switch: those of a batch go first, so that all that
 * goes to one receiver keeps its order; or one of SHM_OUT, which are batches of their own.
 */
static __attribute__((noinline)) bool take_other(struct shm_member *m, uint64_t entry, bool first,
                                                 enum shm_error *why)
{
	struct shm_desc d;

	__builtin_memcpy(&d, &entry, sizeof d);
	*why = check_entry(m, &d);
	/* A good one has become the member's only since it was refused. */
	if (*why == SHM_OK && d.action == SHM_NEXT)
		*why = SHM_E_wrong_owner;
	if (*why != SHM_OK)
		return false;
	if (d.action == SHM_DROP)
		drop(m, d.at / SHM_BUFFER);
	else if (first && d.action == SHM_TO)
		take_direct(m, &d);
	return (first && d.action != SHM_OUT) || d.action == SHM_DROP;
}

/* A frame in one piece that asks for no offload. */
static inline void make_frame(struct vnet_frame *f, struct vnet_seg *seg, uint8_t *base,
                              uint32_t length)
{
	__builtin_prefetch(base); /* the switch reads the addresses */
	seg->base = base;
	seg->len = length;
	f->seg = seg;
	f->len = length;
	f->nseg = 1;
	f->contiguous_head = true; /* the switch looks at the length before */
	f->hdr = (struct vnet_hdr){0};
}

/*
 * Turns entries into frames of the batch, until `stop` or one that ends the batch; returns where
 * that was.  A function of its own, with everything that does not change in registers.
 */
static __attribute__((noinline)) const struct shm_desc *
take_entries(struct shm_member *m, struct vnet_batch *b, const struct shm_desc *d,
             const struct shm_desc *stop, enum shm_error *why)
{
	struct shm_group *const g = m->group;
	const uint32_t id = shm_id(m);
	struct vnet_frame *f = b->frame + b->n;
	struct vnet_seg *seg = b->seg + b->n;
	uint32_t *taken = m->taken + m->ntaken;

	for (; d < stop; d++) {
		/* With an action or a receiver it is longer than any buffer. */
		uint64_t entry = *(const volatile word *)d, length = entry >> 32;
		uint64_t at = (uint32_t)entry, buffer = at / SHM_BUFFER;

		if (__builtin_expect(at % SHM_BUFFER + length > SHM_BUFFER || at >= g->bytes ||
		                         shm_owner(g, buffer) != id,
		                     0)) {
			m->ntaken = (unsigned)(taken - m->taken);
			if (!take_other(m, entry, f == b->frame, why))
				break;
			taken = m->taken + m->ntaken;
			continue;
		}
		shm_set_owner(g, buffer, id | SHM_IN_WALK);
		*taken++ = (uint32_t)at;
		make_frame(f++, seg++, g->buffer + at, (uint32_t)length);
	}
	m->ntaken = (unsigned)(taken - m->taken);
	b->n = b->nseg = (unsigned)(f - b->frame);
	return d;
}

/* Makes a batch of the next entries of SHM_OUT, `max` at most; as gather_batch(). */
static __attribute__((noinline)) uint32_t gather_leaving(struct shm_member *m, struct vnet_batch *b,
                                                         uint32_t max, enum shm_error *why)
{
	struct shm_group *g = m->group;
	struct shm_desc d;

	for (; b->n < max; b->n++) {
		const struct shm_desc *at = &m->shared->out_ring[(m->out_tail + b->n) & m->mask];
		uint64_t entry = *(const volatile word *)at;

		__builtin_memcpy(&d, &entry, sizeof d);
		*why = check_entry(m, &d);
		if (*why != SHM_OK || d.action != SHM_OUT)
			break;
		shm_set_owner(g, d.at / SHM_BUFFER, SHM_IN_WALK | shm_id(m));
		m->taken[m->ntaken++] = d.at;
		make_frame(&b->frame[b->n], &b->seg[b->n], g->buffer + d.at, d.length);
	}
	/* What is not one of them now, the next batch has. */
	if (b->n)
		*why = SHM_OK;
	b->nseg = b->n;
	m->leaving = true;
	count_add(&m->count[SHM_COUNT_out], b->n);
	return b->n;
}

/* How many entries wait in `out`; more than it has: the member broke a rule. */
static inline uint32_t waiting(struct shm_member *m)
{
	/* Acquire: the entries and the frames are read after the index. */
	m->out_seen = atomic_load_explicit(&m->shared->out.head, memory_order_acquire);
	return m->out_seen - m->out_tail;
}

/* Makes a batch of up to `max` entries.  Returns how many were taken; *why is set if the next one
 * breaks a rule. */
static uint32_t gather_batch(struct shm_member *m, struct vnet_batch *b, uint32_t max,
                             enum shm_error *why)
{
	const struct shm_desc *ring = m->shared->out_ring, *first, *stop;
	uint32_t n = waiting(m), place = m->out_tail & m->mask, straight = m->mask + 1 - place;

	*why = n > m->group->entries ? SHM_E_ring_broken : SHM_OK;
	if (*why != SHM_OK)
		return 0;
	n = n < max ? n : max;
	straight = straight < n ? straight : n;
	b->n = b->nseg = 0;
	b->position = m->out_tail;
	first = ring + place;
	stop = take_entries(m, b, first, first + straight, why);
	if (__builtin_expect(stop == first && n && *why == SHM_OK, 0))
		return gather_leaving(m, b, n, why);
	if (stop != first + straight || straight == n)
		return (uint32_t)(stop - first);
	return straight + (uint32_t)(take_entries(m, b, ring, ring + n - straight, why) - ring);
}

/* Buffers that nobody took become empty ones that the member gets back. */
static void collect_untaken(struct shm_member *m)
{
	struct shm_group *g = m->group;
	uint32_t walked = SHM_IN_WALK | shm_id(m);

	if (m->nhanded == m->ntaken)
		return;
	for (unsigned i = 0; i < m->ntaken; i++) {
		uint32_t buffer = m->taken[i] / SHM_BUFFER;

		if (shm_owner(g, buffer) == walked) {
			shm_set_owner(g, buffer, SHM_OF_VMM);
			m->back[m->nback++] = (uint16_t)buffer;
		}
	}
}

/* The walk has returned: the frames go to their receivers, and empty buffers back to the sender. */
static void finish_batch(struct shm_member *m, uint32_t taken)
{
	m->out_tail += taken;
	collect_untaken(m);
	shm_put_given(m);
	spin_lock(&m->lock);
	memcpy(&m->spare[m->nspare], m->back, m->nback * sizeof *m->back);
	m->nspare += m->nback;
	if (shm_ready(m))
		shm_refill(m);
	spin_unlock(&m->lock);
	atomic_store_explicit(&m->shared->out.tail, m->out_tail, memory_order_release);
}

/*
 * Sends one batch; gate held.  Returns how many entries were taken, or BROKEN.  What was good
 * before an entry that breaks a rule is sent.
 */
static int send_batch(struct shm_member *m, struct vnet_core *core, uint32_t max)
{
	struct vnet_batch *b = vnet_core_batch(core);
	enum shm_error why;
	uint32_t taken;

	m->ntaken = m->nhanded = m->nback = m->ndirect = 0;
	m->leaving = false;
	/* A full barrier: a core that takes a buffer from the member's name (exchange_undo())
	 * either is seen here, or sees this and waits. */
	atomic_exchange(&m->gathers, true);
	taken = gather_batch(m, b, max < VNET_BATCH ? max : VNET_BATCH, &why);
	atomic_store_explicit(&m->gathers, false, memory_order_release);
	if (taken) {
		atomic_store_explicit(&m->walking, b, memory_order_relaxed);
		/* These have one receiver each: nothing is to be waited for.  So they are in its
		 * ring before a copy of a later frame is. */
		if (m->ndirect) {
			shm_send_direct(m);
			shm_put_given(m);
		}
		if (__builtin_expect(m->leaving, 0))
			vnet_input_leaving(core, m->port, b);
		else if (b->n)
			vnet_input(core, m->port, b);
		atomic_store_explicit(&m->walking, NULL, memory_order_relaxed);
		finish_batch(m, taken);
	}
	if (__builtin_expect(why == SHM_OK, 1))
		return (int)taken;
	if (shm_ready(m))
		shm_break(m, why);
	return BROKEN;
}

/* Asks the member to ring for its next entry, then looks once more.  True: there is one. */
static bool arm(struct shm_member *m)
{
	/* A full barrier: the member moves its head and then reads the event, so that one of the
	 * two sees what the other wrote. */
	atomic_store(&m->shared->out.event, m->out_tail);
	return atomic_load(&m->shared->out.head) != m->out_tail;
}

/* Empty buffers for a member that has none to send. */
static void refill_now(struct shm_member *m)
{
	spin_lock(&m->lock);
	if (shm_ready(m))
		shm_refill(m);
	spin_unlock(&m->lock);
}

/*
 * One visit, gate held: sends one batch; asks for the doorbell when nothing is left, and returns
 * true when something is.  It sends no second batch: another of the guest's cores may fill the
 * ring as fast as this one empties it.
 */
static bool send_visit(struct shm_member *m, struct vnet_core *core)
{
	int taken;

	if (!shm_ready(m))
		return false;
	taken = send_batch(m, core, VNET_BATCH);
	if (taken == 0)
		refill_now(m);
	if (taken == BROKEN || !shm_ready(m))
		return false;
	return m->out_seen != m->out_tail || arm(m);
}

/* The doorbell of a member that is polled: it wants empty buffers, or wakes the core that polls;
 * as virtio_net_kick(). */
static __attribute__((noinline)) void polled_kick(struct shm_member *m)
{
	struct vnet_core *core = vnet_this_core();

	refill_now(m);
	if (vnet_port_mode(m->port) != VNET_ADAPTIVE || !vgate_enter(&m->gate))
		return;
	if (shm_ready(m) && send_batch(m, core, VNET_BATCH) > 0)
		vnet_wake(core);
	if (vgate_leave(&m->gate))
		return;
	vgate_unlock(&m->gate);
	vpci_schedule_work(&m->pci);
}

void shm_member_kick(struct shm_member *m)
{
	bool left;

	if (!shm_ready(m))
		return;
	if (vnet_port_mode(m->port) != VNET_KICK) {
		polled_kick(m);
		return;
	}
	if (!vgate_enter(&m->gate))
		return; /* the core that holds the gate arranges a visit, or polls */
	left = send_visit(m, vnet_this_core());
	if (!left && vgate_leave(&m->gate))
		return;
	/* The next visit also serves doorbells that came meanwhile. */
	vgate_unlock(&m->gate);
	vpci_schedule_work(&m->pci);
}

unsigned shm_poll(void *dev, struct vnet_core *core, unsigned budget)
{
	struct shm_member *m = dev;
	int taken = 0;

	if (vnet_port_mode(m->port) == VNET_KICK || !vgate_trylock(&m->gate))
		return 0;
	/* An idle ring is left at once. */
	if (shm_ready(m) && waiting(m))
		taken = send_batch(m, core, budget);
	/* A mark set while the mode changed to VNET_KICK may go: the mode's changer kicks once
	 * more. */
	vgate_unlock(&m->gate);
	return taken > 0 ? (unsigned)taken : 0;
}

bool shm_arm(void *dev, bool on)
{
	struct shm_member *m = dev;

	if (!vgate_trylock(&m->gate))
		return on;
	/* A doorbell that came since then found the gate closed, and marked it. */
	if (on && (!shm_ready(m) || !arm(m)) && vgate_leave(&m->gate))
		return false;
	/* An event index that the member has passed asks for nothing: it need not be taken back. */
	vgate_unlock(&m->gate);
	return on;
}
