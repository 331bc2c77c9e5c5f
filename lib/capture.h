/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture.h: copies of frames, in a ring of bytes for each core: one writer, and any readers.
 *
 * The part `capture` of the observation window (lib/window.h) begins with struct capture, on a page
 * of its own; the cores' rings follow, each a struct capture_ring with its bytes.  A ring's writer
 * never waits: when the ring is full, the oldest records are overwritten.
 *
 * Records are written in groups: all that one walk of the switch, or one event, has to say.  A
 * group becomes visible as a whole.  `serial` counts a ring's records; a gap tells a reader how
 * many it lost.  The writer moves `oldest` over the records that it will overwrite before it does
 * so, and a reader looks at `oldest` again after it has copied a record.
 *
 * The groups of all cores are ordered by the TSC of their first records.  `busy` tells a reader
 * which groups it still has to wait for.
 */
#ifndef LIB_CAPTURE_H
#define LIB_CAPTURE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_MAGIC   0x3153474e49524143ul /* "CARINGS1" */
#define CAPTURE_PAGE    4096u
#define CAPTURE_MIRRORS 8   /* at once, at most */
#define CAPTURE_NAME    32  /* bytes of a mirror's name, NUL included */
#define CAPTURE_TEXT    64  /* bytes of what it copies, in the language, NUL included */
#define CAPTURE_WHOLE   ~0u /* a mirror without `cut` */

#define CAPTURE_KINDS(X)                                                                           \
	X(walk)    /* begins a group: frames were taken from `port`; value: how many */            \
	X(frame)   /* one of them, with its bytes; `frame`: its number in the batch.  A second     \
	            * record with the same number: the frame as a link's port gets it.  mirrors 0: \
	            * only those of `out` records want its bytes */                                \
	X(out)     /* `port` has accepted frames; value: which, bit n for frame n */               \
	X(dropped) /* one frame was dropped, counted at `port`; `cause`; CAPTURE_NO_FRAME: before  \
	            * the walk, and there are no bytes */                                          \
	X(made)    /* a frame that the switch itself made was given to `port`, with its bytes;     \
	            * `cause`: it was refused */                                                   \
	X(tick)    /* begins a group: the switch's clock is set; value: seconds */                 \
	X(clock)   /* begins a group: what the clock was when the capture began; value: seconds */ \
	X(up)      /* the driver of `port` is ready (value 1), or gone (0); a group of its own, or \
	            * in a walk that found the driver broken */                                    \
	X(state)   /* begins a group: of `port` when its mirror began; value: 1: it was up */      \
	X(changed) /* begins a group: the description of the node was changed */                   \
	X(ready)   /* begins a group: the driver of `port` takes frames, and the switch sends what \
	            * waited for that */

enum capture_kind {
#define X(name) CAPTURE_##name,
	CAPTURE_KINDS(X)
#undef X
	    CAPTURE_KIND_COUNT
};

#define CAPTURE_NO_FRAME 0xff
#define CAPTURE_OFFLOAD  12 /* bytes of a struct vnet_hdr */

struct capture_record {
	uint32_t size;   /* of the record, this header included; a multiple of 8 */
	uint8_t kind;    /* enum capture_kind */
	uint8_t mirrors; /* whose it is, bit n for mirror n */
	uint16_t port;   /* number */
	uint64_t serial;
	uint64_t tsc;
	uint64_t value;
	uint32_t length;   /* of the frame */
	uint32_t captured; /* bytes of it that follow */
	uint8_t frame;
	uint8_t cause;                    /* enum vnet_drop + 1; 0: none */
	uint8_t begins;                   /* bool: the first record of a group */
	uint8_t leaves;                   /* bool: who sent the frame takes it out of its chain */
	uint8_t offload[CAPTURE_OFFLOAD]; /* the frame's struct vnet_hdr */
};

/* A ring: this header, then `size` bytes. */
struct capture_ring {
	uint64_t size;                    /* bytes, a power of two */
	_Atomic uint64_t oldest, written; /* offsets, free-running: what is between them is whole */
	/* The TSC before the group began that is being written; 0: none is. */
	_Atomic uint64_t busy;
	/* Records that were left out, or frames that were cut, because one walk had more to copy
	 * than a guest may let another wait for. */
	_Atomic uint64_t left_out, cut;
	uint64_t frames[CAPTURE_MIRRORS]; /* of each mirror, all that it saw */
	uint64_t reserved[2];
	uint64_t word[];
};

struct capture_mirror {
	char name[CAPTURE_NAME]; /* empty: no such mirror */
	char text[CAPTURE_TEXT]; /* `network default` */
	uint32_t cut;            /* bytes of a frame that are copied, at most */
	uint32_t reserved;
	uint64_t since; /* TSC */
};

struct capture {
	uint64_t magic;
	uint32_t rings, reserved;
	uint64_t ring_bytes; /* of one, header included; the first is at CAPTURE_PAGE */
	uint64_t tsc_khz;
	uint64_t unix_ns; /* the time when the TSC was 0, as the machine's clock has it; to 1 s */
	struct capture_mirror mirror[CAPTURE_MIRRORS];
};

_Static_assert(sizeof(struct capture_record) == 56, "readers know the layout");
_Static_assert(sizeof(struct capture_ring) == 128, "readers know the layout");
_Static_assert(sizeof(struct capture) <= CAPTURE_PAGE, "one page");

/* --- the writer: the ring's core alone ------------------------------------------------------- */

/* A group that is being written. */
struct capture_writer {
	struct capture_ring *ring; /* NULL: nothing is captured */
	uint64_t at, limit;        /* where the next record goes, and how far the group may reach */
	uint64_t serial;           /* of the next record */
	bool open;                 /* a group is being written, and this is its first record */
};

/* Bytes of a piece of a frame. */
struct capture_piece {
	const uint8_t *base;
	uint32_t len;
};

/* Makes an empty ring of `size` bytes, a power of two, whatever was in the memory, which stays the
 * caller's. */
void capture_ring_init(struct capture_ring *ring, uint64_t size);

/* Begins to write a ring, behind what is in it. */
void capture_open(struct capture_writer *w, struct capture_ring *ring);

/* Begins a group; returns the TSC that its first record is to have. */
uint64_t capture_begin(struct capture_writer *w);

/*
 * Adds a record, and up to `want` bytes of the pieces; sets its size, serial, captured and begins.
 * False, and counted: the group has no room for it.  Of a frame as many bytes are copied as it has
 * room for.
 */
bool capture_put(struct capture_writer *w, struct capture_record *r,
                 const struct capture_piece *piece, unsigned pieces, uint32_t want);

/* Makes the group visible. */
void capture_end(struct capture_writer *w);

/* --- a reader -------------------------------------------------------------------------------- */

/* Where one reader is in one ring. */
struct capture_cursor {
	uint64_t at;     /* offset of the next record */
	uint64_t serial; /* that it should have */
	uint64_t lost;   /* records, so far */
};

/*
 * Copies the next record, with its bytes at most `room`, to `bytes`, and moves on.  1: done, 0:
 * there is none yet, -1: this is no ring, or no longer one: its memory has something else.  `size`:
 * of the ring's bytes, which the caller has checked against the memory.  Whatever is in the memory,
 * and whoever writes it meanwhile, nothing outside it is read.
 */
int capture_read(const struct capture_ring *ring, uint64_t size, struct capture_cursor *cursor,
                 struct capture_record *r, uint8_t *bytes, uint32_t room);

#endif
