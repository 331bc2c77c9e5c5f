/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typed.h: what was typed at a guest's console and not read by the guest yet.
 *
 * The boot core puts bytes in; the guest's devices take them out when the guest reads, so that
 * nothing is lost while it boots, resets a FIFO or is slow.  When the queue is full, whoever reads
 * the node's serial port waits, and is called when there is room again.
 */
#ifndef VMM_DEVICES_TYPED_H
#define VMM_DEVICES_TYPED_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define TYPED_BYTES 65536             /* a power of two */
#define TYPED_ROOM  (TYPED_BYTES / 4) /* free, before the source that waits is called */

struct typed {
	struct spinlock lock;        /* of `ring`, and of moving head and tail */
	_Atomic uint32_t head, tail; /* free-running: head - tail bytes wait */
	_Atomic bool source_waits;   /* typed_full() has said so */
	char ring[TYPED_BYTES];
};

/* Drops what waits. */
void typed_reset(struct typed *t);

/* Puts a byte in; false: the queue is full. */
bool typed_put(struct typed *t, char c);

/* True: no byte has room; typed_source_due() becomes true when there is some again. */
bool typed_full(struct typed *t);

/* Bytes that wait.  Any core, without the lock. */
static inline uint32_t typed_waiting(const struct typed *t)
{
	return atomic_load(&t->head) - atomic_load(&t->tail);
}

/* Takes one byte out; -1: there is none. */
int typed_take(struct typed *t);

/* Offers up to `most` bytes to take(), part by part, until it takes less than it was offered; the
 * queue's lock is held meanwhile.  Returns how many it has taken. */
size_t typed_hand_over(struct typed *t, size_t most,
                       size_t (*take)(void *ctx, const char *buf, size_t n), void *ctx);

/* True, once: the source waits, and there is room again. */
bool typed_source_due(struct typed *t);
#endif
