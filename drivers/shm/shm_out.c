/* SPDX-License-Identifier: BSD-2-Clause */
/* shm_out.c: a member sends: what it put into `out` is checked, and becomes a batch of frames. */
#include "drivers/shm/shm_parts.h"

#define BROKEN (-1)

/* An entry of `out` as it was read: each word once, so that the member cannot change it later. */
struct entry {
	uint64_t place, action; /* buffer, offset, length; action, flags, to, mark */
};

typedef uint64_t __attribute__((may_alias)) word;

static inline struct entry read_entry(const struct shm_desc *d)
{
	const volatile word *w = (const volatile word *)d;

	return (struct entry){w[0], w[1]};
}

static inline uint32_t entry_offset(const struct entry *e)
{
	return (uint16_t)(e->place >> 32);
}

static inline uint32_t entry_length(const struct entry *e)
{
	return (uint32_t)(e->place >> 48);
}

/* The action, and above it the flags, of which there are none. */
static inline uint32_t entry_action(const struct entry *e)
{
	return (uint16_t)e->action;
}

/* A buffer's state while its frame is in the walk, with the entry's mark. */
static inline uint64_t in_walk(const struct shm_member *m, const struct entry *e)
{
	return (e->action & ~0xffffffffull) | SHM_IN_WALK | shm_owner(m);
}

/* Checks an entry for what each action needs: that the buffer is the member's. */
static inline enum shm_error check_buffer(const struct shm_member *m, const struct entry *e)
{
	const struct shm_group *g = m->group;
	uint32_t buffer = (uint32_t)e->place;

	if (__builtin_expect(buffer >= g->buffers, 0))
		return SHM_E_out_of_region;
	if (__builtin_expect((uint16_t)shm_state(g, buffer) != shm_owner(m), 0))
		return SHM_E_wrong_owner;
	return SHM_OK;
}

static inline bool fits_buffer(const struct entry *e)
{
	return entry_length(e) != 0 && entry_offset(e) + entry_length(e) <= SHM_BUFFER;
}

/* The switch reads the frame's addresses from here. */
static inline void make_frame(const struct shm_group *g, const struct entry *e,
                              struct vnet_frame *f, struct vnet_seg *seg)
{
	uint32_t length = entry_length(e);

	seg->base = g->buffer + (uint64_t)(uint32_t)e->place * SHM_BUFFER + entry_offset(e);
	__builtin_prefetch(seg->base);
	seg->len = length;
	f->seg = seg;
	f->len = length;
	f->nseg = 1;
	f->contiguous_head = length >= VNET_FRAME_MIN;
	f->hdr = (struct vnet_hdr){0};
}

/* What is not a frame for the switch. */
static __attribute__((noinline)) enum shm_error take_other(struct shm_member *m,
                                                           const struct entry *e)
{
	struct shm_group *g = m->group;
	uint32_t buffer = (uint32_t)e->place;
	struct shm_desc *d = &m->direct[m->ndirect];

	if (entry_action(e) == SHM_DROP) {
		shm_set_state(g, buffer, SHM_OF_VMM);
		m->back[m->nback++] = (uint16_t)buffer;
		count_add(&m->count[SHM_COUNT_dropped], 1);
		return SHM_OK;
	}
	if (entry_action(e) != SHM_TO || (uint16_t)(e->action >> 16) >= g->seats)
		return SHM_E_bad_action;
	if (!fits_buffer(e))
		return SHM_E_bad_length;
	__builtin_memcpy(d, e, sizeof *d);
	m->ndirect++;
	shm_set_state(g, buffer, in_walk(m, e));
	m->taken[m->ntaken++] = (uint16_t)buffer;
	return SHM_OK;
}

/* Takes one entry; the frame becomes *f.  True: it is one for the switch.  *why is set if the
 * member broke a rule, which the entry then changes nothing for. */
static inline bool take_entry(struct shm_member *m, const struct entry *e, struct vnet_frame *f,
                              struct vnet_seg *seg, enum shm_error *why)
{
	*why = check_buffer(m, e);
	if (__builtin_expect(*why != SHM_OK, 0))
		return false;
	if (__builtin_expect(entry_action(e) != SHM_NEXT, 0)) {
		*why = take_other(m, e);
		return false;
	}
	if (__builtin_expect(!fits_buffer(e), 0)) {
		*why = SHM_E_bad_length;
		return false;
	}
	shm_set_state(m->group, (uint32_t)e->place, in_walk(m, e));
	m->taken[m->ntaken++] = (uint16_t)e->place;
	make_frame(m->group, e, f, seg);
	return true;
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
	const struct shm_desc *ring = m->shared->out_ring;
	struct vnet_frame *f = b->frame;
	struct vnet_seg *seg = b->seg;
	uint32_t n = waiting(m), i;

	*why = n > m->group->entries ? SHM_E_ring_broken : SHM_OK;
	if (*why != SHM_OK)
		return 0;
	n = n < max ? n : max;
	for (i = 0; i < n; i++) {
		struct entry e = read_entry(&ring[(m->out_tail + i) & m->mask]);

		if (__builtin_expect(take_entry(m, &e, f, seg, why), 1)) {
			f++;
			seg++;
		} else if (*why != SHM_OK) {
			break;
		}
	}
	b->n = b->nseg = (unsigned)(f - b->frame);
	b->position = m->out_tail;
	return i;
}

/* Buffers that nobody took become empty ones that the member gets back. */
static void collect_untaken(struct shm_member *m)
{
	struct shm_group *g = m->group;
	uint16_t walked = (uint16_t)(SHM_IN_WALK | shm_owner(m));

	if (m->ngiven == m->ntaken)
		return;
	for (unsigned i = 0; i < m->ntaken; i++)
		if ((uint16_t)shm_state(g, m->taken[i]) == walked) {
			shm_set_state(g, m->taken[i], SHM_OF_VMM);
			m->back[m->nback++] = m->taken[i];
		}
}

/* The walk has returned: the frames go to their receivers, and empty buffers back to the sender. */
static void finish_batch(struct shm_member *m, uint32_t taken)
{
	m->out_tail += taken;
	collect_untaken(m);
	shm_put_given(m);
	spin_lock(&m->lock);
	for (unsigned i = 0; i < m->nback; i++)
		m->spare[m->nspare++] = m->back[i];
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

	m->ntaken = m->ngiven = m->nback = m->ndirect = 0;
	taken = gather_batch(m, b, max < VNET_BATCH ? max : VNET_BATCH, &why);
	if (taken) {
		atomic_store_explicit(&m->walking, b, memory_order_relaxed);
		if (b->n)
			vnet_input(core, m->port, b);
		if (m->ndirect)
			shm_send_direct(m, core);
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
