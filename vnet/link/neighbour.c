/* SPDX-License-Identifier: BSD-2-Clause */
/* neighbour.c: see neighbour.h. */
#include "vnet/link/neighbour.h"

bool neighbour_ask(struct neighbour *n, uint64_t now)
{
	uint64_t asked = atomic_load_explicit(&n->asked, memory_order_relaxed);

	if (asked == now + 1 || !atomic_compare_exchange_strong(&n->asked, &asked, now + 1))
		return false;
	atomic_fetch_add_explicit(&n->unanswered, 1, memory_order_relaxed);
	return true;
}

bool neighbour_reply(struct neighbour *n, mac_t mac, uint64_t now)
{
	uint64_t asked = atomic_load_explicit(&n->asked, memory_order_relaxed);

	/* A clock that went back makes the difference huge. */
	if (!asked || now + 1 - asked > NEIGHBOUR_WAIT)
		return false;
	if (!atomic_compare_exchange_strong(&n->asked, &asked, 0))
		return false;
	atomic_store_explicit(&n->unanswered, 0, memory_order_relaxed);
	/* Before frames are looked for that wait for it (waiting.c). */
	atomic_store(&n->word, mac | now << NEIGHBOUR_SHIFT);
	return true;
}

bool neighbour_age(struct neighbour *n, uint64_t now)
{
	uint64_t word = atomic_load_explicit(&n->word, memory_order_relaxed);
	uint16_t age = (uint16_t)(now - (word >> NEIGHBOUR_SHIFT));

	/* A reply that comes now wins; the last request has a second to be answered, too. */
	if (word && atomic_load_explicit(&n->asked, memory_order_relaxed) != now + 1 &&
	    atomic_load_explicit(&n->unanswered, memory_order_relaxed) >= NEIGHBOUR_TRIES)
		atomic_compare_exchange_strong(&n->word, &word, 0);
	return !word || age >= NEIGHBOUR_FRESH;
}

struct neighbour *neighbour_find(struct neighbour *table, unsigned count, uint32_t address)
{
	for (unsigned i = 0; i < count; i++)
		if (atomic_load_explicit(&table[i].address, memory_order_relaxed) == address)
			return &table[i];
	return NULL;
}

struct neighbour *neighbour_hold(struct neighbour *table, unsigned count, uint32_t address)
{
	struct neighbour *n = neighbour_find(table, count, address);

	if (!n) {
		n = neighbour_find(table, count, 0);
		if (!n)
			return NULL;
		atomic_store(&n->asked, 0);
		atomic_store(&n->unanswered, 0);
		atomic_store(&n->word, 0);
		atomic_store(&n->awaited, false);
		atomic_store(&n->address, address);
	}
	n->users++;
	return n;
}

void neighbour_drop(struct neighbour *n)
{
	if (--n->users == 0)
		atomic_store(&n->address, 0);
}
