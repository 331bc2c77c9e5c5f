/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy.h: how a network finds the destinations of its frames (private to vnet/).
 *
 * One object for each network that keeps something, such as learned addresses; the networks that
 * keep nothing share one.  A walk reads its network's policy once per batch; whoever replaces one
 * frees the old one after vnet_sync().  The control lock is held for all but look_up().
 */
#ifndef VNET_LOOKUP_POLICY_H
#define VNET_LOOKUP_POLICY_H
#include "vnet/vnet.h"

struct walk;
struct trial;
struct policy;

/*
 * look_up: admits the frames of the walk and marks their destinations, or counts their drops.
 * explain: runs the look-up for the one frame of a trial, which changes nothing for others, and
 *          says what came of it (trial.h).
 * tick:    the time went from `before` to `now`, in seconds.  With `turn` a bounded part of what is
 *          kept may be put in order; returns whether that is done once for all of it.
 * forget:  nothing may lead to the port any more, whose number will be another one's.
 * destroy: no walk uses it any more.
 * All but the first two may be NULL: nothing is to be done.
 */
struct vnet_policy_ops {
	void (*look_up)(struct walk *w, struct policy *p);
	void (*explain)(struct trial *t, struct policy *p);
	bool (*tick)(struct policy *p, uint64_t before, uint64_t now, bool turn);
	void (*forget)(struct policy *p, unsigned port);
	void (*destroy)(struct policy *p, const struct vnet_mem *mem);
};

struct policy {
	const struct vnet_policy_ops *ops;
};

extern struct policy policy_routes, policy_exact;
extern const struct vnet_policy_ops policy_learned;

/* forward.c: by routes; the walk has it in line. */
void look_up_routes(struct walk *w, struct policy *p);

/* by_address.c: by learned addresses, and by declared ones. */
void look_up_learned(struct walk *w, struct policy *p);
void look_up_exact(struct walk *w, struct policy *p);

/* explain.c */
void explain_routes(struct trial *t, struct policy *p);
void explain_learned(struct trial *t, struct policy *p);
void explain_exact(struct trial *t, struct policy *p);

/* learn.c: a policy of its own for a network that learns; NULL: no memory. */
struct policy *policy_learn(const struct vnet_mem *mem, const uint64_t secret[2], unsigned net);

#endif
