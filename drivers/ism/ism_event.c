/* SPDX-License-Identifier: BSD-2-Clause */
/* ism_event.c: the queue of events for a guest's driver. */
#include <string.h>
#include "drivers/ism/ism_parts.h"

/* The driver may write anything into the area: the count of what it has read decides only whether
 * this event is lost. */
static void put(struct ism *to, const struct ism_event *e)
{
	struct ism_area *a = to->area;
	uint32_t n = __atomic_load_n(&a->events, __ATOMIC_RELAXED);

	if (n - __atomic_load_n(&a->events_read, __ATOMIC_ACQUIRE) >= ISM_EVENTS) {
		ism_count(to, ISM_COUNT_events_lost);
		__atomic_fetch_add(&a->events_lost, 1, __ATOMIC_RELEASE);
		return;
	}
	ism_count(to, ISM_COUNT_events);
	memcpy(&a->event[n % ISM_EVENTS], e, sizeof *e);
	__atomic_store_n(&a->events, n + 1, __ATOMIC_RELEASE);
}

void ism_event_post(struct ism *to, const struct ism_event *e)
{
	spin_lock(&to->event_lock);
	if (to->takes_events) {
		put(to, e);
		if (!__atomic_exchange_n(&to->area->event_flag, 1, __ATOMIC_ACQ_REL))
			vpci_msix_send(&to->pci, 0);
	}
	spin_unlock(&to->event_lock);
}

void ism_events_start(struct ism *d)
{
	spin_lock(&d->event_lock);
	d->area->events = d->area->events_read = d->area->events_lost = d->area->event_flag = 0;
	d->takes_events = true;
	spin_unlock(&d->event_lock);
}

void ism_events_stop(struct ism *d)
{
	spin_lock(&d->event_lock);
	d->takes_events = false;
	spin_unlock(&d->event_lock);
}
