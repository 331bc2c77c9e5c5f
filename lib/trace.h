/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h: rings of time stamps, one writer each, and any readers.
 *
 * A ring belongs to one core of the VMM, or to a guest that moves frames (Dom0).  Its writer never
 * waits: when the ring is full, the oldest record is overwritten.  A reader keeps its own count of
 * the records that it has read; `written` tells it what is new, and, where the difference exceeds
 * `records`, how many it lost.  A record that the writer may have begun to overwrite while it was
 * copied is one of the lost, too, hence trace_read() looks at `written` twice.
 *
 * Records are tied together by numbers that both sides see.  Inside the VMM, by the core and the
 * number of the walk on it: all records of one walk have the same.  Between the VMM and a guest, by
 * the port and the frame's position in the port's ring: how many chains the driver had offered
 * before it, modulo 2^16 (virtio 1.2, 2.7.6: the index of the available ring).
 */
#ifndef LIB_TRACE_H
#define LIB_TRACE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The steps of a frame, in the order of its way.  `frames` is a set, bit n for frame n of the walk;
 * a MAC has its first byte on the wire lowest, as mac_t has it.
 */
#define TRACE_STEPS(X)                                                                             \
	X(kick)        /* the guest's exit began, by which the walk was asked for; port: where the \
	                * frames came in */                                                        \
	X(taken)       /* one frame was taken from the ring; port: the same; `frame`: its number;  \
	                * a: its source MAC, in bits 48 to 63 its position in the TX ring;         \
	                * b: its destination MAC, in bits 48 to 63 its length in bytes */          \
	X(looked_up)   /* all frames have their destinations; a: frames; b: number of the port     \
	                * whose ring they lay in; `port` is the link that they came by, if any */  \
	X(copied)      /* frames are in the RX ring of `port`; a: the first one's position, and in \
	                * bits 32 to 63 how many chains were used; b: how many frames */           \
	X(raised)      /* the receiver was interrupted, if its driver wants to be; port: the       \
	                * destination, a device or a link; a: frames; b: how many it accepted */   \
	X(returned)    /* the last destination is served; the sender may have its buffers back */  \
	X(guest_taken) /* a guest took a frame from the RX ring of `port`; a: its position */      \
	X(nic_given)   /* the guest gave that frame to its NIC; a: the same */                     \
	X(nic_taken)   /* a guest found a frame at its NIC; a: its position in the TX ring of      \
	                * `port`, where it goes */                                                 \
	X(guest_given) /* the frame is on the TX ring of `port`; a: the same */

enum trace_step {
#define X(name) TRACE_##name,
	TRACE_STEPS(X)
#undef X
	    TRACE_STEP_COUNT
};

struct trace_record {
	uint64_t tsc; /* the machine's; a guest that has set its own takes the difference off */
	uint32_t walk;
	uint16_t port; /* number */
	uint8_t step;  /* enum trace_step */
	uint8_t frame;
	uint64_t a, b; /* as TRACE_STEPS has them */
};

#define TRACE_MAGIC 0x31474e4952435254ul /* "TRCRING1" */

/* A ring: this header, then the records. */
struct trace_ring {
	uint64_t magic;
	uint32_t records; /* a power of two */
	uint16_t owner;   /* number of the core, or of the guest */
	uint16_t unused;
	_Atomic uint64_t written; /* records, since the ring was made */
	_Atomic uint64_t on;      /* bool; what a guest that writes the ring looks at */
	uint64_t reserved[4];
	struct trace_record record[];
};

_Static_assert(sizeof(struct trace_record) == 32, "readers know the layout");
_Static_assert(sizeof(struct trace_ring) == 64, "readers know the layout");

/* Bytes of a ring of so many records. */
static inline uint64_t trace_bytes(uint32_t records)
{
	return sizeof(struct trace_ring) + (uint64_t)records * sizeof(struct trace_record);
}

static inline uint64_t trace_now(void)
{
	return __builtin_ia32_rdtsc();
}

/* Makes an empty ring, whatever was in the memory, which stays the caller's. */
void trace_ring_init(struct trace_ring *ring, uint32_t records, uint16_t owner);

/* Adds a record; by the ring's one writer. */
static inline void trace_put(struct trace_ring *ring, const struct trace_record *r)
{
	uint64_t n = atomic_load_explicit(&ring->written, memory_order_relaxed);

	ring->record[n & (ring->records - 1)] = *r;
	atomic_store_explicit(&ring->written, n + 1, memory_order_release);
}

/*
 * Copies up to `max` records from number *next on, the oldest first, and moves *next behind them.
 * Adds to *lost how many were overwritten before they could be copied.  Returns how many were
 * copied; 0: there are no new ones.  `ring` may be memory that a guest writes: nothing in it is
 * used as an index unchecked; `records` is what the reader found to fit the ring's memory.
 */
unsigned trace_read(const struct trace_ring *ring, uint32_t records, uint64_t *next,
                    struct trace_record *to, unsigned max, uint64_t *lost);

#endif
