/* SPDX-License-Identifier: BSD-2-Clause */
/* vcpu.h: the run loop of a core, and the requests that reach a vCPU from elsewhere. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H
#include <stdint.h>

struct core;
struct cpu_entry;
struct vcpu;

/* Serves requests, runs the core's vCPU, polls the network or sleeps; for ever.  `work` (NULL:
 * none) is what this core does besides each time it was called. */
void core_loop(struct core *c, void (*work)(void)) __attribute__((noreturn));

/* How a vCPU stands at a start-up IPI: real mode, at the beginning of this page below 1 MiB (Intel
 * MP 1.4, B.4; AMD APM vol. 2, 14.1.3). */
struct cpu_entry vcpu_startup_state(uint8_t page);

/* Hands requests (enum vcpu_request) to a vCPU and gets its core's attention. */
void vcpu_request(struct vcpu *v, uint32_t requests);

/* A device of the VM has work left: one of the VM's own cores goes on with it.  Any core. */
void vm_resume(void *vm);
#endif
