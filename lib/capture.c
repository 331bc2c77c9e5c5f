/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.c: copies of frames in rings; see capture.h. */
#include "lib/capture.h"
#include "lib/bytes.h"

#define HEADER      sizeof(struct capture_record)
#define GROUP_SHARE 4 /* a group has at most this part of its ring */
#define TRIES       64

/*
 * What is between `oldest` and `written` is read by others while the writer goes on, so all of it
 * is written and read in whole words.
 */
static uint64_t *word_at(struct capture_ring *ring, uint64_t at)
{
	return &ring->word[(at & (ring->size - 1)) / 8];
}

static void store(struct capture_ring *ring, uint64_t at, uint64_t v)
{
	__atomic_store_n(word_at(ring, at), v, __ATOMIC_RELAXED);
}

void capture_ring_init(struct capture_ring *ring, uint64_t size)
{
	*ring = (struct capture_ring){.size = size};
}

void capture_open(struct capture_writer *w, struct capture_ring *ring)
{
	w->ring = ring;
	w->open = false;
	w->at = w->limit = atomic_load_explicit(&ring->written, memory_order_relaxed);
}

uint64_t capture_begin(struct capture_writer *w)
{
	w->limit = w->at + w->ring->size / GROUP_SHARE;
	w->open = true;
	/* A reader that finds it 0 after it has seen a group of another core: this group's TSC is
	 * later than that one's.  Hence a full barrier before the clock is read. */
	atomic_store(&w->ring->busy, __builtin_ia32_rdtsc());
	atomic_thread_fence(memory_order_seq_cst);
	return __builtin_ia32_rdtsc();
}

/* Frees `bytes` from `at` on: the records there are lost. */
static void make_room(struct capture_ring *ring, uint64_t at, uint64_t bytes)
{
	uint64_t oldest = atomic_load_explicit(&ring->oldest, memory_order_relaxed), first = oldest;

	while (at + bytes - oldest > ring->size)
		oldest += (uint32_t)*word_at(ring, oldest);
	if (oldest == first)
		return;
	atomic_store_explicit(&ring->oldest, oldest, memory_order_relaxed);
	/* A reader that sees a new byte sees the new `oldest`. */
	atomic_thread_fence(memory_order_release);
}

/* Packs bytes into words. */
struct packer {
	struct capture_ring *ring;
	uint64_t at, word;
	unsigned bits; /* of `word` that are in use, below 64 */
};

static void pack(struct packer *p, uint64_t v, unsigned bits)
{
	p->word |= v << p->bits;
	p->bits += bits;
	if (p->bits < 64)
		return;
	store(p->ring, p->at, p->word);
	p->at += 8;
	p->bits -= 64;
	p->word = p->bits ? v >> (bits - p->bits) : 0;
}

static void pack_bytes(struct packer *p, const uint8_t *from, uint32_t len)
{
	for (; len >= 8; len -= 8, from += 8)
		pack(p, le64(from), 64);
	for (; len; len--)
		pack(p, *from++, 8);
}

static void pack_end(struct packer *p)
{
	if (p->bits)
		store(p->ring, p->at, p->word);
}

/* The bytes that the record may have: what is wanted, what there is, what the group has room for.
 * Counts a frame that is cut because of the latter. */
static uint32_t fitting(struct capture_writer *w, const struct capture_piece *piece,
                        unsigned pieces, uint32_t want)
{
	uint64_t room = w->limit - w->at - HEADER, have = 0;

	for (unsigned i = 0; i < pieces; i++)
		have += piece[i].len;
	want = have < want ? (uint32_t)have : want;
	if (want <= room)
		return want;
	atomic_store_explicit(&w->ring->cut,
	                      atomic_load_explicit(&w->ring->cut, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	return (uint32_t)room;
}

bool capture_put(struct capture_writer *w, struct capture_record *r,
                 const struct capture_piece *piece, unsigned pieces, uint32_t want)
{
	struct packer p = {w->ring, w->at, 0, 0};
	uint32_t left;

	r->serial = w->serial++;
	if (w->limit - w->at < HEADER) {
		atomic_store_explicit(&w->ring->left_out, w->ring->left_out + 1,
		                      memory_order_relaxed);
		return false;
	}
	left = r->captured = fitting(w, piece, pieces, want);
	r->size = (uint32_t)((HEADER + left + 7) & ~7ul);
	r->begins = w->open;
	w->open = false;
	make_room(w->ring, w->at, r->size);
	pack_bytes(&p, (const uint8_t *)r, HEADER);
	for (unsigned i = 0; left; i++) {
		uint32_t part = piece[i].len < left ? piece[i].len : left;

		pack_bytes(&p, piece[i].base, part);
		left -= part;
	}
	pack_end(&p);
	w->at += r->size;
	return true;
}

void capture_end(struct capture_writer *w)
{
	atomic_store_explicit(&w->ring->written, w->at, memory_order_release);
	atomic_store_explicit(&w->ring->busy, 0, memory_order_release);
}

/* --- a reader -------------------------------------------------------------------------------- */

/* The bytes of a ring as a reader takes them: nothing in its header is used but what was checked.
 */
struct view {
	const struct capture_ring *ring;
	uint64_t size;
};

static void load_bytes(const struct view *v, uint64_t at, uint8_t *to, uint32_t len)
{
	while (len) {
		const uint64_t *from = &v->ring->word[(at & (v->size - 1)) / 8];
		uint64_t word = __atomic_load_n(from, __ATOMIC_RELAXED);
		uint32_t part = len < 8 ? len : 8;

		for (uint32_t i = 0; i < part; i++)
			to[i] = (uint8_t)(word >> 8 * i);
		to += part;
		at += part;
		len -= part;
	}
}

static bool record_fits(const struct capture_record *r, uint64_t there)
{
	return r->size >= HEADER && r->size % 8 == 0 && r->size <= there &&
	       r->captured <= r->size - HEADER && r->kind < CAPTURE_KIND_COUNT;
}

/* Whether the two offsets can be those of such a ring. */
static bool offsets_fit(uint64_t oldest, uint64_t written, uint64_t size)
{
	return oldest % 8 == 0 && written % 8 == 0 && written - oldest <= size;
}

static void note_lost(struct capture_cursor *c, const struct capture_record *r)
{
	if (r->serial > c->serial)
		c->lost += r->serial - c->serial;
	c->serial = r->serial + 1;
	c->at += r->size;
}

/* One attempt; -2: the writer was faster. */
static int read_once(const struct view *v, struct capture_cursor *c, struct capture_record *r,
                     uint8_t *bytes, uint32_t room)
{
	uint64_t written = atomic_load_explicit(&v->ring->written, memory_order_acquire);
	uint64_t oldest = atomic_load_explicit(&v->ring->oldest, memory_order_acquire);

	/* It may have moved since `written` was read. */
	if (oldest > written)
		return -2;
	if (!offsets_fit(oldest, written, v->size) || c->at > written)
		return -1;
	if (c->at < oldest)
		c->at = oldest;
	if (c->at == written)
		return 0;
	load_bytes(v, c->at, (uint8_t *)r, HEADER);
	if (record_fits(r, written - c->at))
		load_bytes(v, c->at + HEADER, bytes, r->captured < room ? r->captured : room);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&v->ring->oldest, memory_order_relaxed) > c->at)
		return -2;
	if (!record_fits(r, written - c->at))
		return -1;
	note_lost(c, r);
	return 1;
}

int capture_read(const struct capture_ring *ring, uint64_t size, struct capture_cursor *cursor,
                 struct capture_record *r, uint8_t *bytes, uint32_t room)
{
	const struct view v = {ring, size};
	int done = -2;

	for (unsigned i = 0; i < TRIES && done == -2; i++)
		done = read_once(&v, cursor, r, bytes, room);
	return done == -2 ? 0 : done;
}
