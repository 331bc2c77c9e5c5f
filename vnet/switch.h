/* SPDX-License-Identifier: BSD-2-Clause */
/* switch.h: the switch as a whole, and each core's state in it.  Included by vnet.h. */
#ifndef VNET_SWITCH_H
#define VNET_SWITCH_H
#include "vnet/vnet.h"

/*
 * Makes a switch for `cores` cores (1 to VNET_CORES), without networks, ports or routes.  All of
 * its memory comes from *mem, which is copied.  NULL: a bad number of cores, or no memory.
 */
struct vnet *vnet_create(const struct vnet_mem *mem, unsigned cores);

/*
 * Sets the key of the switch's keyed hashes, unknown to guests, before its first network is made.
 * They place learned addresses in their table and make the IP identification of outer packets, so
 * that no guest can predict either.  Without a key both are the same in each run.
 */
void vnet_secret_set(struct vnet *v, const uint64_t secret[2]);

/* Frees the switch with all that is left in it.  No core is in the walk. */
void vnet_destroy(struct vnet *v);

/* The private state of core number `core` (0 .. cores-1), to be used by that core alone; NULL:
 * there is no such core. */
struct vnet_core *vnet_core(struct vnet *v, unsigned core);

/* The state of the core that runs now.  Defined by the program that links the switch: the VMM, or
 * a host program. */
struct vnet_core *vnet_this_core(void);

/* The part of a core's state that devices and the VMM reach without a call: its first member. */
struct vnet_core_open {
	struct vnet_batch batch;
	uint64_t traced;     /* frames of the walk in progress that are traced, one bit each */
	uint64_t exit_began; /* see vnet_exit_began() */
	uint32_t walks;      /* how many there were: parts of a batch may have one each */
};

/* The core's own scratch batch, for a device to fill and hand to vnet_input(). */
static inline struct vnet_batch *vnet_core_batch(struct vnet_core *core)
{
	return &((struct vnet_core_open *)core)->batch;
}

/* The number of the core's walk in progress: of frames of earlier ones nobody reads any more. */
static inline uint32_t vnet_core_walk(const struct vnet_core *core)
{
	return ((const struct vnet_core_open *)core)->walks;
}

/* Waits until no core is in a walk that began before this call.  `core`: the caller's, not in the
 * walk.  Control path. */
void vnet_wait_for_walks(struct vnet_core *core);

/*
 * Makes network `net` (below VNET_NETS), or changes how it finds its destinations.  False: a bad
 * number, or no memory for the table of addresses.
 */
bool vnet_net_set(struct vnet *v, unsigned net, enum vnet_policy policy);

/*
 * What network `net` (below VNET_NETS) does with frames to the groups 01:80:c2:00:00:00 to -0f, by
 * which bridges and stations on one wire speak to each other: spanning tree, PAUSE, LACP, 802.1X,
 * LLDP.  No bridge forwards them (IEEE 802.1D-2004, 7.12.6; 802.1Q, 8.6.3), so by default they are
 * dropped in the modes VNET_LEARN and VNET_EXACT (VNET_DROP_link_local), and follow routes in mode
 * VNET_ROUTE.
 */
void vnet_net_set_link_local(struct vnet *v, unsigned net, enum vnet_link_local how);

/*
 * The walk: moves the frames of the batch from `from` to where they belong, calling egress() once
 * for each destination, and counts each frame or its drop.  Frames need seg, len, nseg,
 * contiguous_head and hdr; dst and src are filled in here.  Frames of one batch and sender keep
 * their order.  The batch must not be changed by anyone until it returns.  egress() must not call
 * this function.  Returns the number of deliveries (a multicast frame counts once per port).
 */
unsigned vnet_input(struct vnet_core *core, struct vnet_port *from, struct vnet_batch *batch);

/*
 * As vnet_input(), for a batch of frames that leave their chains: one that comes from a service of
 * its flow's chain goes to where the chain ends, past the services behind that one, if its service
 * has may_leave; else it is dropped.  Others enter their flows as ever.
 */
unsigned vnet_input_leaving(struct vnet_core *core, struct vnet_port *from,
                            struct vnet_batch *batch);

/*
 * Visits each port once that is not in mode VNET_KICK, taking at most `budget` frames from each; a
 * port that another core is polling is skipped.  Returns the number of frames taken.
 */
unsigned vnet_poll(struct vnet_core *core, unsigned budget);

/*
 * Makes `core` the one that polls and may rest, in place of the last one; NULL: none.  wake() is
 * called with its number, on any core, to end its rest.  On return the last one touches no ring but
 * by vnet_poll().  The new one is to call vnet_unrest() when it begins.  Control path.
 */
void vnet_poller_set(struct vnet *v, struct vnet_core *core, void (*wake)(unsigned core));

/*
 * The polling core found no frames for a while and wants to sleep.  True: the drivers of all ports
 * in mode VNET_ADAPTIVE were asked for kicks, no frame waits, and wake() is called for the next
 * one. False: it is to go on polling: a frame came, a port is in mode VNET_POLL, or it is another
 * core that polls now.
 */
bool vnet_rest(struct vnet_core *core);

/* The polling core is awake, for whatever reason, and polls: drivers need not kick. */
void vnet_unrest(struct vnet_core *core);

/* Wakes the polling core if it rests: called by a device whose kick found frames, and by control
 * after it has changed how ports are moved.  On any core, not from within the walk. */
void vnet_wake(struct vnet_core *core);

/* How often the polling core went to rest, and how often it was woken. */
struct vnet_rests {
	uint64_t rests, wakes;
};
struct vnet_rests vnet_rests_get(struct vnet *v);

/*
 * Sets the switch's coarse clock, in seconds from any start; on any core, with that core's own
 * state, not from within the walk.  It is a matter of a few instructions, and nothing else is done
 * by the clock: what is old is dropped by who finds it, and next hops of links are asked for by who
 * needs them.  The clock may stand still while no core has frames to move.  A time up to
 * VNET_CLOCK_LATE seconds before the last one counts as the last one; one further back means that
 * the clock was set back.
 */
void vnet_clock_set(struct vnet_core *core, uint64_t seconds);
#define VNET_CLOCK_LATE 10
#define VNET_AGE                                                                                   \
	300 /* seconds until an address that is not seen is not found: IEEE 802.1D-2004, table 7-5 \
	     */
#define VNET_SWEEP 224 /* addresses that a refused one may sweep for old ones, at most */

#endif
