/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netlib.h: network functions over the memory of a trust group (drivers/shm/shm_abi.h).
 *
 * A function receives bursts of frames where they lie, changes them in place, says of each what is
 * to become of it, and sends the burst on: no byte is copied.  It polls, or sleeps until the VMM
 * interrupts it.  C without an operating system and without a C library but for memcpy() and
 * memcmp(); for our own guests and for Linux programs, which map the memory by /dev/dax and the
 * function's BARs.
 *
 * One thread uses a struct netlib at a time.
 */
#ifndef GUEST_IMAGES_NETLIB_NETLIB_H
#define GUEST_IMAGES_NETLIB_NETLIB_H
#include <stdbool.h>
#include <stdint.h>
#include "drivers/shm/shm_abi.h"

#define NETLIB_BURST 64 /* frames that netlib_serve() takes at once, at most */

/* A buffer that is this member's, and the frame in it. */
struct netlib_frame {
	uint8_t *data;   /* its first byte; may be moved within the buffer */
	uint32_t length; /* 1 to what is left of the buffer behind `data` */
	uint8_t to;      /* of SHM_TO: a member's number */
	uint8_t action;  /* enum shm_action; SHM_NEXT when it was received or taken */
};

/* A member's memory, as its guest has mapped it. */
struct netlib {
	struct shm_private *shared;
	uint8_t *buffer; /* the first one */
	void (*doorbell)(void *ctx);
	void *ctx;
	uint32_t mask, buffers, seat, seats, mtu;
	uint8_t mac[6];
	uint32_t in_tail, in_seen;     /* consumed; the head as last read */
	uint32_t out_head, out_seen;   /* produced; the tail as last read */
	uint32_t free_tail, free_seen; /* consumed; the head as last read */
	uint64_t rings;                /* times that the doorbell was rung */
};

/*
 * Uses the private region and the group's region of `bytes`, which both stay mapped as long as
 * *n is used, after the member was started (SHM_IO_STATUS).  doorbell() writes to SHM_IO_DOORBELL,
 * with `ctx`.  NULL: done; else why not.
 */
const char *netlib_open(struct netlib *n, struct shm_private *shared, void *region, uint64_t bytes,
                        void (*doorbell)(void *ctx), void *ctx);

/* Whether the VMM takes and brings frames: it does not before the start, nor after the member broke
 * a rule. */
bool netlib_running(const struct netlib *n);

/* The number of the member with that name; -1: there is none. */
int netlib_member(const struct netlib *n, const char *name);

/* Receives up to `max` frames.  They are this member's until it sends or drops them. */
unsigned netlib_receive(struct netlib *n, struct netlib_frame *frame, unsigned max);

/* Takes up to `max` empty buffers, to be filled and sent: `data` has SHM_HEADROOM bytes before it,
 * and room for SHM_FRAME_MAX.  With none left it rings the doorbell, for more of them later. */
unsigned netlib_take(struct netlib *n, struct netlib_frame *frame, unsigned max);

/* How many empty buffers netlib_take() would get now, without the doorbell. */
unsigned netlib_offered(struct netlib *n);

/* What functions tell each other about a frame: SHM_NOTES bytes, which go with it. */
static inline void *netlib_notes(const struct netlib *n, const struct netlib_frame *frame)
{
	return (void *)(frame->data - (uintptr_t)(frame->data - n->buffer) % SHM_BUFFER);
}

/* How many frames can be sent now. */
unsigned netlib_room(struct netlib *n);

/* Sends up to `count` frames as their actions say, and rings the doorbell if the VMM asked for
 * that.  Returns how many: the others are still this member's, the VMM being behind. */
unsigned netlib_send(struct netlib *n, const struct netlib_frame *frame, unsigned count);

/* Whether the VMM has yet to read some of what was sent.  If not, it has offered all the empty
 * buffers that it had for those. */
bool netlib_unread(const struct netlib *n);

/*
 * Asks for an interrupt when the next frame comes, and looks once more whether one is there.  True:
 * there are frames, and an interrupt may come for them all the same.  False: there are none, and
 * who waits for an interrupt now sleeps until there are, or until the member broke a rule
 * (netlib_running()).
 */
bool netlib_arm(struct netlib *n);

/*
 * Waits for frames: asks for an interrupt, and calls sleep() if none is there.  sleep() returns
 * after the interrupt, at any time if it likes: an interrupt that came before it was called must
 * not be lost to it.  Returns whether there are frames.
 */
bool netlib_wait(struct netlib *n, void (*sleep)(void *ctx), void *ctx);

/* What a network function does with a burst: it sets each frame's action. */
typedef void netlib_function(void *state, struct netlib_frame *frame, unsigned count);

/* Receives a burst, lets the function work on it, and sends it.  Returns how many frames. */
unsigned netlib_serve(struct netlib *n, netlib_function *function, void *state);

#endif
