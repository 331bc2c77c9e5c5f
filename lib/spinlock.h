/* SPDX-License-Identifier: BSD-2-Clause */
/* spinlock.h: a ticket lock, first come, first served: no core can starve another. */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H
#include <stdatomic.h>
#include <stdbool.h>

/* What a core does while it waits.  Host programs are built with sched_yield(): there the holder
 * may be a preempted thread, which must be scheduled to release the lock. */
#ifndef SPIN_WAIT
#define SPIN_WAIT __builtin_ia32_pause
#endif

struct spinlock {
	_Atomic unsigned next, owner;
};

static inline void spin_lock(struct spinlock *l)
{
	unsigned mine = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);

	while (atomic_load_explicit(&l->owner, memory_order_acquire) != mine)
		SPIN_WAIT();
}

/* True: the lock was free and is the caller's now. */
static inline bool spin_try(struct spinlock *l)
{
	unsigned owner = atomic_load_explicit(&l->owner, memory_order_relaxed), next = owner;

	return atomic_compare_exchange_strong_explicit(&l->next, &next, owner + 1,
	                                               memory_order_acquire, memory_order_relaxed);
}

static inline void spin_unlock(struct spinlock *l)
{
	unsigned owner = atomic_load_explicit(&l->owner, memory_order_relaxed);

	atomic_store_explicit(&l->owner, owner + 1, memory_order_release);
}
#endif
