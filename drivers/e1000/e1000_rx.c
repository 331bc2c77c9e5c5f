/* SPDX-License-Identifier: BSD-2-Clause */
/* The receive ring: legacy descriptors, one buffer per frame (8254x 3.2). */
#include <stdatomic.h>
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/regs.h"

#define MASK (E1000_RX_RING - 1)
#define LOST                                                                                       \
	(RXE_CE | RXE_SE | RXE_SEQ | RXE_CXE | RXE_RXE) /* checksum errors do not count            \
	                                                 */

unsigned e1000_rx_room(const struct e1000 *n)
{
	return (unsigned)(n->rx_next - n->rx_add - 1) & MASK;
}

bool e1000_rx_give(struct e1000 *n, void *buffer)
{
	volatile struct e1000_rx_desc *d;

	if (!e1000_rx_room(n)) /* one descriptor stays free: a full ring looks empty, 8254x 3.2.6 */
		return false;
	d = &n->rx[n->rx_add];
	d->addr = n->ops->dma(n->ctx, buffer);
	d->status = 0;
	n->rx_buffer[n->rx_add] = buffer;
	n->rx_add = (n->rx_add + 1) & MASK;
	return true;
}

void e1000_rx_flush(struct e1000 *n)
{
	if (n->rx_tail == n->rx_add)
		return;
	atomic_thread_fence(memory_order_release); /* descriptors before the tail */
	n->rx_tail = n->rx_add;
	n->ops->write(n->ctx, RDT, n->rx_add);
}

/* Whether *d holds a good frame, complete in one buffer. */
static bool is_good_frame(struct e1000 *n, const volatile struct e1000_rx_desc *d)
{
	bool end = d->status & RXD_EOP, skipped = n->rx_skip;

	n->rx_skip = !end;
	if (!end || skipped) {
		n->count[E1000_COUNT_rx_fragments] += end;
		return false;
	}
	if (d->errors & LOST || d->len < VNET_FRAME_MIN || d->len > n->rx_bytes) {
		n->count[E1000_COUNT_rx_errors]++;
		return false;
	}
	if (d->len > n->rx_longest) {
		n->count[E1000_COUNT_rx_long]++;
		return false;
	}
	return true;
}

bool e1000_rx_ready(const struct e1000 *n)
{
	return n->rx_next != n->rx_tail && n->rx[n->rx_next].status & RXD_DD;
}

void *e1000_rx_next(struct e1000 *n, uint32_t *len)
{
	for (unsigned i = 0; i < E1000_RX_RING && e1000_rx_ready(n); i++) {
		volatile struct e1000_rx_desc *d = &n->rx[n->rx_next];
		void *buffer;

		atomic_thread_fence(memory_order_acquire); /* DD before the rest and the data */
		buffer = n->rx_buffer[n->rx_next];
		n->rx_next = (n->rx_next + 1) & MASK;
		if (is_good_frame(n, d)) {
			*len = d->len;
			n->count[E1000_COUNT_rx_frames]++;
			return buffer;
		}
		e1000_rx_give(n, buffer); /* there is room: a descriptor was just freed */
	}
	return NULL;
}
