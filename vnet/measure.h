/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.h: histograms (lib/hist.h) of how long frames take through the switch.  Included by
 * vnet.h.
 *
 * Measured are TSC ticks, from the beginning of the exit in which the sender's kick was served, or
 * where there was none from the taking of the batch, to the end of the visit of the destination,
 * when its guest's interrupt is sent.  Each port and link has a histogram for each core, of the
 * frames that were delivered to it; each route has one of the frames that it won, but for those of
 * visits that delivered none.  A frame for a link counts at the link, not at its edge.
 *
 * Off, it costs what tracing costs, one branch for both.
 */
#ifndef VNET_MEASURE_H
#define VNET_MEASURE_H
#include "lib/hist.h"
#include "vnet/vnet.h"

#ifndef VNET_MEASURE_MAX
#define VNET_MEASURE_MAX (64ull << 20) /* bytes of a switch's histograms, at most */
#endif

/*
 * Makes histograms of all ports and routes, and of those that are added from now on, and fills
 * them.  Does nothing if it is on.  False, and nothing changed: they need too much memory, or there
 * is none; err says how much.  While it is on, vnet_routes_set() and whatever adds a port can fail
 * for the same reason.  Control path.
 */
bool vnet_measure_start(struct vnet *v, char *err, size_t size);

/* Frees them; on return no core writes to one. */
void vnet_measure_stop(struct vnet *v);

/*
 * Adds the histogram of a port, or of route i, on one core, or with core -1 of all cores, to *sum.
 * Routes that survive a change of the routes keep what they have, but only in the sum over all
 * cores.  False: nothing is measured, or there is no such core or route.  Control path.
 */
bool vnet_port_measured(struct vnet_port *port, int core, struct hist *sum);
bool vnet_route_measured(struct vnet *v, unsigned i, int core, struct hist *sum);

#endif
