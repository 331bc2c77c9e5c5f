/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.h: frames between the NIC and the port, both ways, without a copy.
 *
 *   bridge.c   the port is a virtio device: start, poll, and when to sleep
 *   inward.c   NIC -> port: the NIC's receive buffer has room for the virtio header in front
 *   outward.c  port -> NIC: the port's receive buffers become a chain of the NIC's descriptors
 *   outward_cut.c  ... or several, where the NIC cannot segment a large frame
 *   group.c    the port is one of a trust group's member: all of that
 */
#ifndef DOM0_BRIDGE_H
#define DOM0_BRIDGE_H
#include <stdbool.h>
#include <stdint.h>
#include "drivers/e1000/e1000.h"
#include "guest-images/dom0/group_port.h"
#include "guest-images/dom0/port.h"
#include "guest-images/dom0/stamps.h"
#include "vnet/frame/offload.h"

#define OUT_BUFFERS 20 /* a frame of 64 KiB with its header needs 17 of PORT_BUFFER bytes */

#define BRIDGE_COUNTERS(X)                                                                         \
	X(in_frames)    /* NIC -> port */                                                          \
	X(in_port_full) /* dropped: the port's ring was full */                                    \
	X(out_frames)   /* port -> NIC */                                                          \
	X(out_waits)    /* times that the NIC's full ring made the port wait */                    \
	X(out_bad)      /* dropped: not a frame, or an offload header that contradicts it */       \
	X(out_software) /* checksummed or segmented in software: the NIC could not */              \
	X(out_unable)   /* dropped: neither the NIC nor Dom0 can segment it */                     \
	X(copied)       /* bytes of frames that Dom0 copied: heads of segments that it made */     \
	X(sleeps)

enum bridge_counter {
#define X(name) BRIDGE_##name,
	BRIDGE_COUNTERS(X)
#undef X
	    BRIDGE_COUNTER_COUNT
};
extern const char *const bridge_counter_name[BRIDGE_COUNTER_COUNT];

/* A frame from the port to the NIC, and the port's buffers that hold it. */
struct out_frame {
	struct vnet_seg piece[OUT_BUFFERS];
	void *buffer[OUT_BUFFERS];
	struct vnet_hdr hdr;
	uint16_t n, want;           /* buffers received so far, and how many the frame has */
	uint8_t head[OFFLOAD_HEAD]; /* headers of a GSO segment */
	struct out_frame *next_free;
};

struct bridge {
	struct e1000 nic;
	uint32_t mtu, mtu_most; /* the port's; what frames from the wire may have, 0: any */
	struct group_port group;
	struct port port;
	struct out_frame *out_free;
	unsigned out_nfree;
	struct out_frame *out_now; /* being assembled, or waiting for room in the NIC's ring */
	unsigned in_held;          /* NIC buffers in the port's ring */
	struct stamps in, out;     /* both in the one ring */
	uint64_t count[BRIDGE_COUNTER_COUNT];
};

/*
 * What differs between the two kinds of port; called with interrupts off, as all functions here.
 * open:   finds and starts the port; the NIC has been started.  NULL, or what is wrong.
 * start:  gives the NIC its buffers.  NULL, or what is wrong.
 * poll:   forwards a bounded number of frames; false when there were none.
 * sleep:  sleeps until there may be a frame to forward.
 */
struct bridge_kind {
	const char *(*open)(struct bridge *b);
	const char *(*start)(struct bridge *b);
	bool (*poll)(struct bridge *b);
	void (*sleep)(struct bridge *b);
};
extern const struct bridge_kind bridge_virtio, bridge_group;

/* The two directions: the polls return whether they did anything. */
const char *inward_start(struct bridge *b);
bool inward_poll(struct bridge *b);
const char *outward_start(struct bridge *b);
bool outward_poll(struct bridge *b);

/* Whether a whole frame waits for room in the NIC's ring. */
bool outward_blocked(const struct bridge *b);

/* Allocates a frame, or NULL; freed when the NIC has sent it. */
struct out_frame *outward_take(struct bridge *b);

/*
 * Segments a frame that the NIC does not segment, and queues all segments or none.  E1000_SENT: its
 * buffers are released with the last segment.  E1000_FULL: try again.  E1000_UNABLE: it cannot be
 * segmented.
 */
enum e1000_sent outward_cut(struct bridge *b, struct out_frame *f);
#endif
