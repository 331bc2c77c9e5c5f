/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_policy.h: the rules by which a vCPU gets a core, on a picture of the node.
 *
 * Two threads of one physical core share its first-level cache, its buffers and its predictors at
 * the same time: what barrier.h does when a core changes owner does not help there.  So unless the
 * node says `smt share`, a physical core has one owner: a guest, or the poll core, through which
 * all guests' frames go.
 */
#ifndef VMM_PLACE_POLICY_H
#define VMM_PLACE_POLICY_H
#include <stdbool.h>
#include <stdint.h>

#define PLACE_CORES 64

struct place_core {
	uint32_t apic_id;
	const void *owner; /* NULL: it is free */
	bool named;        /* another guest's description asks for it */
	bool reserved;     /* to be the poll core, which it may not be yet */
};

struct place_view {
	unsigned cores;
	unsigned smt_bits; /* topology.h */
	bool share;        /* siblings may go to different owners */
	struct place_core core[PLACE_CORES];
};

enum place_refusal { PLACE_TAKEN, PLACE_SIBLING };

/* The core for a vCPU of `owner`: `wanted`, or any when that is -1.  -1: none, and `*why`. */
int place_pick(const struct place_view *v, const void *owner, int wanted, enum place_refusal *why);

/* A core that shares a physical one with `core` and has another owner than `owner`; -1: none. */
int place_rival(const struct place_view *v, const void *owner, unsigned core);
#endif
