/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting a second CPU by INIT-SIPI-SIPI (AMD64 manual vol. 2, 14.1 and 16.5). */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H
#include <stdbool.h>
#include <stdint.h>

/*
 * Runs `main` on the CPU with this APIC id, with a stack and the boot CPU's IDT, interrupts off,
 * its APIC on.  Waits a bounded time; false when it never came up.  One AP at a time.
 */
bool smp_start(uint32_t apic_id, void (*main)(void));
#endif
