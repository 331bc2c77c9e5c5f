/* SPDX-License-Identifier: BSD-2-Clause */
/* channel.c: see channel.h. */
#include <string.h>
#include "guest-images/netlib/channel.h"

#define MAGIC    0x6c656e6e61686301ull
#define UNIT     8u /* segments begin at multiples */
#define SEGMENTS 4u /* of the largest size, in a ring: both sides copy at the same time */

struct channel_memory {
	uint64_t magic, size;
	uint8_t pad0[CHANNEL_LINE - 16];
	uint64_t written;
	uint8_t pad1[CHANNEL_LINE - 8];
	uint64_t read;
	uint8_t pad2[CHANNEL_LINE - 8];
	uint8_t ring[];
};

_Static_assert(offsetof(struct channel_memory, written) == CHANNEL_LINE &&
                   offsetof(struct channel_memory, read) == 2 * CHANNEL_LINE &&
                   offsetof(struct channel_memory, ring) == 3 * CHANNEL_LINE,
               "each counter has a cache line of its own");

/* In front of each part of a message. */
struct segment {
	uint32_t bytes;
	uint32_t left; /* of the message, after this segment */
};

/* Acquire: what the other side wrote before its counter is read after it. */
static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

static uint64_t whole_units(uint64_t bytes)
{
	return (bytes + UNIT - 1) & ~(uint64_t)(UNIT - 1);
}

bool channel_make(void *memory, size_t size)
{
	struct channel_memory *m = memory;
	uint64_t ring = CHANNEL_LINE;

	if (size < CHANNEL_MEMORY_MIN || (uintptr_t)memory % CHANNEL_LINE)
		return false;
	while (ring * 2 <= size - sizeof *m)
		ring *= 2;
	store(&m->magic, 0);
	store(&m->size, ring);
	store(&m->written, 0);
	store(&m->read, 0);
	store(&m->magic, MAGIC);
	return true;
}

static bool open_side(struct channel *c, void *memory, size_t size)
{
	struct channel_memory *m = memory;
	uint64_t ring;

	memset(c, 0, sizeof *c);
	if (size < CHANNEL_MEMORY_MIN || (uintptr_t)memory % CHANNEL_LINE ||
	    load(&m->magic) != MAGIC)
		return false;
	ring = load(&m->size);
	if (ring < CHANNEL_LINE || (ring & (ring - 1)) || ring > size - sizeof *m)
		return false;
	c->memory = m;
	c->ring = m->ring;
	c->size = ring;
	return true;
}

/* The two counters say how much of the ring is used: a multiple of a unit, and no more than it
 * has. */
static bool sound(const struct channel *c, uint64_t written, uint64_t read)
{
	return written - read <= c->size && (written | read) % UNIT == 0;
}

bool channel_open_sender(struct channel *c, void *memory, size_t size)
{
	if (!open_side(c, memory, size))
		return false;
	c->mine = load(&c->memory->written);
	c->other = load(&c->memory->read);
	return sound(c, c->mine, c->other);
}

bool channel_open_receiver(struct channel *c, void *memory, size_t size)
{
	if (!open_side(c, memory, size))
		return false;
	c->mine = load(&c->memory->read);
	c->other = load(&c->memory->written);
	return sound(c, c->other, c->mine);
}

static enum channel_result broken(struct channel *c)
{
	c->broken = true;
	return CHANNEL_BROKEN;
}

/* --- sending -------------------------------------------------------------------------------- */

static void copy_in(struct channel *c, uint64_t at, const uint8_t *from, uint64_t n)
{
	uint64_t place = at & (c->size - 1);
	uint64_t first = n < c->size - place ? n : c->size - place;

	memcpy(c->ring + place, from, first);
	memcpy(c->ring, from + first, n - first);
}

/* One segment of n bytes, for which there is room.  Its header does not wrap: it is a unit. */
static void put_segment(struct channel *c, const uint8_t *from, uint32_t n, uint32_t left)
{
	struct segment s = {n, left};

	copy_in(c, c->mine, (const uint8_t *)&s, sizeof s);
	copy_in(c, c->mine + sizeof s, from, n);
	c->mine += sizeof s + whole_units(n);
	store(&c->memory->written, c->mine);
}

/* Room for so many bytes more; reads the other's counter only if there seems to be none. */
static bool has_room(struct channel *c, uint64_t bytes)
{
	if (c->size - (c->mine - c->other) >= bytes)
		return true;
	c->other = load(&c->memory->read);
	if (!sound(c, c->mine, c->other))
		c->broken = true;
	return !c->broken && c->size - (c->mine - c->other) >= bytes;
}

enum channel_result channel_send(struct channel *c, const void *message, uint32_t length)
{
	uint32_t most = (uint32_t)(c->size / SEGMENTS - sizeof(struct segment));

	if (c->broken || !length || length > CHANNEL_MESSAGE_MAX)
		return broken(c);
	while (c->done < length) {
		uint32_t left = length - c->done, n = left < most ? left : most;

		if (!has_room(c, sizeof(struct segment) + whole_units(n)))
			return c->broken ? CHANNEL_BROKEN : CHANNEL_WAIT;
		put_segment(c, (const uint8_t *)message + c->done, n, left - n);
		c->done += n;
	}
	c->done = 0;
	return CHANNEL_DONE;
}

/* --- receiving ------------------------------------------------------------------------------ */

static void copy_out(const struct channel *c, uint64_t at, uint8_t *to, uint64_t n)
{
	uint64_t place = at & (c->size - 1);
	uint64_t first = n < c->size - place ? n : c->size - place;

	memcpy(to, c->ring + place, first);
	memcpy(to + first, c->ring, n - first);
}

/* The header at this side's counter, read once. */
static struct segment header(const struct channel *c)
{
	uint64_t word =
	    __atomic_load_n((const uint64_t *)(const void *)(c->ring + (c->mine & (c->size - 1))),
	                    __ATOMIC_RELAXED);
	struct segment s;

	memcpy(&s, &word, sizeof s);
	return s;
}

/* Bytes that have come; CHANNEL_WAIT in *r: none, CHANNEL_BROKEN: the counter is nonsense. */
static uint64_t arrived(struct channel *c, enum channel_result *r)
{
	if (c->other == c->mine)
		c->other = load(&c->memory->written);
	*r = CHANNEL_WAIT;
	if (!sound(c, c->other, c->mine))
		*r = broken(c);
	return *r == CHANNEL_BROKEN ? 0 : c->other - c->mine;
}

/* Does the segment lie within what has come, continue the message, and fit into the rest of the
 * buffer? */
static bool good_segment(const struct channel *c, const struct segment *s, uint64_t there,
                         uint32_t room)
{
	uint64_t whole = (uint64_t)s->bytes + s->left;

	if (!s->bytes || sizeof *s + whole_units(s->bytes) > there)
		return false;
	return c->done ? whole == c->left : whole <= room && whole <= CHANNEL_MESSAGE_MAX;
}

enum channel_result channel_receive(struct channel *c, void *message, uint32_t room,
                                    uint32_t *length)
{
	enum channel_result r = CHANNEL_BROKEN;
	uint64_t there;

	while (!c->broken && (there = arrived(c, &r))) {
		struct segment s = header(c);

		/* A caller that comes with less room than before must not be written beyond it. */
		if (!good_segment(c, &s, there, room) || c->done > room || s.bytes > room - c->done)
			return broken(c);
		copy_out(c, c->mine + sizeof s, (uint8_t *)message + c->done, s.bytes);
		c->mine += sizeof s + whole_units(s.bytes);
		store(&c->memory->read, c->mine);
		c->done += s.bytes;
		c->left = s.left;
		if (!s.left) {
			*length = c->done;
			c->done = 0;
			return CHANNEL_DONE;
		}
	}
	return r;
}
