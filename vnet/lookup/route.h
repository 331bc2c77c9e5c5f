/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * route.h: routes, for control.  Included by vnet.h.
 *
 * All routes of the highest priority that match a frame win, and each destination port gets the
 * frame once:
 *
 *   8  src X        dst Y            6  src X    dst any  |  src any    dst Y
 *   7  src X        dst not Y        5  src any  dst not Y |  src not X  dst any
 *      src not X    dst Y            4  src X    dst none: the default route of X
 *                                    3  src any  dst any
 *
 * A route with a `from` port matches frames from that port only; it has the same priority.
 * Refused: `not` on both sides (no priority is defined), `none` as source (each frame has one) and
 * `none` as destination unless the source is exact, and a group address as source (such frames are
 * dropped as bad_source before the look-up).
 */
#ifndef VNET_LOOKUP_ROUTE_H
#define VNET_LOOKUP_ROUTE_H
#include "vnet/vnet.h"

/* The priority of a route, 8 to 3; 0: its sides are refused, and *why says the reason. */
int vnet_route_priority(const struct vnet_route *route, const char **why);

/*
 * Replaces all routes by the n given ones, at once: a frame sees the old table or the new one.
 * Ports must exist and belong to the route's network; no two routes may be equal.  Routes that were
 * in the old table keep their hits.  Returns only when no core uses the old table any more; so it
 * must not be called from within the walk.  False: nothing changed, and err (of `size` bytes) says
 * why, "route I: reason" with I counted from 0.
 */
bool vnet_routes_set(struct vnet *v, const struct vnet_route *routes, unsigned n, char *err,
                     size_t size);

/* Route i, and how many frames it won, summed over the cores; false: there are not so many. */
bool vnet_route_get(struct vnet *v, unsigned i, struct vnet_route *route, uint64_t *hits);

/* The IP packet of a frame, for vnet_explain(). */
struct vnet_packet {
	uint8_t version; /* 4 or 6; 0: there is none */
	uint8_t protocol;
	uint8_t src[16], dst[16]; /* as on the wire; of version 4 the first four bytes */
	uint16_t port[2];         /* source, destination */
};

/* What vnet_explain() is asked: a frame that enters network `net` at port `from`. */
struct vnet_question {
	unsigned net, from;
	mac_t src, dst;
	struct vnet_packet packet;
};

/* One line of vnet_explain(). */
struct vnet_verdict {
	int route;    /* index of a route that matches; -1: the verdict is of no route */
	int priority; /* of that route */
	bool wins;    /* it has the highest priority of all that match */
	int port;     /* the port whose counter would move; -1: none, for a route that loses */
	int drop;     /* the enum vnet_drop counted there; -1: it would be delivered (out_frames) */
	const char *flow;    /* the flow that it is in; NULL: none */
	const char *service; /* the service whose port this is, by the flow; NULL: none */
};

/*
 * Calls `line` for each route that matches the frame, in the order of the table, or, if none does
 * or the network is not in mode route or has flows, for each port that would deliver or drop it;
 * each with the counter that would move.  In a flow the frame goes on as if each function gave it
 * back as it got it, so that the lines are its hops.  False: there is no such network, or the port
 * is not in it.
 */
bool vnet_explain(struct vnet *v, const struct vnet_question *question,
                  void (*line)(void *ctx, const struct vnet_verdict *verdict), void *ctx);

#endif
