/* SPDX-License-Identifier: BSD-2-Clause */
/* cpuid.h: answers a guest's CPUID; the values come from cpuid_policy.h. */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

struct vcpu;

/* Carries out CPUID in the vCPU's registers. */
void cpuid_exit(struct vcpu *v);
#endif
