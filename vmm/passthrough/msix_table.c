/* SPDX-License-Identifier: BSD-2-Clause */
/* msix_table.c: keeps a physical device's MSI-X table in step with the guest's copy; see
 * passthrough/msix_table.h. */
#include "vmm/passthrough/msix_table.h"

#define MASKED 1u /* in an entry's control word; its other bits are reserved */

enum { ADDR, ADDR_HIGH, DATA, CONTROL, WORDS };

/* The entry is masked while it changes, so that the device never sends a half-written message. */
static void update_entry(struct msix_pass *t, unsigned i)
{
	const uint32_t *e = t->entry[i];
	struct msix_message guest = {(uint64_t)e[ADDR_HIGH] << 32 | e[ADDR], e[DATA]}, phys;

	t->hw[i][CONTROL] = MASKED;
	if (!t->on || (e[CONTROL] & MASKED) || !t->translate(t->ctx, i, &guest, &phys))
		return;
	t->hw[i][ADDR] = (uint32_t)phys.addr;
	t->hw[i][ADDR_HIGH] = (uint32_t)(phys.addr >> 32);
	t->hw[i][DATA] = phys.data;
	t->hw[i][CONTROL] = 0;
}

void msix_pass_reset(struct msix_pass *t)
{
	spin_lock(&t->lock);
	t->on = false;
	for (unsigned i = 0; i < t->n; i++) {
		for (unsigned w = 0; w < WORDS; w++)
			t->entry[i][w] = w == CONTROL ? MASKED : 0;
		update_entry(t, i);
	}
	spin_unlock(&t->lock);
}

void msix_pass_enable(struct msix_pass *t, bool on)
{
	spin_lock(&t->lock);
	t->on = on;
	for (unsigned i = 0; i < t->n; i++)
		update_entry(t, i);
	spin_unlock(&t->lock);
}

void msix_pass_access(struct msix_pass *t, uint32_t off, unsigned size, bool write, uint64_t *val)
{
	unsigned i = off / MSIX_ENTRY_BYTES, word = off % MSIX_ENTRY_BYTES / 4;
	uint32_t *e;

	if (size < 4 || off % size || i >= t->n) {
		if (!write)
			*val = ~0ull;
		return;
	}
	spin_lock(&t->lock);
	e = t->entry[i];
	if (!write) {
		*val = e[word] | (size == 8 ? (uint64_t)e[word + 1] << 32 : 0);
	} else {
		e[word] = (uint32_t)*val;
		if (size == 8)
			e[word + 1] = (uint32_t)(*val >> 32);
		e[CONTROL] &= MASKED;
		update_entry(t, i);
	}
	spin_unlock(&t->lock);
}
