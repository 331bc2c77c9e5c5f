/* SPDX-License-Identifier: BSD-2-Clause */
/* vring.c: see vring.h. */
#include <string.h>
#include "drivers/virtio/vring.h"

const char *const vring_error_name[VRING_ERROR_COUNT] = {"ok",
#define X(name) #name,
                                                         VRING_ERRORS(X)
#undef X
};

/* Sizes of the other areas in 16-bit words: flags, index, entries, event index. */
#define AVAIL_WORDS(num) (3u + (num))
#define USED_WORDS(num)  (3u + 4u * (num))

static uint16_t *avail_event(struct vring *r)
{
	return &r->used[2 + 4 * r->num];
}

enum vring_error vring_enable(struct vring *r, const struct gmem *mem, uint16_t num, uint64_t desc,
                              uint64_t avail, uint64_t used, bool event_idx, bool indirect)
{
	unsigned event;
	void *d, *a, *u;
	struct vring fresh;

	if (num == 0 || num > VRING_MAX || (num & (num - 1)))
		return VRING_E_queue_size;
	if (desc % 16 || avail % 2 || used % 4)
		return VRING_E_ring_misaligned;

	/* Without EVENT_IDX the areas need not include the event indices. */
	event = event_idx ? 0 : 1;
	d = gmem_ptr(mem, desc, 16ull * num);
	a = gmem_ptr(mem, avail, 2ull * (AVAIL_WORDS(num) - event));
	u = gmem_ptr(mem, used, 2ull * (USED_WORDS(num) - event));

	if (!d || !a || !u)
		return VRING_E_ring_unmapped;
	fresh = (struct vring){
	    .desc = d,
	    .avail = a,
	    .used = u,
	    .avail_ring = (const uint16_t *)a + 2,
	    .used_ring = (void *)((uint16_t *)u + 2),
	    .num = num,
	    .mask = (uint16_t)(num - 1),
	    .event_idx = event_idx,
	    .indirect = indirect,
	    .armed = true,
	    .mem = mem,
	};
	memcpy(r, &fresh, offsetof(struct vring, suppressed));
	return VRING_OK;
}

/* The slow path of vring_ptr(): looks up the region, which becomes the window. */
static uint8_t *vring_ptr_slow(struct vring *r, uint64_t gpa, uint32_t len)
{
	for (unsigned i = 0; i < r->mem->n; i++) {
		const struct gmem_region *g = &r->mem->region[i];
		uint64_t off = gpa - g->gpa;

		if (off < g->size && len <= g->size - off) {
			r->window = *g;
			r->window_safe = g->size > VRING_SAFE ? g->size - VRING_SAFE : 0;
			return g->hva + off;
		}
	}
	return NULL;
}

/* The VMM's pointer to a buffer of the guest, or NULL when it is not wholly guest memory. */
static inline uint8_t *vring_ptr(struct vring *r, uint64_t gpa, uint32_t len)
{
	uint64_t off = gpa - r->window.gpa;

	if (__builtin_expect(off < r->window.size && len <= r->window.size - off, 1))
		return r->window.hva + off;
	return vring_ptr_slow(r, gpa, len);
}

/* A chain being decoded: the current descriptor table, and the segments found so far. */
struct chain {
	const struct vring_desc *table;
	unsigned entries;
	bool inside_indirect;
	bool may_turn; /* from VRING_READ to VRING_WRITE, after `readable` pieces */
	enum vring_dir dir;
	struct vnet_seg *seg;
	unsigned max, n, readable;
	uint64_t bytes;
};

/* Continues in the indirect table of descriptor *d. */
static enum vring_error enter_indirect(struct vring *r, struct chain *w, const struct vring_desc *d)
{
	if (!r->indirect)
		return VRING_E_indirect_refused;
	if (w->inside_indirect)
		return VRING_E_indirect_nested;
	if (d->flags & VRING_DESC_NEXT)
		return VRING_E_indirect_next;
	if (d->len == 0 || d->len % sizeof *d || d->len / sizeof *d > r->num)
		return VRING_E_indirect_length;
	w->table = (const void *)vring_ptr(r, d->addr, d->len);
	if (!w->table)
		return VRING_E_indirect_address;
	w->entries = d->len / sizeof *d;
	w->inside_indirect = true;
	return VRING_OK;
}

static enum vring_error add_piece(struct vring *r, struct chain *w, const struct vring_desc *d)
{
	bool writable = d->flags & VRING_DESC_WRITE;
	uint8_t *p;

	if (w->dir == VRING_READ && writable) {
		if (!w->may_turn)
			return VRING_E_not_readable;
		w->dir = VRING_WRITE;
		w->readable = w->n;
	}
	if (w->dir == VRING_WRITE && !writable)
		return VRING_E_not_writable;
	if (d->len == 0)
		return VRING_E_zero_length;
	w->bytes += d->len;
	if (w->bytes > UINT32_MAX)
		return VRING_E_chain_bytes;
	if (w->n == w->max)
		return VRING_E_chain_pieces;

	p = vring_ptr(r, d->addr, d->len);

	if (!p)
		return VRING_E_bad_address;
	w->seg[w->n++] = (struct vnet_seg){p, d->len};
	return VRING_OK;
}

/* Decodes the chain at `head` into *w, of which the caller has set direction and room.  Returns the
 * number of pieces, or minus a vring_error. */
static int decode(struct vring *r, uint16_t head, struct chain *w)
{
	unsigned at = head, left = r->num;

	w->table = r->desc;
	w->entries = r->num;

	if (head >= r->num)
		return -VRING_E_head_range;
	for (;;) {
		struct vring_desc d = vring_desc_read(&w->table[at]);
		enum vring_error e;

		if (d.flags & VRING_DESC_INDIRECT) { /* at most once: nesting is refused */
			e = enter_indirect(r, w, &d);
			if (e)
				return -(int)e;
			at = 0;
			continue;
		}
		if (left-- == 0)
			return -VRING_E_chain_loop;
		e = add_piece(r, w, &d);
		if (e)
			return -(int)e;
		if (!(d.flags & VRING_DESC_NEXT))
			break;
		if (d.next >= w->entries)
			return -VRING_E_next_range;
		at = d.next;
	}
	return (int)w->n;
}

int vring_chain(struct vring *r, uint16_t head, enum vring_dir dir, struct vnet_seg *seg,
                unsigned max, uint32_t *bytes)
{
	struct chain w = {.dir = dir, .seg = seg, .max = max};
	int n = decode(r, head, &w);

	if (n > 0)
		*bytes = (uint32_t)w.bytes;
	return n;
}

int vring_request(struct vring *r, uint16_t head, struct vnet_seg *seg, unsigned max,
                  unsigned *readable)
{
	struct chain w = {.dir = VRING_READ, .may_turn = true, .seg = seg, .max = max};
	int n = decode(r, head, &w);

	*readable = w.dir == VRING_READ ? w.n : w.readable;
	return n;
}

void vring_disarm_now(struct vring *r)
{
	r->armed = false;
	r->event_at = (uint16_t)(r->next - 1);
	/* Relaxed: a late kick does no harm. */
	if (r->event_idx)
		__atomic_store_n(avail_event(r), r->event_at, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&r->used[0], VRING_NO_NOTIFY, __ATOMIC_RELAXED);
}

int vring_arm(struct vring *r)
{
	r->armed = true;
	r->event_at = r->next;
	/* Sequentially consistent: the request is visible before the index is read, and the driver
	 * writes the index before it reads the request, so one of the two sees the other's. */
	if (r->event_idx)
		__atomic_exchange_n(avail_event(r), r->event_at, __ATOMIC_SEQ_CST);
	else
		__atomic_exchange_n(&r->used[0], 0, __ATOMIC_SEQ_CST);
	return vring_refresh(r);
}

void vring_done_but(struct vring *r, unsigned n, uint64_t held)
{
	unsigned earlier = r->held;
	uint16_t to;

	for (uint64_t left = held; left; left &= left - 1)
		earlier--;
	to = (uint16_t)(r->next - earlier);

	for (unsigned i = 0; i < n; i++)
		if (!(held >> i & 1))
			r->used_ring[to++ & r->mask] = r->used_ring[(r->next + i) & r->mask];
	vring_done(r, n);
}
