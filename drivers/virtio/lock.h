/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.h: the order of the devices' spin locks, and the gate of a TX ring.
 *
 * A core that holds a lock never sleeps and never waits for a guest.  Order, outermost first:
 *
 *   vpci.lock -> virtio_pci.lock -> a TX ring's gate -> an RX ring's lock -> vpci_dev.msix_lock
 *
 * At most one RX lock is held at a time, so a frame may go from A to B while one goes from B to A.
 */
#ifndef DRIVERS_VIRTIO_LOCK_H
#define DRIVERS_VIRTIO_LOCK_H
#include <stdatomic.h>
#include <stdbool.h>
#include "lib/spinlock.h"

/*
 * A gate: a lock that a second core does not wait for; it sets a mark, and the holder, when it
 * leaves, finds the mark and arranges one more visit (a pass over the ring).  No visit is lost:
 * setting the mark and leaving change one atomic word, so one of them happens first.
 */
struct vgate {
	atomic_uint state; /* 0 free, 1 held, 2 held and marked */
};

/* True: the caller holds the gate.  False: another core does, and arranges one more visit. */
static inline bool vgate_enter(struct vgate *g)
{
	for (;;) {
		unsigned was = 0;

		if (atomic_compare_exchange_strong(&g->state, &was, 1))
			return true;
		if (was == 2 || atomic_compare_exchange_strong(&g->state, &was, 2))
			return false;
	}
}

/* True: released.  False: marked; the caller still holds the gate and must arrange one more visit.
 */
static inline bool vgate_leave(struct vgate *g)
{
	unsigned was = 1;

	if (atomic_compare_exchange_strong(&g->state, &was, 0))
		return true;
	atomic_store(&g->state, 1);
	return false;
}

/* True: the caller holds the gate.  False: another core does; no mark is set. */
static inline bool vgate_trylock(struct vgate *g)
{
	unsigned was = 0;

	return atomic_compare_exchange_strong(&g->state, &was, 1);
}

/* Waits until the gate is free, and holds it; to be released by vgate_unlock(). */
static inline void vgate_lock(struct vgate *g)
{
	while (!vgate_trylock(g))
		__builtin_ia32_pause();
}

/* Releases the gate and clears the mark: for a caller after whom the ring is looked at anyway. */
static inline void vgate_unlock(struct vgate *g)
{
	atomic_store_explicit(&g->state, 0, memory_order_release);
}
#endif
