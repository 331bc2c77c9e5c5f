/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stamps.h: when Dom0 had which frame, for the node's trace (lib/trace.h).
 *
 * The VMM gives a guest with a physical device a ring of its own in a PCI device's BAR, if the node
 * is to be traced, and sets `on` in it while it is.  Frames are named by their positions in the
 * port's rings, which the VMM knows, too.
 */
#ifndef DOM0_STAMPS_H
#define DOM0_STAMPS_H
#include "lib/trace.h"

#define STAMPS_BATCH 64 /* frames of one poll, at most */

struct stamps {
	struct trace_ring *ring;         /* NULL: the VMM gave none */
	uint16_t position[STAMPS_BATCH]; /* of the frames that the next flush hands over */
	unsigned n;
};

/* Finds the ring. */
void stamps_start(struct stamps *s);

static inline bool stamps_on(const struct stamps *s)
{
	return s->ring && atomic_load_explicit(&s->ring->on, memory_order_relaxed);
}

/* A frame with this position was met at `tsc`, and is among those of the next stamps_flush(). */
void stamps_frame(struct stamps *s, enum trace_step step, uint16_t position, uint64_t tsc);

/* The frames since the last call are handed over now. */
void stamps_flush(struct stamps *s, enum trace_step step);

#endif
