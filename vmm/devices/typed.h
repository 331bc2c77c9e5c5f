/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typed.h: input typed at a guest's console that the guest has not read yet.
 *
 * The boot core puts bytes in; the guest's devices take them out when the guest reads, so that no
 * byte is lost while the guest boots, resets a FIFO or is slow.  When the queue is full, the reader
 * of the node's serial port stops, and is called when there is room again.
 */
#ifndef VMM_DEVICES_TYPED_H
#define VMM_DEVICES_TYPED_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define TYPED_BYTES 65536             /* a power of two */
#define TYPED_ROOM  (TYPED_BYTES / 4) /* free, before the stopped source is called */

struct typed {
	struct spinlock lock;        /* protects `ring` and changes of head and tail */
	_Atomic uint32_t head, tail; /* free-running: head - tail bytes wait */
	_Atomic bool source_waits;   /* the source stopped at typed_full() */
	char ring[TYPED_BYTES];
};

/* Drops all waiting bytes. */
void typed_reset(struct typed *t);

/* Puts a byte in; false: the queue is full. */
bool typed_put(struct typed *t, char c);

/* True: the queue is full; typed_source_due() becomes true when it has room again. */
bool typed_full(struct typed *t);

/* Number of waiting bytes.  Any core, without the lock. */
static inline uint32_t typed_waiting(const struct typed *t)
{
	return atomic_load(&t->head) - atomic_load(&t->tail);
}

/* Takes one byte out; -1: there is none. */
int typed_take(struct typed *t);

/* Passes up to `most` bytes to take(), in parts, until it takes less than it was offered; the
 * queue's lock is held meanwhile.  Returns how many were taken. */
size_t typed_hand_over(struct typed *t, size_t most,
                       size_t (*take)(void *ctx, const char *buf, size_t n), void *ctx);

/* True, once: a stopped source is to be called, because there is room again. */
bool typed_source_due(struct typed *t);
#endif
