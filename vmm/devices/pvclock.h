/* SPDX-License-Identifier: BSD-2-Clause */
/* pvclock.h: kvm-clock (Linux, Documentation/virt/kvm/x86/msr.rst). */
#ifndef VMM_DEVICES_PVCLOCK_H
#define VMM_DEVICES_PVCLOCK_H
#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* Reads the machine's real-time clock; once, when the TSC's rate is known. */
void pvclock_init(void);

/* Seconds since 1970; 0: not known (yet). */
uint64_t pvclock_seconds(void);

/* The guest writes the clock's MSRs; false: #GP. */
bool pvclock_write_system_time(struct vcpu *v, uint64_t value);
bool pvclock_write_wall_clock(struct vcpu *v, uint64_t value);
#endif
