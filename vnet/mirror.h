/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mirror.h: copies of the frames that ports send and get, into a ring for each core
 * (lib/capture.h).  Included by vnet.h.
 *
 * What a core copies for one batch is bounded by its ring: as much as the batch itself has, and
 * little for each destination, whose record refers to the one copy.  The sender's core pays.
 *
 * A capture of all ports of a network that begins before their drivers do is all that the switch
 * was given: batches, the clock, the states of ports, and what devices refused.  tools/replay makes
 * the same of it.
 */
#ifndef VNET_MIRROR_H
#define VNET_MIRROR_H
#include "lib/capture.h"
#include "vnet/vnet.h"

/*
 * Switches capture on, or changes how many bytes of a frame are copied.  ring[i] is core i's; they
 * stay the caller's, and are used until vnet_capture_stop() returns.  `core`: the calling core's
 * state.  Control path.
 */
void vnet_capture_start(struct vnet *v, struct vnet_core *core, struct capture_ring *const *ring,
                        uint32_t cut);

/* Switches it off; on return no core writes to a ring. */
void vnet_capture_stop(struct vnet *v);

/* Sets which mirrors see the frames that come from or go to this port, one bit each; 0: none.
 * Control path, as vnet_capture_start(). */
void vnet_port_set_mirrors(struct vnet_port *port, struct vnet_core *core, uint8_t mirrors);

/* Notes in the capture that the description of the node was changed.  Control path. */
void vnet_capture_changed(struct vnet_core *core);

/* Sets whether a driver is ready at the port's ring.  By the port's device, on any core, whose
 * state `core` is. */
void vnet_port_set_up(struct vnet_port *port, struct vnet_core *core, bool up);

#endif
