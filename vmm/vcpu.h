/* vcpu.h: the run loop of a core, and the requests that reach a vCPU from elsewhere. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H
#include <stdint.h>

struct core;
struct vcpu;

/* Serves requests, runs the core's vCPU, polls the network or sleeps; for ever.  `work` (NULL:
 * none) is what this core does besides each time it was called. */
void core_loop(struct core *c, void (*work)(void)) __attribute__((noreturn));

/* Hands requests (enum vcpu_request) to a vCPU and gets its core's attention. */
void vcpu_request(struct vcpu *v, uint32_t requests);

/* A device of the VM has work left: one of the VM's own cores goes on with it.  Any core. */
void vm_resume(void *vm);
#endif
