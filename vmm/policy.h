/* policy.h: what of the CPU a guest sees: CPUID, MSRs, XCR0, the paravirtual clock. */
#ifndef VMM_POLICY_H
#define VMM_POLICY_H
#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* cpuid.c: answers CPUID in the vCPU's registers. */
void cpuid_exit(struct vcpu *v);

/* msr.c: the MSRs that exit; false: #GP. */
bool msr_read(struct vcpu *v, uint32_t msr, uint64_t *value);
bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value);

/* msr.c: XSETBV; false: #GP. */
bool xcr_write(struct vcpu *v, uint32_t index, uint64_t value);

/* pvclock.c: kvm-clock (Linux, Documentation/virt/kvm/x86/msr.rst). */
void pvclock_init(void);
bool pvclock_write_system_time(struct vcpu *v, uint64_t value);
bool pvclock_write_wall_clock(struct vcpu *v, uint64_t value);
#endif
