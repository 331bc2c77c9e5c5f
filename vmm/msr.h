/* SPDX-License-Identifier: BSD-2-Clause */
/* msr.h: the model-specific registers of a guest that exit, and its XCR0. */
#ifndef VMM_MSR_H
#define VMM_MSR_H
#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* false: #GP. */
bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value);
bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value);

/* Does this core do REP MOVS and REP STOS fast?  The firmware of a machine by Intel may have
 * switched that off (IA32_MISC_ENABLE, bit 0), which CPUID does not tell. */
bool fast_strings(void);

/* XSETBV; false: #GP. */
bool xcr_write(struct vcpu *v, uint32_t index, uint64_t value);
#endif
