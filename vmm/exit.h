/* SPDX-License-Identifier: BSD-2-Clause */
/* exit.h: what a guest's exits mean. */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H
#include "arch/x86_64/hvm/hvm.h"

struct vcpu;

/* What the guest's exit means.  The vCPU steps over its instruction where due. */
void vcpu_handle_exit(struct vcpu *v, const struct vmexit *e);

/* The kind's name, for counters and logs. */
const char *vmexit_name(enum vmexit_kind kind);
#endif
