/* SPDX-License-Identifier: BSD-2-Clause */
/* vcpu.h: the run loop of a core, and the requests that reach a vCPU from elsewhere. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H
#include <stdint.h>

struct core;
struct cpu_entry;
struct vcpu;
struct vm;

/* The run loop: serves requests, runs the core's vCPU, polls the network or sleeps; never returns.
 * `work` (NULL: none) is called whenever the core was called. */
void core_loop(struct core *c, void (*work)(void)) __attribute__((noreturn));

/* A vCPU's state after a start-up IPI: real mode, at the start of this page below 1 MiB (Intel MP
 * 1.4, B.4; AMD APM vol. 2, 14.1.3). */
struct cpu_entry vcpu_startup_state(uint8_t page);

/* Sends requests (enum vcpu_request) to a vCPU and calls its core. */
void vcpu_request(struct vcpu *v, uint32_t requests);

/* Makes each vCPU of the VM forget its translations at once: those that run exit for it.  For a
 * moment after the return another core may still use an old one.  Any core. */
void vm_flush(struct vm *vm);

/* A device of the VM has work left: lets one of the VM's own cores continue it.  Any core. */
void vm_resume(void *vm);
#endif
