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

/*
 * look_up: admits the frames of the walk and marks their destinations, or counts their drops.
 * explain: runs the look-up for the one frame of a trial, without effect on others, and reports
 *          the result (trial.h).
 * forget:  removes all addresses of a port, whose number may be given to another.
 * destroy: frees the policy, which no walk uses any more.
 * All but the first two may be NULL: nothing to do.
 */
struct vnet_policy_ops {
	void (*look_up)(struct walk *w, struct policy *p);
	void (*explain)(struct trial *t, struct policy *p);
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

/* by_address.c: by learned addresses, and by declared ones. */
void look_up_learned(struct walk *w, struct policy *p);
void look_up_exact(struct walk *w, struct policy *p);

/* explain.c */
void explain_routes(struct trial *t, struct policy *p);
void explain_learned(struct trial *t, struct policy *p);
void explain_exact(struct trial *t, struct policy *p);

/* learn.c: makes the policy of a network in mode learn; NULL: no memory. */
struct policy *policy_learn(const struct vnet_mem *mem, const uint64_t secret[2], unsigned net);

#endif
