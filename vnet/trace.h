/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h: stamps at the steps of the walk, into a ring for each core (lib/trace.h).  Included by
 * vnet.h.
 *
 * Off, a stamp is a test of memory that the core has in its cache anyway, and a branch that is
 * never taken.  The steps are stamped once for a batch, or for a destination; frames are told apart
 * by their number in the batch.
 */
#ifndef VNET_TRACE_H
#define VNET_TRACE_H
#include "lib/trace.h"
#include "vnet/vnet.h"

/* Which frames are traced: those that satisfy all of it. */
struct vnet_trace_filter {
	int port;  /* number of a port or link that they come from or go to; -1: any */
	mac_t mac; /* their source or destination; 0: any */
};

/*
 * Switches tracing on, with a filter, or changes it.  ring[i] is core i's; all of them stay the
 * caller's, and are used until vnet_trace_stop() returns.  Control path.
 */
void vnet_trace_start(struct vnet *v, struct trace_ring *const *ring,
                      const struct vnet_trace_filter *filter);

/* Switches it off; on return no core writes to a ring. */
void vnet_trace_stop(struct vnet *v);

/* Sets when the exit began in which the core may be asked to move frames; 0: in none.  A TSC value;
 * called by that core. */
static inline void vnet_exit_began(struct vnet_core *core, uint64_t tsc)
{
	((struct vnet_core_open *)core)->exit_began = tsc;
}

/* Are frames of this core's walk traced? */
static inline bool vnet_traced(const struct vnet_core *core)
{
	return ((const struct vnet_core_open *)core)->traced != 0;
}

/* While frames are traced: a device has copied so many into the RX ring of its port, from position
 * `first` on, with so many chains, and will now publish them. */
void vnet_copied(struct vnet_core *core, const struct vnet_port *port, uint16_t first,
                 unsigned chains, unsigned frames);

#endif
