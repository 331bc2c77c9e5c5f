/* SPDX-License-Identifier: BSD-2-Clause */
/* fail.h: a guest that cannot go on. */
#ifndef VMM_FAIL_H
#define VMM_FAIL_H

struct vcpu;

/* Stops the vCPU's VM; registers, the code at RIP and the exit codes go to the log. */
void vcpu_fail(struct vcpu *v, const char *reason, ...) __attribute__((format(printf, 2, 3)));
#endif
