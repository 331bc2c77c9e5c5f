/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm_abi.h: the memory that the members of a trust group share, as guests and the VMM see it.
 *
 * The region is one for all members, readable and writable: buffers of SHM_BUFFER bytes, which hold
 * frames.  Beside it each member shares a private region with the VMM alone, struct shm_private,
 * with three rings:
 *
 *   in     VMM -> member   a frame for it; the buffer is the member's from then on
 *   out    member -> VMM   a frame, and what is to be done with it; the buffer is no longer its own
 *   free   VMM -> member   the number of an empty buffer, which is the member's to fill
 *
 * A member may use the buffers that came by `in` and `free` until it gives them away by `out`: it
 * changes a frame in place, sends it on, or drops it.  Who owns a buffer is known to the VMM alone,
 * which checks each entry of `out`.  Nothing but this agreement keeps a member from the others'
 * buffers: that is what trust in a group means.
 *
 * The first SHM_NOTES bytes of a buffer are for what functions tell each other about its frame.
 * They go with it from member to member, whatever they are; the VMM clears them when it puts a
 * frame there.
 *
 * Each ring has one producer and one consumer.  Indices count entries from 0 and wrap at 2^32; an
 * entry's place is its index modulo `entries`, a power of two.  The producer writes an entry and
 * then, as a release, its head; the consumer reads the head as an acquire, takes the entries, and
 * then moves its tail.
 *
 * Who consumes and wants to sleep writes its tail to `event`, and then looks at the head once
 * more.  Who produces moves the head, and then reads `event`: it notifies if the head has passed
 * it, as virtio's event index has it (virtio 1.2, 2.7.10).  Both do this with a full barrier in
 * between, so that one of the two sees what the other wrote.  A member is notified by an MSI-X
 * interrupt, also when it broke a rule; the VMM by a write to SHM_IO_DOORBELL.
 *
 * Little-endian.  Included by guests, among them a module of Linux's: it needs nothing but the
 * compiler's headers.
 */
#ifndef DRIVERS_SHM_SHM_ABI_H
#define DRIVERS_SHM_SHM_ABI_H
#ifdef __KERNEL__
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#define SHM_MAGIC   0x50554f5247544150ul /* "PATGROUP", of a private region */
#define SHM_VERSION 1

#define SHM_BUFFER      2048u /* bytes of a buffer */
#define SHM_NOTES       64u   /* bytes at a buffer's start that functions use as they like */
#define SHM_HEADROOM    128u  /* bytes before a frame that the VMM puts into a buffer */
#define SHM_FRAME_MAX   (SHM_BUFFER - SHM_HEADROOM) /* bytes of such a frame */
#define SHM_BUFFERS_MAX 16384u                      /* buffers of a group, at most */
#define SHM_SEATS       64u                         /* members of a group, at most */
#define SHM_ENTRIES_MAX 4096u                       /* entries of a ring, at most */
#define SHM_SHARE_MAX   4096u                       /* buffers of a member, at most */
#define SHM_SHARE_MIN   16u                         /* ... and at least */
#define SHM_LINE        64u                         /* bytes of a cache line */
#define SHM_NAME        32u                         /* bytes of a name, NUL included */

/* The PCI function of a member: vendor, device. */
#define SHM_PCI_VENDOR 0x1af4
#define SHM_PCI_DEVICE 0x10f3

/* Its BARs: registers (I/O), MSI-X, the private region (memory). */
#define SHM_BAR_IO      0
#define SHM_BAR_MSIX    1
#define SHM_BAR_PRIVATE 2

/* Its registers, of four bytes; the doorbell takes writes of any size. */
#define SHM_IO_DOORBELL   0  /* write: there is something in `out`, or `free` is empty */
#define SHM_IO_STATUS     4  /* read: the same as in the private region; write: SHM_START or 0 */
#define SHM_IO_SEAT       8  /* the member's number */
#define SHM_IO_REGION     16 /* guest-physical address of the region, two registers */
#define SHM_IO_REGION_LEN 24 /* its bytes, two registers */

/* STATUS: writing SHM_START starts the member, unless it broke a rule; writing 0 resets it: its
 * rings are empty then, and its buffers are back with the VMM. */
#define SHM_START  1
#define SHM_BROKEN 2 /* it broke a rule, and needs a reset */

/* What is to be done with a frame of `out`.  Others break a rule.  All frames of a member to the
 * same receiver keep their order. */
enum shm_action {
	SHM_NEXT, /* to the switch, as any guest's frame: routes, addresses, service chains */
	SHM_TO,   /* straight to another member of the group, whose number is in `to` */
	SHM_DROP, /* nowhere: the buffer goes back */
	SHM_OUT,  /* to where its service chain ends, past the services that are left of it; as
	           * SHM_NEXT if the member is in no chain of the frame's */
};

/* An entry of `in` and `out`: one word, which is read and written whole. */
struct shm_desc {
	_Alignas(8) uint32_t at; /* of the frame, from the first buffer on; that is in buffer
	                          * at / SHM_BUFFER */
	uint16_t length;         /* of the frame, which lies in one buffer */
	uint8_t action;          /* enum shm_action; of `in`: 0 */
	uint8_t to;              /* of SHM_TO; else 0 */
};

/* A ring's indices, those of the producer and those of the consumer on lines of their own. */
struct shm_index {
	_Alignas(SHM_LINE) _Atomic uint32_t head; /* the producer's: entries produced */
	_Alignas(SHM_LINE) _Atomic uint32_t tail; /* the consumer's: entries consumed */
	_Atomic uint32_t event;                   /* the consumer's: see above */
};

/* The private region.  The VMM writes the header before the member's guest runs, and reads of all
 * this only out.head, in.tail, in.event, free.tail and the entries of `out`. */
struct shm_private {
	uint64_t magic;
	uint32_t version;
	uint32_t seat, seats;      /* the member's number, and how many members there are */
	uint32_t share;            /* buffers of each member */
	uint32_t buffers, entries; /* of the region; of each ring, a power of two */
	uint64_t region_bytes;
	uint32_t mtu; /* of the network: bytes behind the Ethernet header */
	uint8_t mac[6];
	uint8_t reserved[2];
	_Alignas(SHM_LINE) _Atomic uint32_t status; /* SHM_START: it runs; SHM_BROKEN */
	struct shm_index in, out, free;
	_Alignas(SHM_LINE) char name[SHM_SEATS][SHM_NAME]; /* of the members, by number */
	_Alignas(4096) struct shm_desc in_ring[SHM_ENTRIES_MAX];
	struct shm_desc out_ring[SHM_ENTRIES_MAX];
	uint32_t free_ring[SHM_ENTRIES_MAX];
};

#define SHM_PRIVATE_BYTES 0x20000u /* bytes of a private region; its BAR is that large */

_Static_assert(sizeof(struct shm_desc) == 8, "an entry is a word");
_Static_assert(sizeof(struct shm_index) == 2 * SHM_LINE, "two lines");
_Static_assert(offsetof(struct shm_index, event) == SHM_LINE + 4, "guests know the layout");
_Static_assert(offsetof(struct shm_private, status) == 64, "guests know the layout");
_Static_assert(offsetof(struct shm_private, in) == 128, "guests know the layout");
_Static_assert(offsetof(struct shm_private, name) == 512, "guests know the layout");
_Static_assert(offsetof(struct shm_private, in_ring) == 4096, "guests know the layout");
_Static_assert(sizeof(struct shm_private) <= SHM_PRIVATE_BYTES, "it fits its BAR");

#endif
