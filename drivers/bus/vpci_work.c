/* SPDX-License-Identifier: BSD-2-Clause */
/* vpci_work.c: devices' deferred work, one visit at a time; see vpci.h. */
#include "drivers/bus/vpci.h"

void vpci_schedule_work(struct vpci_dev *d)
{
	struct vpci *p = d->bus;

	/* Release: the core that clears the bit sees the device's record of what is left. */
	atomic_fetch_or_explicit(&p->left, 1u << d->slot, memory_order_release);
	if (p->resume)
		p->resume(p->ctx);
}

/* Round robin from the slot served last, so that no device starves. */
static unsigned next_slot(uint32_t left, unsigned last)
{
	uint32_t above = last + 1 < VPCI_SLOTS ? left & ~0u << (last + 1) : 0;

	return (unsigned)__builtin_ctz(above ? above : left);
}

bool vpci_work(struct vpci *p)
{
	uint32_t left = atomic_load_explicit(&p->left, memory_order_relaxed);
	struct vpci_dev *d;
	unsigned slot;

	if (!left)
		return false;
	slot = next_slot(left, atomic_load_explicit(&p->served, memory_order_relaxed));
	atomic_store_explicit(&p->served, slot, memory_order_relaxed);
	/* Another vCPU may have cleared the bit meanwhile. */
	if (atomic_fetch_and_explicit(&p->left, ~(1u << slot), memory_order_acquire) & 1u << slot) {
		d = p->dev[slot];
		if (d && d->ops->work)
			d->ops->work(d);
	}
	return atomic_load_explicit(&p->left, memory_order_relaxed) != 0;
}
