/* place.h: which core a vCPU gets; the rules are place_policy.h's. */
#ifndef VMM_PLACE_H
#define VMM_PLACE_H
#include <stdbool.h>
#include <stddef.h>

struct core;
struct vm;

/* A free core for the VM's vCPU of this number, by its description; NULL and a reason: there is
 * none that it may have. */
struct core *place_vcpu(const struct vm *vm, unsigned vcpu, char *why, size_t size);

/* May this core poll, by what its siblings are?  false: a reason.  `share`: `smt share` is said. */
bool place_may_poll(unsigned core, bool share, char *why, size_t size);

/* Reads the machine's topology; once, before the first guest. */
void place_init(void);
/* One line for the log: what of SMT there is, and the policy. */
void place_log(void);
#endif
