/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_policy.h: the rules of core placement, on a description of the node's cores.
 *
 * Two threads of one physical core share its first-level cache, buffers and predictors at the same
 * time; the flushes of barrier.h when a core changes owner do not help against that.  So unless the
 * node has `smt share`, a physical core has one owner: a guest, or the poll core, which forwards
 * the frames of all guests.
 */
#ifndef VMM_PLACE_POLICY_H
#define VMM_PLACE_POLICY_H
#include <stdbool.h>
#include <stdint.h>

#define PLACE_CORES 64

struct place_core {
	uint32_t apic_id;
	const void *owner; /* NULL: free */
	bool named;        /* another guest's description asks for it */
	bool reserved;     /* the poll core, even before it polls */
};

struct place_view {
	unsigned cores;
	unsigned smt_bits; /* topology.h */
	bool share;        /* `smt share`: siblings may have different owners */
	struct place_core core[PLACE_CORES];
};

enum place_refusal { PLACE_TAKEN, PLACE_SIBLING };

/* Picks a core for a vCPU of `owner`: `wanted`, or any if that is -1.  -1: none, and the cause in
 * *why. */
int place_pick(const struct place_view *v, const void *owner, int wanted, enum place_refusal *why);

/* A sibling of `core` that belongs to another owner than `owner`; -1: none. */
int place_rival(const struct place_view *v, const void *owner, unsigned core);
#endif
