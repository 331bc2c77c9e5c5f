/* learn.c: learning, ageing and forgetting addresses. */
#include "vnet/learn.h"

bool learn_source(struct vnet_learn *l, mac_t mac, unsigned port)
{
	_Atomic uint64_t *bucket = learn_bucket(l, mac);
	uint64_t stamp = atomic_load_explicit(&l->stamp, memory_order_relaxed);
	uint64_t want = mac | (uint64_t)port << LEARN_PORT_SHIFT | stamp;
	uint64_t e;
	int free = -1;

	for (int i = 0; i < LEARN_WAYS; i++) {
		e = atomic_load_explicit(&bucket[i], memory_order_relaxed);
		if (!e && free < 0)
			free = i;
		if (!e || (e & MAC_MASK) != mac)
			continue;
		/* Another core may change the entry first: its news is as fresh as ours. */
		if (e != want)
			atomic_compare_exchange_strong(&bucket[i], &e, want);
		return true;
	}
	/* Another core may take the free place: then the next frame of this address tries again. */
	e = 0;
	if (free >= 0)
		atomic_compare_exchange_strong(&bucket[free], &e, want);
	return free >= 0;
}

void learn_forget_port(struct vnet_learn *l, unsigned port)
{
	_Atomic uint64_t *entry = &l->bucket[0][0];

	for (unsigned i = 0; i < LEARN_ENTRIES; i++) {
		uint64_t e = atomic_load_explicit(&entry[i], memory_order_relaxed);

		if (e && (e >> LEARN_PORT_SHIFT & (VNET_PORTS - 1)) == port)
			atomic_compare_exchange_strong(&entry[i], &e, 0);
	}
}

void learn_age(struct vnet_learn *l, uint64_t before, uint64_t now)
{
	_Atomic uint64_t *entry = &l->bucket[0][0];
	uint64_t quanta = now / LEARN_QUANTUM - before / LEARN_QUANTUM;
	/* Stamps are counted modulo 64; an age beyond their range cannot be told from a young one.
	 */
	bool all = now < before || quanta > LEARN_STAMPS - 1 - VNET_AGE / LEARN_QUANTUM;

	if (now / LEARN_QUANTUM == before / LEARN_QUANTUM)
		return;
	atomic_store_explicit(&l->stamp, learn_stamp(now), memory_order_relaxed);
	for (unsigned i = 0; i < LEARN_ENTRIES; i++) {
		uint64_t e = atomic_load_explicit(&entry[i], memory_order_relaxed);
		uint64_t age = (now / LEARN_QUANTUM - (e >> LEARN_STAMP_SHIFT)) % LEARN_STAMPS;

		if (e && (all || age > VNET_AGE / LEARN_QUANTUM))
			atomic_compare_exchange_strong(&entry[i], &e, 0);
	}
}
