/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trial.h: the look-up of one frame for vnet_explain(), without sending it (private to vnet/).
 *
 * The look-up is that of a walk, with a struct vnet_core, a row of hits, counters and a copy of the
 * incoming port that only trials use, so that it changes nothing for real frames.
 */
#ifndef VNET_LOOKUP_TRIAL_H
#define VNET_LOOKUP_TRIAL_H
#include "vnet/lookup/learn.h"
#include "vnet/walk.h"

/* What trials work on; one for the switch, under the control lock. */
struct vnet_trials {
	struct vnet_core core;
	struct vnet_learn learn; /* a copy of the network's table, which the look-up may change */
};

struct trial {
	struct walk w;
	struct vnet_frame frame;
	struct vnet_seg seg;
	uint8_t bytes[64];
	struct vnet_port_stats count;
	struct vnet_port *from;     /* w.from is a copy */
	const char *flow, *service; /* of what is reported; NULL: none */
	void (*line)(void *ctx, const struct vnet_verdict *verdict);
	void *ctx;
	struct vnet_port copy; /* last: it ends with a row of counters, which is not there */
};

/* The frame enters at this port; what an earlier look-up counted and marked is gone. */
void trial_begin(struct trial *t, struct vnet_port *from);

/* Reports the drops that the look-up counted, and the ports that it marked. */
void trial_report(const struct trial *t);

#endif
