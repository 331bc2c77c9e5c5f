/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_net_tx.c: the guest sends; steps 2 to 4 of the walk of a frame (vnet/vnet.h). */
#include <string.h>
#include "drivers/virtio/virtio_net.h"
#include "drivers/virtio/virtio_net_parts.h"

#define BROKEN (-1)

/*
 * Limits the cost of one batch, so that a guest cannot make a kick or a poll take arbitrarily long.
 * The weight counts the bytes of large frames, and SEGMENT bytes more for each GSO segment, which
 * costs about as much as copying them.  A batch ends with the frame that reaches the limit.  Frames
 * up to SMALL bytes are not counted: 64 of them are not much more than the limit.
 */
#define SMALL       4096u
#define SEGMENT     512u
#define BATCH_LIMIT (128u << 10)

/* Whether the header asks only for what was negotiated (5.1.6.2).  vnet_input() checks that it
 * fits the frame.  Unknown flags are ignored, as the standard requires. */
static __attribute__((noinline)) bool offload_negotiated(const struct virtio_net *n,
                                                         struct vnet_hdr *h)
{
	uint64_t need = 0;

	h->num_buffers = 0;
	h->flags &= VNET_HDR_F_NEEDS_CSUM | VNET_HDR_F_DATA_VALID;
	if (h->flags)
		need |= VIRTIO_NET_F_CSUM;
	switch (h->gso_type & ~VNET_GSO_ECN) {
	case VNET_GSO_NONE:
		break;
	case VNET_GSO_TCPV4:
		need |= VIRTIO_NET_F_HOST_TSO4;
		break;
	case VNET_GSO_TCPV6:
		need |= VIRTIO_NET_F_HOST_TSO6;
		break;
	default:
		return false;
	}
	if (h->gso_type & VNET_GSO_ECN)
		need |= VIRTIO_NET_F_HOST_ECN;
	return (n->features & need) == need;
}

/* Moves the first `want` bytes of the segments to `to`; returns how many segments are left.  The
 * segments hold at least that much. */
static unsigned strip_header(struct vnet_seg **seg, unsigned nseg, uint8_t *to, uint32_t want)
{
	while (want) {
		struct vnet_seg *s = *seg;
		uint32_t len = s->len < want ? s->len : want;

		memcpy(to, s->base, len);
		to += len;
		want -= len;
		s->base += len;
		s->len -= len;
		if (s->len == 0) {
			(*seg)++;
			nseg--;
		}
	}
	return nseg;
}

/* The header's first 8 bytes, read once; the first two are 0 when it asks for no offload. */
static inline uint64_t header_word(const uint8_t *from)
{
	typedef uint64_t __attribute__((aligned(1), may_alias)) word;

	return *(const volatile word *)from;
}

/* Whether the header, by its first bytes, asks for a checksum and nothing else, as Linux does for
 * nearly all of its frames. */
static inline bool only_checksum(uint64_t first)
{
	return (uint16_t)first == VNET_HDR_F_NEEDS_CSUM; /* flags, and gso_type above them */
}

/* Copies a header that asks for an offload; only this copy is used.  False: the offload was not
 * negotiated, drop the frame.  Adds the cost of its segments to *weight. */
static inline bool copy_header(const struct virtio_net *n, struct vnet_frame *f,
                               const uint8_t *from, uint64_t first, uint32_t *weight)
{
	__builtin_memcpy(&f->hdr, &first, sizeof first);
	f->hdr.csum_offset = (uint16_t)(from[8] | from[9] << 8);
	if (only_checksum(first))
		return n->features & VIRTIO_NET_F_CSUM;
	if (!offload_negotiated(n, &f->hdr))
		return false;
	if (f->hdr.gso_type != VNET_GSO_NONE && f->hdr.gso_size)
		*weight += SEGMENT * (f->len / f->hdr.gso_size);
	return true;
}

/* Takes a chain other than one simple descriptor.  Returns its segments or minus a vring_error; the
 * caller checks the header. */
static __attribute__((noinline)) int take_chain(struct vring *r, uint16_t head,
                                                struct vnet_frame *f, struct vnet_seg *seg,
                                                unsigned room, uint8_t *hdr)
{
	uint32_t bytes = 0;
	int pieces = vring_chain(r, head, VRING_READ, seg, room, &bytes);
	unsigned nseg = (unsigned)pieces;

	if (pieces < 0)
		return pieces;
	if (bytes < VIRTIO_NET_HDR)
		return -VRING_E_no_header;
	nseg = strip_header(&seg, nseg, hdr, VIRTIO_NET_HDR);
	f->seg = seg;
	f->len = bytes - VIRTIO_NET_HDR;
	f->nseg = (uint16_t)nseg;
	f->contiguous_head = nseg && seg->len >= VNET_FRAME_MIN;
	return pieces;
}

/* Takes the usual frame: header and data in one segment. */
static inline void take_single(struct vnet_frame *f, struct vnet_seg *seg, const struct vnet_seg *s)
{
	seg->base = s->base + VIRTIO_NET_HDR;
	seg->len = s->len - VIRTIO_NET_HDR;
	f->seg = seg;
	f->len = s->len - VIRTIO_NET_HDR;
	f->nseg = 1;
	f->contiguous_head = true;
}

/* Long enough to have its Ethernet header in this segment, and too small to add to the weight. */
static inline bool is_small(uint32_t len)
{
	return len - (VIRTIO_NET_HDR + VNET_FRAME_MIN) <= SMALL - (VIRTIO_NET_HDR + VNET_FRAME_MIN);
}

/* The end of the batch's segment array; moved down to `next` when the weight reaches the limit,
 * which ends the batch without a further test in the loop. */
static inline struct vnet_seg *batch_end(struct vnet_seg *end, struct vnet_seg *next,
                                         uint32_t weight)
{
	return weight < BATCH_LIMIT ? end : next;
}

/*
 * Turns up to `max` available chains into frames of the batch; their used entries are filled but
 * not published.  Returns how many chains were taken; BROKEN when the guest broke a rule.  The
 * batch ends when fewer than VNET_BATCH segments are left, and with the frame that reaches
 * BATCH_LIMIT.
 */
static int gather_batch(struct virtio_net *n, struct vnet_core *core, struct vnet_batch *b, int max)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_TX].ring;
	struct vnet_seg *seg = b->seg, *end = b->seg + VNET_SEGS, s;
	struct vnet_frame *f = b->frame;
	int avail = vring_refresh(r), i, e = -avail;
	uint32_t weight = 0;

	if (avail > 0)
		vring_disarm(r);
	n->holds.skipped = 0;
	max = max < avail ? max : avail;
	for (i = 0; i < max && end - seg >= VNET_BATCH; i++) {
		uint16_t head = vring_head(r, (unsigned)i);
		uint8_t hdr[VIRTIO_NET_HDR], *from = hdr;
		uint64_t first;

		/* Not published before the batch is sent; a chain that is not taken is read
		 * again. */
		vring_used(r, (unsigned)i, head, 0);
		if (__builtin_expect(vring_single(r, head, VRING_READ, &s) && is_small(s.len), 1)) {
			from = s.base;
			__builtin_prefetch(from);
			take_single(f, seg++, &s);
		} else {
			int pieces = take_chain(r, head, f, seg, (unsigned)(end - seg), hdr);

			if (pieces < 0) {
				e = -pieces;
				break;
			}
			seg += pieces;
			weight += f->len;
			end = batch_end(end, seg, weight);
		}
		first = header_word(from);
		f->hdr = (struct vnet_hdr){0};
		if (__builtin_expect((uint16_t)first != 0, 0)) {
			if (!copy_header(n, f, from, first, &weight)) {
				vnet_drop(core, n->port, VNET_DROP_bad_offload);
				n->holds.skipped |= 1ull << i;
				continue;
			}
			end = batch_end(end, seg, weight);
		}
		f++;
	}
	b->n = (unsigned)(f - b->frame);
	b->position = r->next;
	b->nseg = (unsigned)(seg - b->seg);
	if (e <= 0 || (e == VRING_E_chain_pieces && b->nseg))
		return i; /* all, or as many as this batch has segments for */
	virtio_net_break(n, (enum vring_error)e);
	return BROKEN;
}

/* Sends one batch through the switch; gate held.  Returns how many chains were taken, or BROKEN. */
static int send_batch(struct virtio_net *n, struct vnet_core *core, int max)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_TX].ring;
	struct vnet_batch *b = vnet_core_batch(core);
	int taken = gather_batch(n, core, b, max < VNET_BATCH ? max : VNET_BATCH);

	if (taken <= 0 && (!r->held || taken == BROKEN))
		return taken;
	if (taken > 0 && b->n)
		vnet_input(core, n->port, b);
	/* Only now may the guest have its buffers back. */
	if (__builtin_expect(r->held, 0))
		virtio_net_done_but_held(n, core, (unsigned)taken);
	else
		vring_done(r, (unsigned)taken);
	if (vring_publish(r))
		virtio_pci_notify(&n->v, VIRTIO_NET_TX);
	return taken;
}

/* Gate held.  Acquire: pairs with start(), which has set up the ring. */
static bool tx_ready(const struct virtio_net *n)
{
	return atomic_load_explicit(&n->tx_ready, memory_order_acquire);
}

/*
 * One visit, gate held: sends one batch; arms kicks when nothing is left, and returns true when
 * something is.  It sends no second batch, because another vCPU of the guest may refill the ring as
 * fast as this one empties it.
 */
static bool send_visit(struct virtio_net *n, struct vnet_core *core)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_TX].ring;

	if (!tx_ready(n) || send_batch(n, core, VNET_BATCH) == BROKEN || !tx_ready(n))
		return false;
	if (r->next == r->seen && vring_arm(r) == 0)
		return false;
	vring_disarm(r);
	return true;
}

/*
 * A kick of a port that is not in mode VNET_KICK.  Mode VNET_POLL needs none: who changes it kicks,
 * too.  VNET_ADAPTIVE: sends one batch at once and wakes the core that polls, which takes the rest
 * and asks for no kicks.  A kick without a frame wakes nobody, and kicks stay as they are.
 */
static __attribute__((noinline)) void polled_kick(struct virtio_net *n)
{
	struct vnet_core *core = vnet_this_core();

	if (vnet_port_mode(n->port) != VNET_ADAPTIVE || !vgate_enter(&n->tx_gate))
		return;
	if (tx_ready(n) && send_batch(n, core, VNET_BATCH) > 0)
		vnet_wake(core);
	if (vgate_leave(&n->tx_gate))
		return;
	/* A kick came meanwhile. */
	vgate_unlock(&n->tx_gate);
	virtio_pci_schedule_work(&n->v, VIRTIO_NET_TX);
}

static __attribute__((noinline)) void rx_kick(struct virtio_net *n)
{
	if (virtio_net_first_buffers(n))
		vnet_port_ready(vnet_this_core(), n->port);
}

void virtio_net_kick(struct virtio_pci *v, unsigned q)
{
	struct virtio_net *n = (struct virtio_net *)v;
	bool left;

	if (q != VIRTIO_NET_TX) {
		rx_kick(n);
		return;
	}
	if (vnet_port_mode(n->port) != VNET_KICK) {
		polled_kick(n);
		return;
	}
	if (!vgate_enter(&n->tx_gate))
		return; /* the core that holds the gate arranges a visit, or polls */
	left = send_visit(n, vnet_this_core());

	if (!left && vgate_leave(&n->tx_gate))
		return;
	/* The next visit also serves kicks that came meanwhile. */
	vgate_unlock(&n->tx_gate);
	virtio_pci_schedule_work(&n->v, VIRTIO_NET_TX);
}

unsigned virtio_net_poll(void *dev, struct vnet_core *core, unsigned budget)
{
	struct virtio_net *n = dev;
	struct vring *r = &n->v.queue[VIRTIO_NET_TX].ring;
	int taken = 0;

	if (vnet_port_mode(n->port) == VNET_KICK || !vgate_trylock(&n->tx_gate))
		return 0;
	/* An idle ring is left at once: the next port's frames wait for this look.  An error is not
	 * 0, and breaks the device in the batch. */
	if (tx_ready(n) && (vring_refresh(r) != 0 || r->held))
		taken = send_batch(n, core, (int)budget);
	/* A mark set while the mode changed to VNET_KICK may go: the mode's changer kicks once
	 * more. */
	vgate_unlock(&n->tx_gate);
	return taken > 0 ? (unsigned)taken : 0;
}

bool virtio_net_arm(void *dev, bool on)
{
	struct virtio_net *n = dev;
	struct vring *r = &n->v.queue[VIRTIO_NET_TX].ring;

	if (!vgate_trylock(&n->tx_gate))
		return on;
	/* A kick that came since then found the gate closed, and marked it.  One that came while
	 * this core polled left it the chains that were released. */
	if (on && (!tx_ready(n) || vring_arm(r) == 0) && !atomic_load(&n->holds.released) &&
	    vgate_leave(&n->tx_gate))
		return false;
	if (tx_ready(n) && r->armed)
		vring_disarm_now(r);
	vgate_unlock(&n->tx_gate);
	return on;
}
