/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trial.h: one frame that is looked up and not sent (private to vnet/).
 *
 * The look-up runs as in a walk, on a core that is nobody's: its marks, its cache and its row of
 * hits are its own, the counters are the trial's, and so is what the port notes of its sender.
 */
#ifndef VNET_LOOKUP_TRIAL_H
#define VNET_LOOKUP_TRIAL_H
#include "vnet/lookup/learn.h"
#include "vnet/walk.h"

/* What trials work on; one for the switch, under the control lock. */
struct vnet_trials {
	struct vnet_core core;
	struct vnet_learn learn; /* a copy, which learns */
};

struct trial {
	struct walk w;
	struct vnet_frame frame;
	struct vnet_seg seg;
	uint8_t bytes[64];
	struct vnet_port_stats count;
	struct vnet_port *from; /* w.from is a copy */
	void (*line)(void *ctx, const struct vnet_verdict *verdict);
	void *ctx;
};

#endif
