/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ism_format.h: what a guest's driver and the ISM device (drivers/ism/) share: registers, and the
 * area in the guest's memory.  docs/ism.md explains it.  Little-endian, as the machine.
 *
 * The device carries the messages of SMC-D (RFC 7609 describes its ancestor; Linux, net/smc): a
 * receiver registers buffers (DMBs) of its memory, each for one peer, and the peer has the device
 * write into them.  A DMB begins with the connection's header, whose two cursors say how far the
 * ring behind it was written and how far the sender has read its own.
 */
#ifndef LIB_ISM_FORMAT_H
#define LIB_ISM_FORMAT_H
#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define ISM_PCI_VENDOR 0x1af4
#define ISM_PCI_DEVICE 0x10f2 /* free for experiments (QEMU, docs/specs/pci-ids) */

/* Registers in the I/O BAR 0, 32 bits each; BAR 1 has the MSI-X table. */
#define ISM_REG_MAGIC   0x00 /* ISM_MAGIC */
#define ISM_REG_VERSION 0x04 /* ISM_VERSION */
#define ISM_REG_GID     0x08 /* 64 bits; 0 while the device is off */
#define ISM_REG_AREA    0x10 /* 64 bits, writable while the device is off: address of the area */
#define ISM_REG_ENABLE  0x18 /* 1: on; 0: off, all DMBs are gone; reads as what it is */
#define ISM_REG_DOMAIN  0x1c /* number of the domain, from 1 on: the same for all its members */
#define ISM_REG_COMMAND 0x20 /* a write carries out area.command */
#define ISM_REG_SUBMIT  0x24 /* the number of the slot with a message */

#define ISM_MAGIC   0x4d534950u /* "PISM" */
#define ISM_VERSION 1

#define ISM_DMBS    256 /* of a guest */
#define ISM_SLOTS   64  /* messages of a guest at the same time */
#define ISM_PIECES  4   /* of a message's data */
#define ISM_EVENTS  32
#define ISM_VECTORS 5 /* 0: events; a DMB has any, as registered */

#define ISM_DMB_MIN (16u << 10) /* bytes of a DMB; a power of two */
#define ISM_DMB_MAX (1u << 20)
#define ISM_HEADER  32u /* bytes of the header at a DMB's start */

/* Words of the header, 8 bytes each. */
enum { ISM_WORD_TYPE, ISM_WORD_PRODUCED, ISM_WORD_CONSUMED, ISM_WORD_READ };
#define ISM_TYPE_CDC 0xfe /* low byte of ISM_WORD_TYPE; 0: the buffer was cleared */
/*
 * PRODUCED and CONSUMED are cursors: 16 bits of wraps, 32 bits of position in the ring, 16 bits of
 * flags.  READ, of which smc knows nothing, is the receiver's: how far it has read this ring;
 * the device compares it for a DMB registered with ISM_DMB_WINDOW.
 */
#define ISM_CURSOR_WRAP(w)  ((uint16_t)(w))
#define ISM_CURSOR_COUNT(w) ((uint32_t)((w) >> 16))

enum ism_command_code {
	ISM_REGISTER = 1, /* gid, gpa, length, index, vector, flags -> token */
	ISM_UNREGISTER,   /* index; when it is done, the device writes there no more */
	ISM_QUERY,        /* gid: is there such a member of the domain? */
	ISM_SIGNAL,       /* gid, event, info: an event of type ISM_EVENT_SIGNAL for it */
};

#define ISM_DMB_WINDOW 1u /* a message that would overwrite what was not read is refused */

/* Why a command or a message was refused, in the order of their values. */
#define ISM_REFUSALS(X)                                                                            \
	X(bad_command, "Commands that do not exist.")                                              \
	X(bad_address, "Memory that is not the guest's, or does not begin at a page.")             \
	X(bad_length, "DMBs whose length is no power of two from 16 KiB to 1 MiB.")                \
	X(bad_index, "DMBs with an index or vector that is taken, or does not exist.")             \
	X(no_peer, "GIDs that no member of the domain has, or has any more.")                      \
	X(bad_request, "Messages with too many pieces.")                                           \
	X(bad_token, "Messages for a DMB that does not exist, or does not exist any more.")        \
	X(not_peer, "Messages for a DMB that was registered for another sender.")                  \
	X(out_of_bounds, "Messages with data beyond the end of the DMB.")                          \
	X(bad_header, "Messages without a CDC header.")                                            \
	X(bad_cursor, "Messages whose cursors do not fit the DMB, or the data that they carry.")   \
	X(no_window, "Messages that would have overwritten what the receiver had not read.")       \
	X(stale, "Messages for a connection whose receiver has closed it.")                        \
	X(dmb_busy, "Messages for a DMB into which another core just wrote.")                      \
	X(stopped, "Messages not done when their own guest switched the device off.")

enum ism_status {
	ISM_OK,
	ISM_PENDING, /* written by the driver, before it submits */
#define X(name, help) ISM_##name,
	ISM_REFUSALS(X)
#undef X
	    ISM_STATUS_COUNT
};

struct ism_command {
	uint32_t code;
	uint32_t status; /* enum ism_status, written by the device */
	uint64_t gid, gpa;
	uint64_t token; /* written by the device */
	uint32_t length;
	uint16_t index, vector;
	uint32_t flags;
	uint32_t event;
	uint64_t info;
	uint64_t reserved;
};

/* A message: up to ISM_PIECES of data from the sender's memory into the DMB, then the header. */
struct ism_piece {
	uint64_t gpa;
	uint32_t length, offset; /* bytes; from the DMB's start */
};

struct ism_slot {
	uint64_t token;
	uint32_t status; /* written by the device when the message is done */
	uint32_t pieces;
	struct ism_piece piece[ISM_PIECES];
	uint64_t header[4];
	uint64_t reserved[2];
};

#define ISM_EVENT_GONE   1 /* the member with this GID is gone */
#define ISM_EVENT_SIGNAL 2 /* the member with this GID sent code and info */

struct ism_event {
	uint32_t type, code;
	uint64_t gid, info, reserved;
};

/* On a page's start. */
struct ism_area {
	struct ism_command command;
	uint32_t events;      /* the device wrote so many, modulo 2^32 */
	uint32_t events_read; /* the driver has read so many */
	uint32_t
	    events_lost;     /* the device had no room for so many: the driver looks at all peers */
	uint32_t event_flag; /* the device sets it, and interrupts if it was 0 */
	uint64_t reserved[6];
	/* Bit n: something was written to DMB n.  The device interrupts when it sets a bit that was
	 * clear; the driver clears it before it looks. */
	uint64_t dmb_bits[ISM_DMBS / 64];
	uint64_t reserved2[108];
	struct ism_event event[ISM_EVENTS];
	uint64_t reserved3[256];
	struct ism_slot slot[ISM_SLOTS];
};

_Static_assert(sizeof(struct ism_command) == 64, "drivers know the layout");
_Static_assert(sizeof(struct ism_slot) == 128, "drivers know the layout");
_Static_assert(sizeof(struct ism_area) == 4096 + 128 * ISM_SLOTS, "drivers know the layout");

#endif
