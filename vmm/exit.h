/* exit.h: what a guest's exits mean. */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

struct vcpu;
struct vmexit;

/* What the guest's exit means.  The vCPU steps over its instruction where due. */
void vcpu_handle_exit(struct vcpu *v, const struct vmexit *e);

void vcpu_inject_gp(struct vcpu *v);
void vcpu_inject_ud(struct vcpu *v);
#endif
