/* SPDX-License-Identifier: BSD-2-Clause */
/* cpuid.h: CPUID as a guest gets it; what it says is cpuid_policy.h's. */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

struct vcpu;

/* Answers CPUID in the vCPU's registers. */
void cpuid_exit(struct vcpu *v);
#endif
