/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.h: frames between the NIC and the port, both ways, without a copy.
 *
 *   inward.c   NIC -> port: the NIC's receive buffer has room for the virtio header in front
 *   outward.c  port -> NIC: the port's receive buffers become a chain of the NIC's descriptors
 *   outward_cut.c  ... or several, where the NIC cannot segment a large frame
 *   bridge.c   who is where, when to sleep
 */
#ifndef DOM0_BRIDGE_H
#define DOM0_BRIDGE_H
#include <stdbool.h>
#include <stdint.h>
#include "drivers/e1000/e1000.h"
#include "guest-images/dom0/port.h"
#include "vnet/frame/offload.h"

#define OUT_BUFFERS 20 /* of a frame of 64 KiB and its header, in PORT_BUFFER pieces: 17 */

#define BRIDGE_COUNTERS(X)                                                                         \
	X(in_frames)    /* NIC -> port */                                                          \
	X(in_port_full) /* dropped: the switch took nothing from a full ring */                    \
	X(out_frames)   /* port -> NIC */                                                          \
	X(out_waits)    /* times that the NIC's full ring made the port wait */                    \
	X(out_bad)      /* dropped: no frame, or an offload header that contradicts it */          \
	X(out_software) /* checksums completed, frames cut in software: the NIC could not */       \
	X(out_unable)   /* dropped: neither the NIC nor Dom0 can cut it */                         \
	X(sleeps)

enum bridge_counter {
#define X(name) BRIDGE_##name,
	BRIDGE_COUNTERS(X)
#undef X
	    BRIDGE_COUNTER_COUNT
};
extern const char *const bridge_counter_name[BRIDGE_COUNTER_COUNT];

/* A frame on its way out: the port's buffers that hold it. */
struct out_frame {
	struct vnet_seg piece[OUT_BUFFERS];
	void *buffer[OUT_BUFFERS];
	struct vnet_hdr hdr;
	uint16_t n, want;           /* buffers there, and how many the frame has */
	uint8_t head[OFFLOAD_HEAD]; /* of a segment */
	struct out_frame *next_free;
};

struct bridge {
	struct e1000 nic;
	struct port port;
	struct out_frame *out_free;
	unsigned out_nfree;
	struct out_frame *out_now; /* being put together, or waiting for room at the NIC */
	unsigned in_held;          /* NIC buffers that lie in the port's ring */
	uint64_t count[BRIDGE_COUNTER_COUNT];
};

/* Allocates buffers and frames; the NIC and the port have been started. NULL, or what is wrong. */
const char *bridge_start(struct bridge *b);

/* Moves what can be moved now, bounded; false when there was nothing. */
bool bridge_poll(struct bridge *b);

/* Sleeps until there may be something to move; called with interrupts off, as all else here. */
void bridge_sleep(struct bridge *b);

/* The two directions: each returns whether it moved anything. */
const char *inward_start(struct bridge *b);
bool inward_poll(struct bridge *b);
const char *outward_start(struct bridge *b);
bool outward_poll(struct bridge *b);

/* Whether a whole frame waits for room in the NIC's ring. */
bool outward_blocked(const struct bridge *b);

/* A frame that is free, or NULL; reclaimed when it comes back from the NIC. */
struct out_frame *outward_take(struct bridge *b);

/*
 * Cuts a frame that the NIC does not segment, and queues all segments or none.  E1000_SENT: its
 * buffers come back with the last one.  E1000_FULL: to be tried again.  E1000_UNABLE: it cannot be
 * cut.
 */
enum e1000_sent outward_cut(struct bridge *b, struct out_frame *f);
#endif
