/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vring.h: the device side of a split virtqueue (virtio 1.2, 2.7), little-endian host.
 *
 * The ring lies in guest memory and the guest may change any byte of it at any time.  So each index
 * and each descriptor is read exactly once into a local copy, checked there, and only the copy is
 * used.  If the guest breaks a rule (VRING_ERRORS), only its device breaks, and the error is
 * counted.
 *
 * The caller serialises all calls for one ring (the device's TX gate or RX lock).
 */
#ifndef DRIVERS_VIRTIO_VRING_H
#define DRIVERS_VIRTIO_VRING_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/count.h"
#include "drivers/bus/gpa.h"
#include "vnet/frame/frame.h"

#define VRING_MAX 1024 /* entries of a queue, at most */

/* Bytes; longer buffers, and those near a region's end, take the slow path. */
#define VRING_SAFE 0x20000

#define VRING_DESC_NEXT     1
#define VRING_DESC_WRITE    2
#define VRING_DESC_INDIRECT 4

#define VRING_NO_NOTIFY    1 /* used flags (2.7.10) */
#define VRING_NO_INTERRUPT 1 /* available flags (2.7.7) */

struct vring_desc {
	uint64_t addr; /* GPA */
	uint32_t len;
	uint16_t flags, next;
};

struct vring_used_elem {
	uint32_t id, len;
};

/* Every rule that a driver can break, by name; clause numbers are of virtio 1.2. */
#define VRING_ERRORS(X)                                                                            \
	X(queue_size)       /* zero, not a power of two or above the maximum: 2.7 */               \
	X(ring_misaligned)  /* descriptors 16, available 2, used 4: 2.7 */                         \
	X(ring_unmapped)    /* a ring area not wholly inside one region of guest memory */         \
	X(avail_overrun)    /* available index ahead by more than the queue size: 2.7.13.3 */      \
	X(head_range)       /* a chain's head beyond the table: 2.7.6 */                           \
	X(next_range)       /* a next field beyond the table: 2.7.5 */                             \
	X(chain_loop)       /* a chain longer than the queue size: 2.7.5.1 */                      \
	X(chain_pieces)     /* a chain of more pieces than this device takes (VNET_SEGS) */        \
	X(chain_bytes)      /* a chain of 2^32 bytes or more: 2.7.5.1 */                           \
	X(zero_length)      /* a descriptor of no bytes */                                         \
	X(bad_address)      /* a buffer not wholly inside guest memory, or one that wraps */       \
	X(not_readable)     /* device-writable where the device reads: 2.7.5.1 */                  \
	X(not_writable)     /* device-readable where the device writes: 2.7.4.2, 2.7.5.1 */        \
	X(indirect_refused) /* INDIRECT without VIRTIO_F_INDIRECT_DESC: 2.7.5.3.1 */               \
	X(indirect_nested)  /* INDIRECT inside an indirect table: 2.7.5.3.1 */                     \
	X(indirect_next)    /* INDIRECT and NEXT in one descriptor: 2.7.5.3.1 */                   \
	X(indirect_length)  /* a table of no entries, part of one, or above the queue size */      \
	X(indirect_address) /* a table outside guest memory */                                     \
	X(no_header)        /* a frame or request shorter than its header: 5.1.6, 5.19.6 */        \
	X(no_answer)        /* a request with no room for its answer: 5.19.6 */

enum vring_error {
	VRING_OK,
#define X(name) VRING_E_##name,
	VRING_ERRORS(X)
#undef X
	    VRING_ERROR_COUNT
};
extern const char *const vring_error_name[VRING_ERROR_COUNT];

enum vring_dir { VRING_READ, VRING_WRITE }; /* what the device does with a chain */

struct vring {
	const struct vring_desc *desc; /* guest memory, as the VMM sees it */
	const uint16_t *avail;         /* flags, idx, ring[num], used_event */
	uint16_t *used;                /* flags, idx, {id, len}[num], avail_event */
	const uint16_t *avail_ring;    /* avail->ring */
	struct vring_used_elem *used_ring;
	uint16_t num, mask;
	uint16_t next;      /* next entry, available and, less `held`, used */
	uint16_t seen;      /* the available index as last read (and checked) */
	uint16_t published; /* the used index that the driver has been given */
	uint16_t held;      /* chains of those before `next` that are to be given back later */
	uint16_t event_at;  /* EVENT_IDX: the avail_event last written */
	bool event_idx, indirect;
	bool armed; /* the driver was asked to kick; by EVENT_IDX for an entry that it
	               may have passed */
	struct gmem_region window; /* the region of the last data address */
	uint64_t window_safe;      /* offsets below this have VRING_SAFE bytes after them */
	const struct gmem *mem;
	/* Last member, kept by vring_enable(): interrupts not sent because the driver asked for
	 * none. */
	uint64_t suppressed;
};

/*
 * Prepares a ring for a driver that has enabled it: translates the three areas once.  `num`
 * entries, areas by GPA; `mem` must outlive the ring.  Kicks start armed. Errors: queue_size,
 * ring_misaligned, ring_unmapped (the ring must then not be used).  The counter in `r` is kept.
 */
enum vring_error vring_enable(struct vring *r, const struct gmem *mem, uint16_t num, uint64_t desc,
                              uint64_t avail, uint64_t used, bool event_idx, bool indirect);

/*
 * Decodes the chain that starts at `head` (any value) into at most `max` pieces, all of direction
 * `dir`.  Returns the number of pieces (at least 1), or minus a vring_error; `*bytes` is the sum of
 * their lengths.  The pieces point into guest memory and stay valid while the VM exists.
 */
int vring_chain(struct vring *r, uint16_t head, enum vring_dir dir, struct vnet_seg *seg,
                unsigned max, uint32_t *bytes);

/*
 * The same for a request with its answer: pieces that the device reads, then pieces that it writes
 * (2.7.4.2); *readable of the pieces are to be read.  A readable one after a writable one is
 * not_writable.
 */
int vring_request(struct vring *r, uint16_t head, struct vnet_seg *seg, unsigned max,
                  unsigned *readable);

/*
 * Reads the driver's available index.  Returns how many entries may be taken, or minus
 * VRING_E_avail_overrun.
 */
static inline int vring_refresh(struct vring *r)
{
	/* Acquire: the entries and descriptors below this index are read after it (2.7.13.2). */
	uint16_t idx = __atomic_load_n(&r->avail[1], __ATOMIC_ACQUIRE);
	uint16_t n = (uint16_t)(idx - r->next);

	if (n > r->num)
		return -VRING_E_avail_overrun;
	r->seen = idx;
	return n;
}

/* The head in the i-th available entry; i is less than the result of vring_refresh(). */
static inline uint16_t vring_head(const struct vring *r, unsigned i)
{
	return ((const volatile uint16_t *)r->avail_ring)[(r->next + i) & r->mask];
}

/* Reads a descriptor by two volatile loads, so that the compiler cannot read the guest's copy
 * again. An indirect table may be unaligned, hence the alignment of 1. */
static inline struct vring_desc vring_desc_read(const struct vring_desc *p)
{
	typedef uint64_t __attribute__((aligned(1), may_alias)) word;
	const volatile word *w = (const volatile word *)p;
	uint64_t addr = w[0], rest = w[1];

	return (struct vring_desc){addr, (uint32_t)rest, (uint16_t)(rest >> 32),
	                           (uint16_t)(rest >> 48)};
}

/*
 * The fast path for the most common chain: one descriptor, of direction `dir`, in the region of the
 * last one.  False: not that simple, or invalid: call vring_chain().  Each field is read once, by a
 * volatile load.
 */
static inline bool vring_single(const struct vring *r, uint16_t head, enum vring_dir dir,
                                struct vnet_seg *seg)
{
	const volatile struct vring_desc *d = &r->desc[head];
	uint64_t off;

	if (head >= r->num || d->flags != (dir == VRING_WRITE ? VRING_DESC_WRITE : 0))
		return false;
	seg->len = d->len;
	off = d->addr - r->window.gpa;
	if (off >= r->window_safe || seg->len > VRING_SAFE)
		return false;
	seg->base = r->window.hva + off;
	return true;
}

/* Fills the used entry of the i-th available chain, into which `len` bytes were written.  While
 * chains are held, its place is beyond that of the next used one; no entry there is unread, since
 * the driver has at most `num` chains outstanding. */
static inline void vring_used(struct vring *r, unsigned i, uint16_t head, uint32_t len)
{
	r->used_ring[(r->next + i) & r->mask] = (struct vring_used_elem){head, len};
}

/* Consumes n available entries, whose used entries have been filled. */
static inline void vring_done(struct vring *r, unsigned n)
{
	r->next = (uint16_t)(r->next + n);
}

/*
 * The same when chains are held, of this batch (one bit each, already counted in `held`) or of
 * earlier ones: moves the used entries of the others down to where the driver expects them.
 */
void vring_done_but(struct vring *r, unsigned n, uint64_t held);

/* Gives back a held chain: fills the next used entry. */
static inline void vring_give_back(struct vring *r, uint16_t head)
{
	r->used_ring[(uint16_t)(r->next - r->held) & r->mask] = (struct vring_used_elem){head, 0};
	r->held--;
}

/*
 * Publishes the used entries of all chains consumed so far.  Returns true when the driver wants an
 * interrupt for them (2.7.7.2, 2.7.10.1); does nothing when there are none.
 */
static inline bool vring_publish(struct vring *r)
{
	uint16_t was = r->published, now = (uint16_t)(r->next - r->held);
	bool wanted;

	if (was == now)
		return false;
	r->published = now;
	/*
	 * The exchange is a release (the entries are visible before the index) and a full barrier:
	 * the driver's request is read after the index is visible.  The driver does the
	 * reverse, writes its request and then reads the index, so one of the two sees the other's
	 * (2.7.8.2).
	 */
	__atomic_exchange_n(&r->used[1], now, __ATOMIC_SEQ_CST);
	if (r->event_idx) {
		uint16_t event = __atomic_load_n(&r->avail[2 + r->num], __ATOMIC_RELAXED);

		wanted = (uint16_t)(now - event - 1) < (uint16_t)(now - was);
	} else {
		wanted = !(__atomic_load_n(&r->avail[0], __ATOMIC_RELAXED) & VRING_NO_INTERRUPT);
	}
	if (!wanted)
		count_add(&r->suppressed, 1);
	return wanted;
}

/* Suppresses kicks. */
void vring_disarm_now(struct vring *r);

/*
 * Suppresses kicks unless they are suppressed already: an event index that the driver has passed
 * causes no kick until the indices wrap around, so it is moved only now and then.
 */
static inline void vring_disarm(struct vring *r)
{
	if (r->event_idx ? (uint16_t)(r->next - r->event_at) > 0x4000 : r->armed)
		vring_disarm_now(r);
}

/*
 * Asks the driver to kick for the next entry, then reads the index again.  Returns the result of
 * vring_refresh(): above 0, entries came in between and the driver may not kick for them.
 */
int vring_arm(struct vring *r);
#endif
