/* SPDX-License-Identifier: BSD-2-Clause */
/* msr.h: a guest's intercepted MSRs, and its XCR0. */
#ifndef VMM_MSR_H
#define VMM_MSR_H
#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* false: #GP. */
bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value);
bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value);

/* Are REP MOVS and REP STOS fast on this core?  An Intel machine's firmware may have disabled that
 * (IA32_MISC_ENABLE, bit 0), which CPUID does not report. */
bool fast_strings(void);

/* XSETBV; false: #GP. */
bool xcr_write(struct vcpu *v, uint32_t index, uint64_t value);
#endif
