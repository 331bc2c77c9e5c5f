/* SPDX-License-Identifier: BSD-2-Clause */
/* place.h: chooses a core for a vCPU; the rules are in place_policy.h. */
#ifndef VMM_PLACE_H
#define VMM_PLACE_H
#include <stdbool.h>
#include <stddef.h>

struct core;
struct node_config;
struct place_view;
struct vm;

/* A free core for the VM's vCPU of this number, by the VM's description and the node's settings in
 * `n`; NULL and a reason: there is none it may have. */
struct core *place_vcpu(const struct node_config *n, const struct vm *vm, unsigned vcpu, char *why,
                        size_t size);

/* Describes the node's cores and their owners for place_policy.h, with the settings in `n`;
 * place_poller owns the poll core. */
void place_view(struct place_view *v, const struct node_config *n);
extern const void *const place_poller;

/* Reads the machine's topology; once, before the first guest. */
void place_init(void);
/* Logs one line: the machine's SMT, and the policy in `n`. */
void place_log(const struct node_config *n);
#endif
