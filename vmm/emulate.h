/* emulate.h: instructions that the VMM must carry out for a guest. */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H
#include <stddef.h>
#include <stdint.h>

struct vcpu;
struct vmexit;

/* A nested fault: an access to a device's registers is carried out, any other stops the guest. */
void emulate_memory(struct vcpu *v, const struct vmexit *e);

/* INS and OUTS, with REP: a bounded number of elements, the rest after the next exit. */
void emulate_string_io(struct vcpu *v, const struct vmexit *e);

/* The bytes at the guest's RIP; how many could be read. */
size_t emulate_fetch(struct vcpu *v, uint8_t bytes[15]);
#endif
