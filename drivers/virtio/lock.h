/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.h: the order of the devices' spin locks, and the gate of a TX ring.
 *
 * Holders never sleep and never wait for a guest.  Order, outermost first:
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
 * A gate: a lock whose second visitor does not wait but leaves a mark, and whose holder, on the way
 * out, finds it and sees to one visit more.  No visit is lost: the mark and the holder's leaving
 * are changes of one atomic word, so one of the two happens first.
 */
struct vgate {
	atomic_uint state; /* 0 free, 1 held, 2 held and marked */
};

/* True: the caller holds the gate.  False: somebody else does and sees to one visit more. */
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

/* True: left.  False: there was a mark; the caller still holds the gate and sees to one visit more.
 */
static inline bool vgate_leave(struct vgate *g)
{
	unsigned was = 1;
	if (atomic_compare_exchange_strong(&g->state, &was, 0))
		return true;
	atomic_store(&g->state, 1);
	return false;
}

/* True: the caller holds the gate.  False: somebody else does; no mark is left. */
static inline bool vgate_try(struct vgate *g)
{
	unsigned was = 0;
	return atomic_compare_exchange_strong(&g->state, &was, 1);
}

/* Waits until nobody is inside, and holds the gate; to be left by vgate_open(). */
static inline void vgate_close(struct vgate *g)
{
	while (!vgate_try(g))
		__builtin_ia32_pause();
}

/* Leaves and forgets marks: for a holder after whom somebody looks again anyway. */
static inline void vgate_open(struct vgate *g)
{
	atomic_store_explicit(&g->state, 0, memory_order_release);
}
#endif
