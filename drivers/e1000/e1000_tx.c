/* SPDX-License-Identifier: BSD-2-Clause */
/* The transmit ring: an optional context descriptor and data descriptors for each frame
 * (8254x 3.3). */
#include <stdatomic.h>
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/regs.h"

#define MASK  (E1000_TX_RING - 1)
#define CHUNK 8192u /* bytes per descriptor: well below the transmit FIFO, 8254x 3.3.7 */

unsigned e1000_tx_pending(const struct e1000 *n)
{
	return (unsigned)(n->tx_next - n->tx_clean) & MASK;
}

static void add_descriptor(struct e1000 *n, uint64_t low, uint64_t high)
{
	n->tx[n->tx_next].low = low;
	n->tx[n->tx_next].high = high;
	n->tx_next = (n->tx_next + 1) & MASK;
}

/* How many descriptors the pieces need; 0 when they cannot be sent as a frame. */
static unsigned count_chunks(const struct vnet_seg *piece, unsigned n_pieces, uint32_t *len)
{
	unsigned n = 0;

	*len = 0;
	if (!n_pieces || n_pieces > E1000_PIECES)
		return 0;
	for (unsigned i = 0; i < n_pieces; i++) {
		if (!piece[i].len || piece[i].len > VNET_FRAME_MAX - *len)
			return 0;
		*len += piece[i].len;
		n += (piece[i].len + CHUNK - 1) / CHUNK;
	}
	return *len < VNET_FRAME_MIN ? 0 : n;
}

static void add_pieces(struct e1000 *n, const struct vnet_seg *piece, unsigned n_pieces,
                       const struct e1000_context *c)
{
	uint64_t command = TXD_DTYP_DAT | TXD_DEXT | TXD_IFCS | c->popts | (c->high & TXD_TSE);

	for (unsigned i = 0; i < n_pieces; i++) {
		uint64_t at = n->ops->dma(n->ctx, piece[i].base);

		for (uint32_t left = piece[i].len; left;) {
			uint32_t len = left < CHUNK ? left : CHUNK;
			bool last;

			left -= len;
			last = !left && i + 1 == n_pieces;
			add_descriptor(n, at, command | len | (last ? TXD_EOP | TXD_RS : 0));
			at += len;
		}
	}
}

/* The NIC keeps a context until the next; one for segmentation has the frame's length: always new.
 */
static bool needs_context(const struct e1000 *n, const struct e1000_context *c)
{
	return c->popts &&
	       (c->high & TXD_TSE || c->low != n->context.low || c->high != n->context.high);
}

static void count_sent(struct e1000 *n, const struct e1000_context *c)
{
	n->count[E1000_COUNT_tx_frames]++;
	if (c->popts)
		n->count[c->high & TXD_TSE ? E1000_COUNT_tx_tso : E1000_COUNT_tx_csum]++;
}

static enum e1000_sent count_refused(struct e1000 *n, enum e1000_sent why)
{
	n->count[why == E1000_FULL     ? E1000_COUNT_tx_full
	         : why == E1000_UNABLE ? E1000_COUNT_tx_unable
	                               : E1000_COUNT_tx_bad]++;
	return why;
}

enum e1000_sent e1000_tx_send(struct e1000 *n, const struct vnet_seg *piece, unsigned n_pieces,
                              const struct vnet_hdr *hdr, void *cookie)
{
	uint32_t len;
	struct e1000_context c;
	unsigned chunks = count_chunks(piece, n_pieces, &len);
	enum e1000_sent can;
	uint16_t first;

	if (!chunks)
		return count_refused(n, E1000_BAD);
	if (chunks + 1 > E1000_TX_RING - 1 - e1000_tx_pending(n))
		return count_refused(n, E1000_FULL);
	if (hdr->gso_type == VNET_GSO_TCPV6 && !e1000_tso6(n))
		return count_refused(n, E1000_UNABLE);
	if (!e1000_sums_in_tunnel(n) && e1000_in_tunnel(hdr, piece[0].base, piece[0].len))
		return count_refused(n, E1000_UNABLE);
	can = e1000_offload(hdr, piece[0].base, piece[0].len, len, &c);
	if (can != E1000_SENT)
		return count_refused(n, can);
	first = n->tx_next;
	if (needs_context(n, &c)) {
		add_descriptor(n, c.low, c.high);
		n->context = c;
	}
	add_pieces(n, piece, n_pieces, &c);
	n->tx_cookie[first] = cookie;
	n->tx_last[first] = (n->tx_next - 1) & MASK;
	count_sent(n, &c);
	return E1000_SENT;
}

void e1000_tx_flush(struct e1000 *n)
{
	if (n->tx_tail == n->tx_next)
		return;
	atomic_thread_fence(memory_order_release); /* descriptors and data before the tail */
	n->tx_tail = n->tx_next;
	n->ops->write(n->ctx, TDT, n->tx_next);
}

bool e1000_tx_ready(const struct e1000 *n)
{
	/* Before TDT passes a descriptor, its DD bit is not the NIC's. */
	return n->tx_clean != n->tx_tail && n->tx[n->tx_last[n->tx_clean]].high & TXD_DD;
}

void *e1000_tx_done(struct e1000 *n)
{
	uint16_t first;

	if (!e1000_tx_ready(n))
		return NULL;
	first = n->tx_clean;
	atomic_thread_fence(memory_order_acquire); /* DD before the buffer is used again */
	n->tx_clean = (n->tx_last[first] + 1) & MASK;
	return n->tx_cookie[first];
}
