/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ism.h: the ISM device, by which guests of one domain exchange sockets' data past their network
 * stacks (Linux: SMC-D; docs/ism.md).
 *
 * A guest registers buffers (DMBs) of its memory, each for one other member of its domain, by whose
 * GID.  A member submits a message: pieces of its memory and a header.  The core that takes the
 * exit checks the message whole, copies the pieces into the receiver's DMB and then the header,
 * sets the DMB's bit in the receiver's area and interrupts the receiver if the bit was clear.
 *
 * Nobody's memory is mapped into another guest, and no lock is held while data is copied.  A core
 * that writes into a DMB marks it busy, for one visit of at most ISM_VISIT bytes; whoever takes
 * the DMB away first forbids new visits and then waits for the one that is under way, so that
 * nothing is written when the guest has its memory back.
 *
 * Lock order: vpci.lock -> ism.lock of one guest -> ism.event_lock of one guest ->
 * vpci_dev.msix_lock.
 */
#ifndef DRIVERS_ISM_ISM_H
#define DRIVERS_ISM_ISM_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "drivers/bus/gpa.h"
#include "drivers/bus/vpci.h"
#include "lib/ism_format.h"
#include "lib/spinlock.h"

#define ISM_MEMBERS 64 /* of all domains together: a bit of a word each */
#ifndef ISM_VISIT
#define ISM_VISIT (64u << 10) /* bytes that one visit copies, at most */
#endif

struct ism;

/* All devices of the node, by member number. */
struct ism_fabric {
	_Atomic(struct ism *) member[ISM_MEMBERS];
};

/* Counters besides the refusals (ISM_REFUSALS).  The first ones, of messages, are kept by the jobs:
 * a locked addition would cost each message as much as its look-up. */
#define ISM_JOB_COUNTERS 4
#define ISM_COUNTERS(X)                                                                            \
	X(messages, NULL, "Messages that the guest sent, done.")                                   \
	X(data, "bytes", "Data in them.")                                                          \
	X(submits, NULL, "Exits by which the guest submitted messages.")                           \
	X(coalesced, NULL,                                                                         \
	  "Messages whose receiver had not looked at its DMB since the last one: no interrupt.")   \
	X(visits, NULL, "Continuations of a message, of which one visit copies 64 KiB.")           \
	X(commands, NULL, "Commands of the guest's driver.")                                       \
	X(starts, NULL, "Times that the guest's driver switched the device on.")                   \
	X(events, NULL, "Events for the guest.")                                                   \
	X(events_lost, NULL, "Events for which its queue had no room: it looks at all peers.")     \
	X(bad_access, NULL, "Accesses to registers that do not exist, or of a wrong width.")       \
	X(bad_area, NULL,                                                                          \
	  "Refusals to switch on: the area is not the guest's memory, or bus mastering is off.")   \
	X(bad_submit, NULL, "Submissions of slots that do not exist or are not done, or while off.")

enum ism_counter {
#define X(name, unit, help) ISM_COUNT_##name,
	ISM_COUNTERS(X)
#undef X
	    ISM_COUNT_REFUSED, /* here those of ISM_REFUSALS begin */
	ISM_COUNTER_COUNT = ISM_COUNT_REFUSED + ISM_STATUS_COUNT - ISM_bad_command
};

/* ism_dmb.state: a set of these.  A sender may write only if it is exactly LIVE. */
#define ISM_DMB_LIVE 1u
#define ISM_DMB_BUSY 2u /* a core writes */
#define ISM_DMB_GONE 4u /* no new visits: its owner waits until it is no longer BUSY */

struct ism_dmb {
	_Atomic uint32_t state; /* 0: none; the fields below do not change while it is not 0 */
	uint32_t length;
	uint8_t *memory;
	_Atomic uint64_t token, peer; /* atomic: others compare them before they touch the state */
	uint16_t vector;
	bool window;
};

enum ism_job_state {
	ISM_JOB_NONE,
	ISM_JOB_ACTIVE, /* a core visits it */
	ISM_JOB_QUEUED, /* work is left */
};

/* A message under way: what was read of its slot, once. */
struct ism_job {
	_Atomic uint32_t state;
	uint32_t total;                   /* bytes of data */
	uint32_t pieces, next;            /* how many; the first that was not copied whole */
	uint64_t count[ISM_JOB_COUNTERS]; /* written by the core for which it is ACTIVE */
	struct ism_slot *slot;            /* in the area */
	uint64_t token;
	uint64_t header[ISM_WORD_READ];
	struct ism_part { /* what is left of a piece */
		const uint8_t *source;
		uint32_t length, offset; /* bytes; from the DMB's start */
	} part[ISM_PIECES];
};

struct ism {
	struct vpci_dev pci; /* first: the bus passes this pointer */
	struct ism_fabric *fabric;
	const struct gmem *mem;
	unsigned member, domain;
	struct spinlock
	    lock; /* registers and commands, of which the guest's cores do one at a time */
	_Atomic bool running;
	_Atomic uint64_t gid;  /* 0 while it is off */
	uint32_t generation;   /* of the GID: another one after each start */
	uint32_t token_count;  /* of the tokens */
	uint64_t area_gpa;     /* as the driver wrote it */
	struct ism_area *area; /* the VMM's pointer; valid while it is running */
	struct spinlock event_lock;
	bool takes_events;       /* under event_lock */
	_Atomic uint64_t talks;  /* members with whom there was a DMB, in either direction */
	_Atomic uint64_t queued; /* bit n: job n has work left */
	struct ism_dmb dmb[ISM_DMBS];
	struct ism_job job[ISM_SLOTS];
	_Atomic uint64_t count[ISM_COUNTER_COUNT]; /* the jobs have the first ones */
};

/*
 * Makes the device of member `member` of the node, in memory that the caller owns, that is zeroed
 * and stays when the guest is gone: other members' cores may look at it at any time.  Members with
 * the same `domain`, from 1 on, reach each other.  `seed`: where GIDs begin; not the same after
 * each boot.  Then vpci_add(&d->pci), and ism_join().
 */
void ism_init(struct ism *d, struct ism_fabric *fabric, unsigned member, unsigned domain,
              const struct gmem *mem, uint32_t seed);

/* Makes the device known to its domain; ism_leave() ends that.  For ism_leave() the guest does not
 * run, and the bus was reset. */
void ism_join(struct ism *d);
void ism_leave(struct ism *d);

/* The i-th counter by its name, from 0 on; false when there are no more: enum ism_counter, then
 * those of MSI-X.  Any core. */
bool ism_counter(const struct ism *d, unsigned i, const char **name, uint64_t *value);

/* How many DMBs the guest has registered, and with how many members there was one since its start,
 * in either direction; any core. */
unsigned ism_dmbs(const struct ism *d);
unsigned ism_peers(const struct ism *d);

#endif
