/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_net_rx.c: the switch delivers; step 9 of the walk of a frame (vnet/vnet.h), the only copy.
 */
#include <string.h>
#include "drivers/virtio/virtio_net.h"
#include "lib/count.h"
#include "drivers/virtio/virtio_net_parts.h"
#include "vnet/frame/offload.h"

#define SMALL 128 /* frames up to this size are copied inline */

/*
 * Limits on a receiver's buffer layout, for a frame and its header of `need` bytes: a chain of 20
 * segments, as Linux offers without mergeable buffers (MAX_SKB_FRAGS + 3), else segments and
 * buffers of 256 bytes on average.  The senders' cores pay for the copy, and buffers of 1 byte
 * would be slow.
 */
#define PIECES(need)  (20 + (need) / 256)
#define BUFFERS(need) (2 + (need) / 256)
#define HEAVY         4096 /* frames above this size yield rx_lock after the copy */

/* Whether a header asks for an offload: tests flags and gso_type in one load. */
static inline bool wants_offload(const struct vnet_hdr *h)
{
	uint16_t v;

	__builtin_memcpy(&v, h, sizeof v);
	return v != 0;
}

/* Whether the driver accepts the frame's offload header unchanged. */
static inline bool header_accepted(const struct virtio_net *n, const struct vnet_hdr *h)
{
	return !wants_offload(h) || ((n->csum_accepted || !h->flags) &&
	                             (h->gso_type == VNET_GSO_NONE ||
	                              (n->gso_accepted & virtio_net_gso_bit(h->gso_type))));
}

/* Unaligned copies of 16 and 32 bytes: in vector registers where the build has them. */
struct bytes16 {
	uint64_t a, b;
} __attribute__((packed, may_alias, aligned(1)));

static inline void move16(uint8_t *to, const uint8_t *from)
{
	*(struct bytes16 *)to = *(const struct bytes16 *)from;
}

static inline void move32(uint8_t *to, const uint8_t *from)
{
	move16(to, from);
	move16(to + 16, from + 16);
}

/* A guest may receive, from itself, where it sends: what it has there is then its own concern, and
 * nothing is copied. */
static inline bool overlap(const uint8_t *to, const uint8_t *from, uint32_t len)
{
	return (uintptr_t)to - (uintptr_t)from + len - 1 < 2ul * len - 1;
}

/* Copies from both ends, overlapping in the middle: 16 to 128 bytes without a loop. */
static inline __attribute__((always_inline)) void copy_inline(uint8_t *to, const uint8_t *from,
                                                              uint32_t len)
{
	const uint8_t *from_end = from + len;
	uint8_t *to_end = to + len;

	if (len - 16 > SMALL - 16) {
		if (!overlap(to, from, len))
			memcpy(to, from, len);
		return;
	}
	if (len > 32) {
		if (len > 64) {
			move32(to + 32, from + 32);
			move32(to_end - 64, from_end - 64);
		}
		move16(to + 16, from + 16);
		move16(to_end - 32, from_end - 32);
	}
	move16(to, from);
	move16(to_end - 16, from_end - 16);
}

/* The receive buffers gathered for one frame. */
struct buffers {
	unsigned nseg, heads;
	uint64_t bytes;
};

/* The drop reason for a chain that was refused. */
static enum vnet_drop drop_reason(struct virtio_net *n, int error)
{
	if (error == -VRING_E_chain_pieces)
		return VNET_DROP_rx_scattered;
	virtio_net_break(n, (enum vring_error) - error);
	return VNET_DROP_rx_broken;
}

/* Adds the next available chain and fills its used entry: length at most what is left of `need`. */
static bool add_chain(struct virtio_net *n, struct buffers *b, uint32_t need, enum vnet_drop *why)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	struct vnet_seg *to = &n->rx_seg[b->nseg];
	uint16_t head = vring_head(r, b->heads);
	unsigned room = PIECES(need) - b->nseg;
	uint32_t bytes = 0;
	int nseg = 1;

	if (room && vring_single(r, head, VRING_WRITE, to))
		bytes = to->len;
	else
		nseg = vring_chain(r, head, VRING_WRITE, to, room, &bytes);
	if (nseg < 0) {
		*why = drop_reason(n, nseg);
		return false;
	}
	vring_used(r, b->heads, head,
	           bytes < need - b->bytes ? bytes : (uint32_t)(need - b->bytes));
	b->heads++;
	b->nseg += (unsigned)nseg;
	b->bytes += bytes;
	return true;
}

/* How many chains are available; reads the ring's index only if those known do not suffice. */
static int chains_available(struct virtio_net *n, unsigned wanted)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	uint16_t known = (uint16_t)(r->seen - r->next);

	return known >= wanted ? known : vring_refresh(r);
}

bool virtio_net_offers(struct virtio_net *n, unsigned wanted)
{
	return chains_available(n, wanted) >= (int)wanted;
}

/* Gathers buffers for `need` bytes: one chain, or several with VIRTIO_NET_F_MRG_RXBUF. */
static bool gather_buffers(struct virtio_net *n, struct buffers *b, uint32_t need,
                           enum vnet_drop *why)
{
	do {
		int have = chains_available(n, b->heads + 1);

		if (have < 0) {
			virtio_net_break(n, (enum vring_error) - have);
			*why = VNET_DROP_rx_broken;
			return false;
		}
		if ((unsigned)have <= b->heads) {
			*why = VNET_DROP_rx_full;
			return false;
		}
		if (b->heads == BUFFERS(need)) {
			*why = VNET_DROP_rx_scattered;
			return false;
		}
		if (!add_chain(n, b, need, why))
			return false;
	} while (b->bytes < need && n->mergeable);
	*why = VNET_DROP_oversize;
	return b->bytes >= need;
}

/* A position in the receive buffers. */
struct cursor {
	struct vnet_seg *seg;
	uint32_t at;
};

/* Writes len bytes at the cursor, which has room for them. */
static void put_bytes(struct cursor *c, const uint8_t *from, uint32_t len)
{
	while (len) {
		uint32_t room, part;

		if (c->at == c->seg->len) {
			c->seg++;
			c->at = 0;
		}
		room = c->seg->len - c->at;
		part = len < room ? len : room;
		copy_inline(c->seg->base + c->at, from, part);
		c->at += part;
		from += part;
		len -= part;
	}
}

/* Completes the checksum in the receive buffers, after the virtio header. */
static bool complete_sum(struct virtio_net *n, const struct vnet_frame *f, const struct buffers *b)
{
	struct vnet_seg *seg = n->rx_seg;
	unsigned nseg = b->nseg;
	uint32_t skip = VIRTIO_NET_HDR;

	while (seg->len <= skip) {
		skip -= seg->len;
		seg++;
		nseg--;
	}
	seg->base += skip;
	seg->len -= skip;
	return offload_csum(&f->hdr, seg, nseg, f->len);
}

bool virtio_net_put(struct virtio_net *n, const struct vnet_frame *f, const struct vnet_hdr *hdr,
                    bool sum, enum vnet_drop *why)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	struct cursor c = {n->rx_seg, 0};
	struct buffers b = {0};
	struct vnet_hdr h = *hdr;

	if (!gather_buffers(n, &b, f->len + VIRTIO_NET_HDR, why))
		return false;
	h.num_buffers = (uint16_t)b.heads;
	put_bytes(&c, (const uint8_t *)&h, sizeof h);
	for (unsigned i = 0; i < f->nseg; i++)
		put_bytes(&c, f->seg[i].base, f->seg[i].len);
	count_add(&n->copied, f->len);
	if (sum && !complete_sum(n, f, &b)) {
		*why = VNET_DROP_no_offload;
		return false;
	}
	vring_done(r, b.heads);
	return true;
}

/* Copies a frame of one segment into one buffer of one segment, after `hdr`; false: not that
 * simple. */
static inline __attribute__((always_inline)) bool
put_single(struct virtio_net *n, const struct vnet_frame *f, const struct vnet_hdr *hdr)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	uint32_t need = f->len + VIRTIO_NET_HDR;
	struct vnet_seg to;
	uint32_t len;
	uint16_t head;

	if (f->nseg != 1 || r->next == r->seen)
		return false;

	head = vring_head(r, 0);

	if (!vring_single(r, head, VRING_WRITE, &to) || to.len < need)
		return false;
	/* The builtin is inlined in a freestanding build too. */
	__builtin_memcpy(to.base, hdr, VIRTIO_NET_HDR);
	len = f->len;
	copy_inline(to.base + VIRTIO_NET_HDR, f->seg->base, len);
	count_add(&n->copied, len);
	vring_used(r, 0, head, need);
	vring_done(r, 1);
	return true;
}

/* A frame that takes long to copy: rx_lock is yielded after it. */
static inline bool is_heavy(const struct vnet_frame *f)
{
	return f->len > HEAVY || f->hdr.gso_type != VNET_GSO_NONE;
}

/* The fast path, all inline: a frame without offloads, or one that only leaves the checksum to a
 * driver that accepts that, as Linux sends nearly all of its own. */
static inline __attribute__((always_inline)) bool put_fast(struct virtio_net *n,
                                                           const struct vnet_frame *f)
{
	/* 1 without MRG_RXBUF too: 5.1.6.4 */
	static const struct vnet_hdr plain = {.num_buffers = 1};
	struct vnet_hdr hdr;

	if (!wants_offload(&f->hdr))
		return put_single(n, f, &plain);
	if (!n->csum_accepted || is_heavy(f))
		return false;
	hdr = f->hdr;
	hdr.num_buffers = plain.num_buffers;
	return put_single(n, f, &hdr);
}

static bool put_frame(struct virtio_net *n, const struct vnet_frame *f, enum vnet_drop *why)
{
	struct vnet_hdr hdr = f->hdr;

	if (!header_accepted(n, &f->hdr))
		return virtio_net_put_completed(n, f, why);
	hdr.num_buffers = 1;
	return put_single(n, f, &hdr) || virtio_net_put(n, f, &f->hdr, false, why);
}

static inline bool rx_ready(const struct virtio_net *n)
{
	/* Acquire: pairs with start(), which has set up the ring. */
	return atomic_load_explicit(&n->rx_ready, memory_order_acquire);
}

/* The slow path: any other frame; counts it as refused when it cannot be delivered. */
static __attribute__((noinline)) bool put_or_refuse(struct virtio_net *n, struct vnet_core *core,
                                                    const struct vnet_frame *f)
{
	enum vnet_drop why = VNET_DROP_port_down;

	if (rx_ready(n) && put_frame(n, f, &why))
		return true;
	vnet_refuse(core, n->port, f, why);
	return false;
}

static void refuse_all(struct virtio_net *n, struct vnet_core *core,
                       struct vnet_frame *const *frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		vnet_refuse(core, n->port, frames[i], VNET_DROP_port_down);
}

bool virtio_net_yield(struct virtio_net *n)
{
	spin_unlock(&n->rx_lock);
	spin_lock(&n->rx_lock);
	return rx_ready(n);
}

/* Delivers the frames from index i on, in order, some heavy, refused or traced; rx_lock held,
 * released on return.  Returns `delivered`, the count before index i, plus how many it delivered.
 * `first`: the ring's position before the batch, for the stamp. */
static __attribute__((noinline)) unsigned put_rest(struct virtio_net *n, struct vnet_core *core,
                                                   struct vnet_frame *const *frames, uint16_t first,
                                                   unsigned delivered, unsigned i, unsigned count)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	bool same =
	    rx_ready(n); /* false: the device was stopped, and the ring may be another now */

	for (; same && i < count; i++) {
		delivered += put_fast(n, frames[i]) || put_or_refuse(n, core, frames[i]);
		if (is_heavy(frames[i]))
			same = virtio_net_yield(n);
	}
	if (vnet_traced(core))
		vnet_copied(core, n->port, first, (uint16_t)(r->next - first), delivered);
	refuse_all(n, core, frames + i, count - i);
	if (same && vring_publish(r))
		virtio_pci_notify(&n->v, VIRTIO_NET_RX);
	spin_unlock(&n->rx_lock);
	return delivered;
}

/* Errors are ignored here: gather_buffers() meets a bad index when the known entries are used up.
 */
static inline void refresh_available(struct vring *r, unsigned count)
{
	if ((uint16_t)(r->seen - r->next) >= count)
		return;
	vring_refresh(r);
	vring_disarm(r);
}

unsigned virtio_net_egress(struct vnet_port *port, struct vnet_core *core,
                           struct vnet_frame *const *frames, unsigned count)
{
	struct virtio_net *n = port->dev;
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;

	spin_lock(&n->rx_lock);
	if (__builtin_expect(!rx_ready(n), 0))
		return put_rest(n, core, frames, r->next, 0, 0, count);
	refresh_available(r, count);
	for (unsigned i = 0; i < count; i++) {
		if (__builtin_expect(put_fast(n, frames[i]), 1))
			continue;
		if (is_heavy(frames[i]))
			return put_rest(n, core, frames, r->next, i, i, count);
		if (!put_or_refuse(n, core, frames[i]))
			return put_rest(n, core, frames, r->next, i, i + 1, count);
	}
	/* Before the unlock, so that stop() waits until the interrupt is sent. */
	if (vring_publish(r))
		virtio_pci_notify(&n->v, VIRTIO_NET_RX);
	spin_unlock(&n->rx_lock);
	return count;
}

/* One stamp for all of the frames: put_rest() makes it where one of them is not plain. */
unsigned virtio_net_egress_traced(struct vnet_port *port, struct vnet_core *core,
                                  struct vnet_frame *const *frames, unsigned count)
{
	struct virtio_net *n = port->dev;
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	uint16_t first;
	unsigned i = 0;

	spin_lock(&n->rx_lock);
	first = r->next;
	if (__builtin_expect(!rx_ready(n), 0))
		return put_rest(n, core, frames, first, 0, 0, count);
	refresh_available(r, count);
	while (i < count && put_fast(n, frames[i]))
		i++;
	if (__builtin_expect(i < count, 0))
		return put_rest(n, core, frames, first, i, i, count);
	vnet_copied(core, port, first, (uint16_t)(r->next - first), count);
	if (vring_publish(r))
		virtio_pci_notify(&n->v, VIRTIO_NET_RX);
	spin_unlock(&n->rx_lock);
	return count;
}

unsigned virtio_net_room(const struct vnet_port *port)
{
	struct virtio_net *n = port->dev;
	int room = 0;

	spin_lock(&n->rx_lock);
	if (rx_ready(n))
		room = vring_refresh(&n->v.queue[VIRTIO_NET_RX].ring);
	spin_unlock(&n->rx_lock);
	return room > 0 ? (unsigned)room : 0;
}

bool virtio_net_first_buffers(struct virtio_net *n)
{
	struct vring *r = &n->v.queue[VIRTIO_NET_RX].ring;
	bool there;

	if (!n->port || !(n->port->flags & VNET_EDGE))
		return false;
	spin_lock(&n->rx_lock);
	there = atomic_load(&n->rx_ready) && vring_arm(r) > 0;
	if (there)
		vring_disarm(r);
	spin_unlock(&n->rx_lock);
	return there;
}
