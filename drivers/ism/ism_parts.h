/* SPDX-License-Identifier: BSD-2-Clause */
/* ism_parts.h: what the files of the ISM device share. */
#ifndef DRIVERS_ISM_ISM_PARTS_H
#define DRIVERS_ISM_ISM_PARTS_H
#include "drivers/ism/ism.h"

static inline void ism_count(struct ism *d, enum ism_counter c)
{
	atomic_fetch_add_explicit(&d->count[c], 1, memory_order_relaxed);
}

/* Counts a refusal; any other status is none. */
static inline enum ism_status ism_refuse(struct ism *d, enum ism_status s)
{
	if (s >= ISM_bad_command)
		ism_count(d, (enum ism_counter)(ISM_COUNT_REFUSED + s - ISM_bad_command));
	return s;
}

/*
 * GIDs and tokens are two times the same 32 bits, of which the high half has its bytes swapped:
 * Linux 6.1 sends them in the host's byte order, 6.12 in the network's.
 */
static inline uint64_t ism_name(uint32_t half)
{
	return (uint64_t)__builtin_bswap32(half) << 32 | half;
}

/* The low bits of both name the member; of a token the next ones are the DMB's index. */
#define ISM_NAME_MEMBER(name) ((unsigned)(name) % ISM_MEMBERS)
#define ISM_NAME_INDEX(name)  ((unsigned)(name) / ISM_MEMBERS % ISM_DMBS)

/* The member of d's domain with this GID, now; NULL: none. */
struct ism *ism_find(const struct ism *d, uint64_t gid);

/* ism_dmb.c: registers a DMB, as the command says; puts its token there. */
enum ism_status ism_dmb_register(struct ism *d, struct ism_command *c);
/* Takes it away; waits for a visit that is under way. */
enum ism_status ism_dmb_unregister(struct ism *d, unsigned index);
/* The same for all of them. */
void ism_dmb_clear(struct ism *d);
/* The DMB with this token, marked busy for the caller, a core of `from`, which then calls
 * ism_dmb_leave(); *owner has it.  Or why not. */
enum ism_status ism_dmb_enter(const struct ism *from, uint64_t token, struct ism **owner,
                              struct ism_dmb **dmb);
static inline void ism_dmb_leave(struct ism_dmb *b)
{
	atomic_fetch_and_explicit(&b->state, ~ISM_DMB_BUSY, memory_order_release);
}

/* ism_header.c: may this header be written into the DMB, with `bytes` of data?  The DMB is busy for
 * the caller.  A header has no ISM_WORD_READ, and that of the DMB is the receiver's. */
enum ism_status ism_header_check(const struct ism_dmb *dmb, const uint64_t header[ISM_WORD_READ],
                                 uint32_t bytes);

/* ism_move.c: the guest submitted this slot. */
void ism_submit(struct ism *d, uint32_t slot);
/* One visit of a message that has work left. */
void ism_continue(struct ism *d);
/* Ends all messages; none is under way any more, and running is false. */
void ism_jobs_end(struct ism *d);

/* ism_event.c: an event for the guest of `to`, if its driver takes any. */
void ism_event_post(struct ism *to, const struct ism_event *e);
/* The queue is there, and empty; or it is gone, and nothing is written there any more. */
void ism_events_start(struct ism *d);
void ism_events_stop(struct ism *d);

#endif
