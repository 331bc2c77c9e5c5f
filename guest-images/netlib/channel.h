/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel.h: messages from one guest to another through memory that both have, without an exit.
 *
 * One sender, one receiver; two channels make a connection.  The memory has a ring of bytes, and
 * two counters, each written by one side alone and on a cache line of its own.  A message is sent
 * in segments, so that it may be longer than the ring, and is copied in while it is copied out.
 *
 *   line 0: magic, ring's size | line 1: bytes written | line 2: bytes read | line 3 on: the ring
 *
 * A side trusts the other with nothing but the bytes of its messages: it reads each of the other's
 * numbers once, checks it, and never touches memory outside of the channel, whatever is written
 * there.  Nonsense breaks the channel for the side that finds it (CHANNEL_BROKEN); then both must
 * begin anew, by channel_make().
 *
 * Needs no operating system, and no function but memcpy().
 */
#ifndef GUEST_IMAGES_NETLIB_CHANNEL_H
#define GUEST_IMAGES_NETLIB_CHANNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_LINE        64u
#define CHANNEL_MESSAGE_MAX (1u << 20) /* bytes of a message; at least 1 */
#define CHANNEL_MEMORY_MIN  (8u * CHANNEL_LINE)

struct channel_memory;

/* One side of a channel, in its own memory. */
struct channel {
	struct channel_memory *memory;
	uint8_t *ring;
	uint64_t size;  /* bytes of the ring, a power of two */
	uint64_t mine;  /* this side's counter */
	uint64_t other; /* the other's, as last read */
	uint32_t done;  /* bytes of the present message that were sent or received */
	uint32_t left;  /* receiver: bytes of it that are to come */
	bool broken;
};

enum channel_result {
	CHANNEL_WAIT,   /* the other side must go on first: call again */
	CHANNEL_DONE,   /* the whole message was sent, or received */
	CHANNEL_BROKEN, /* the other side has written nonsense */
};

/*
 * Makes an empty channel in `size` bytes of memory at a multiple of CHANNEL_LINE, at least
 * CHANNEL_MEMORY_MIN; the ring is the largest power of two that fits.  One of the two sides does
 * it, while the other does not use it.  False: the memory does not do.
 */
bool channel_make(void *memory, size_t size);

/* Opens a side of the channel in `size` bytes of memory.  False: there is none (yet), or it does
 * not fit into them. */
bool channel_open_sender(struct channel *c, void *memory, size_t size);
bool channel_open_receiver(struct channel *c, void *memory, size_t size);

/*
 * Sends a message of `length` bytes (1 to CHANNEL_MESSAGE_MAX), as far as there is room; to be
 * called with the same message until it was sent.  Never waits.
 */
enum channel_result channel_send(struct channel *c, const void *message, uint32_t length);

/*
 * Receives what has come of a message into `message`, which has room for `room` bytes; to be called
 * with the same arguments until it is whole: then *length is its length.  A longer message, or less
 * room than what has come of it, breaks the channel.  Never waits.
 */
enum channel_result channel_receive(struct channel *c, void *message, uint32_t room,
                                    uint32_t *length);
#endif
