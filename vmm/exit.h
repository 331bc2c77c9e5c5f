/* SPDX-License-Identifier: BSD-2-Clause */
/* exit.h: handles a guest's exits. */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H
#include "arch/x86_64/hvm/hvm.h"

struct vcpu;

/* Handles the exit, and advances RIP where due. */
void vcpu_handle_exit(struct vcpu *v, const struct vmexit *e);

/* The kind's name, for counters and logs. */
const char *vmexit_name(enum vmexit_kind kind);
#endif
