/* place.h: which core a vCPU gets. */
#ifndef VMM_PLACE_H
#define VMM_PLACE_H

struct core;
struct vm;

/* A free core for the VM's vCPU of this number, by its description; NULL: there is none. */
struct core *place_vcpu(const struct vm *vm, unsigned vcpu);
#endif
