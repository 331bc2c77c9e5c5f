/* SPDX-License-Identifier: BSD-2-Clause */
/* place.h: which core a vCPU gets; the rules are place_policy.h's. */
#ifndef VMM_PLACE_H
#define VMM_PLACE_H
#include <stdbool.h>
#include <stddef.h>

struct core;
struct node_config;
struct place_view;
struct vm;

/* A free core for the VM's vCPU of this number, by the VM's description and what `n` says of the
 * node's cores; NULL and a reason: there is none that it may have. */
struct core *place_vcpu(const struct node_config *n, const struct vm *vm, unsigned vcpu, char *why,
                        size_t size);

/* The node's cores and who has them now, as place_policy.h wants to see them, with what `n` says of
 * them; place_poller is the owner of a core that polls. */
void place_view(struct place_view *v, const struct node_config *n);
extern const void *const place_poller;

/* Reads the machine's topology; once, before the first guest. */
void place_init(void);
/* One line for the log: what of SMT there is, and the policy that `n` asks for. */
void place_log(const struct node_config *n);
#endif
