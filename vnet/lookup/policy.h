/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy.h: how a network finds the destinations of its frames (private to vnet/).
 *
 * A network whose policy has state, such as learned addresses, has an object of its own; the others
 * share one of each kind.  A walk reads its network's policy once per batch; a policy that was
 * replaced is freed after vnet_sync().  The control lock is held for all but look_up().
 */
#ifndef VNET_LOOKUP_POLICY_H
#define VNET_LOOKUP_POLICY_H
#include "vnet/vnet.h"

struct walk;
struct trial;
struct policy;
struct vnet_trials;

/*
 * look_up: admits the frames of the walk and marks their destinations, or counts their drops.
 * source:  checks the source of a frame that was admitted, and learns it, as look_up() does; false:
 *          the frame was dropped and counted.  NULL: any source will do.
 * deliver: marks the destinations of some frames of the walk, one bit each, that were admitted and
 *          whose sources were checked, or counts their drops.  `relayed`: another port than w->from
 *          sent them first (vnet/chain/); their source says which.
 * explain: runs the look-up for the one frame of a trial, without effect on others, and reports
 *          the result (trial.h).
 * trial:   the policy that a trial works on in place of this one; NULL: this one.
 * forget:  removes all that is known of a port, whose number may be given to another.
 * destroy: frees the policy, which no walk uses any more.
 * What may be NULL besides: forget and destroy, if there is nothing to do; source, deliver and
 * trial of a policy that stands in front of a network's own.
 */
struct vnet_policy_ops {
	void (*look_up)(struct walk *w, struct policy *p);
	void (*explain)(struct trial *t, struct policy *p);
	bool (*source)(struct walk *w, struct policy *p, const struct vnet_frame *f);
	void (*deliver)(struct walk *w, struct policy *p, uint64_t frames, bool relayed);
	struct policy *(*trial)(struct policy *p, struct vnet_trials *trials);
	void (*forget)(struct policy *p, unsigned port);
	void (*destroy)(struct policy *p, const struct vnet_mem *mem);
};

struct policy {
	const struct vnet_policy_ops *ops;
};

extern struct policy policy_routes, policy_exact;
extern const struct vnet_policy_ops policy_learned;

/* forward.c: by routes; inlined in the walk. */
void look_up_routes(struct walk *w, struct policy *p);
void deliver_routes(struct walk *w, struct policy *p, uint64_t frames, bool relayed);

/* by_address.c: by learned addresses, and by declared ones. */
void look_up_learned(struct walk *w, struct policy *p);
void look_up_exact(struct walk *w, struct policy *p);
bool source_learned(struct walk *w, struct policy *p, const struct vnet_frame *f);
bool source_exact(struct walk *w, struct policy *p, const struct vnet_frame *f);
void deliver_learned(struct walk *w, struct policy *p, uint64_t frames, bool relayed);
void deliver_exact(struct walk *w, struct policy *p, uint64_t frames, bool relayed);

/* explain.c */
void explain_routes(struct trial *t, struct policy *p);
void explain_learned(struct trial *t, struct policy *p);
void explain_exact(struct trial *t, struct policy *p);
struct policy *trial_learned(struct policy *p, struct vnet_trials *trials);

/* learn.c: makes the policy of a network in mode learn; NULL: no memory. */
struct policy *policy_learn(const struct vnet_mem *mem, const uint64_t secret[2], unsigned net);

#endif
