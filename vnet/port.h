/* SPDX-License-Identifier: BSD-2-Clause */
/* port.h: the ports of the switch and their counters.  Included by vnet.h. */
#ifndef VNET_PORT_H
#define VNET_PORT_H
#include <stdatomic.h>
#include "vnet/vnet.h"

#define VNET_NAME 32 /* bytes of a port's name, NUL included */

#define VNET_HOLDS 16 /* frames of a port that wait at the same time, at most */

struct hist;
struct underlay;
struct vnet_held;
struct vnet_stage;

enum vnet_port_flags {
	VNET_EDGE = 1, /* the port is the way out of the node: Dom0's */
	VNET_LINK = 2, /* set by vnet_link_add() alone */
	/* The port leads out of the node.  Look-ups by address never forward from one such port to
	 * another, so that frames cannot loop between nodes that are joined twice. */
	VNET_OUTSIDE = VNET_EDGE | VNET_LINK,
};

/* One core's counters of one port.  "in": from the device into the switch; "out": the other way. */
struct vnet_port_stats {
	uint64_t in_frames, in_bytes, out_frames, out_bytes;
	/* Bytes that the switch copied: heads that it checked or changed, those in front of what
	 * left by a link.  The device has a count of its own. */
	uint64_t copied;
	uint64_t flooded; /* of in_frames: sent to all ports, for a group or an unknown address */
	uint64_t drop[VNET_DROP_CAUSES];
};

/* One port.  Made by vnet_port_add(); its fields are the switch's. */
struct vnet_port {
	const struct vnet_port_ops *ops;
	void *dev;
	atomic_bool up; /* a driver is ready at the ring: vnet_port_set_up() */
	_Atomic uint8_t mode;
	/* When it last sent with an undeclared source address and, since the first such frame, with
	 * the declared one: seconds + 1; 0: never.  See mac_in_use(). */
	_Atomic uint32_t sent_other, sent_own;
	uint8_t flags;
	_Atomic uint8_t mirrors; /* see vnet_port_set_mirrors() */
	uint16_t number, net;
	atomic_flag polled;                       /* held by the core that polls the port */
	_Atomic mac_t mac;                        /* as declared; 0: none */
	_Atomic(struct underlay *) underlay;      /* of an edge; NULL: none */
	_Atomic(const struct vnet_stage *) stage; /* NULL: its frames are switched as they come */
	struct vnet *vnet;
	struct hist *measured;          /* one for each core, see measure.h; NULL: none */
	struct vnet_port *next_removed; /* during a removal: the next port removed by it */
	size_t size;                    /* bytes of this allocation */
	char name[VNET_NAME];
	_Atomic uint64_t answered; /* the last second with ICMP "too big" to it << 16 | how many in
	                              that second */
	_Atomic uint32_t quota;    /* learned addresses that it may have at once */
	/* Its frames that wait somewhere, by slot, and the second until which (vnet/held.h); the
	 * latter are its sending core's. */
	_Atomic(struct vnet_held *) held[VNET_HOLDS];
	uint64_t held_until[VNET_HOLDS];
	/* One per core, so that counting needs no atomic. */
	struct vnet_port_stats count[] __attribute__((aligned(64)));
};

/*
 * Adds a port to network `net`, in kick mode and down.  `name` is copied; `ops` and `dev` stay the
 * caller's and must outlive the port.  `flags`: enum vnet_port_flags.  NULL when the name is empty,
 * too long or taken, the network was never set, all numbers are in use, or memory is short.
 */
struct vnet_port *vnet_port_add(struct vnet *v, const char *name, unsigned net,
                                const struct vnet_port_ops *ops, void *dev, unsigned flags);

/*
 * Removes a port: its routes (to and from it) and learned addresses go with it.  The caller has
 * stopped the device: no vnet_input() from this port runs or starts.  On return no core is in its
 * functions and the port is freed; an edge port's links and underlay are freed with it.
 * False, and nothing changed, when memory is short.
 */
bool vnet_port_remove(struct vnet_port *port);

/*
 * Declares the MAC of the port's device; 0: none.  In the modes VNET_LEARN and VNET_EXACT it is the
 * port's alone: frames to it reach this port while it is up; as source it is refused from any other
 * port of the node (VNET_DROP_spoofed) and from outside (VNET_DROP_looped).  From outside it is
 * accepted while this port is down, since its guest may run on another node then, and, in mode
 * VNET_LEARN, while its guest uses another address instead: it sent with others in the last
 * VNET_AGE seconds, and not with this one.  In mode VNET_EXACT the port may send with no other
 * address.  False, and nothing changed: a group address, or another port of the network has it.
 */
bool vnet_port_set_mac(struct vnet_port *port, mac_t mac);

/*
 * Sets how many learned addresses the port may have at once, 0 to VNET_LEARN_MAX; the declared one
 * does not count.  The default is VNET_QUOTA, for a port to the outside VNET_QUOTA_OUTSIDE.  A
 * frame whose source would exceed it is dropped (VNET_DROP_learn_quota); one from outside is
 * forwarded, its source not learned.  A lower quota removes no address; they age.
 */
void vnet_port_set_quota(struct vnet_port *port, unsigned quota);
#define VNET_QUOTA         256
#define VNET_QUOTA_OUTSIDE 2048
#define VNET_LEARN_MAX     7168 /* addresses of a network, at most */

/* How many addresses are learned of the port now, in mode VNET_LEARN; else 0.  Drops those that
 * were not seen for VNET_AGE seconds first, of the whole network once in some seconds: control path
 * only. */
unsigned vnet_port_learned(const struct vnet_port *port);

/*
 * The port's driver takes frames now: what waited for that is done, which is that an edge with an
 * underlay asks for those next hops of its links that are not known.  Called by the device, and by
 * control after links were made; on any core, with that core's own state, not from within the walk.
 */
void vnet_port_ready(struct vnet_core *core, struct vnet_port *port);

/* Sets what moves the port's frames.  On return from VNET_KICK no core polls the port. */
void vnet_port_set_mode(struct vnet_port *port, enum vnet_mode mode);

/* What moves the port's frames now.  Any core, any time. */
static inline enum vnet_mode vnet_port_mode(struct vnet_port *port)
{
	return (enum vnet_mode)atomic_load_explicit(&port->mode, memory_order_relaxed);
}

/* The port with this number or name; NULL when there is none.  Control path only. */
struct vnet_port *vnet_port_get(struct vnet *v, unsigned number);
struct vnet_port *vnet_port_find(struct vnet *v, const char *name);

/* The port's counters, summed over the cores into *out. */
void vnet_port_stats(const struct vnet_port *port, struct vnet_port_stats *out);

/* Counts one drop on the port, for `why`.  Called by the core that `core` belongs to. */
void vnet_drop(struct vnet_core *core, struct vnet_port *port, enum vnet_drop why);

/* vnet_drop() for a frame that egress() was given and did not deliver: its bytes do not count. */
void vnet_refuse(struct vnet_core *core, struct vnet_port *port, const struct vnet_frame *frame,
                 enum vnet_drop why);

#endif
