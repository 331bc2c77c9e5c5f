/* SPDX-License-Identifier: BSD-2-Clause */
/* tsc.h: the time stamp counter as a clock. */
#ifndef ARCH_TSC_H
#define ARCH_TSC_H
#include <stdint.h>

extern uint64_t entry_tsc; /* at the image's first instructions (boot.asm) */
extern uint64_t tsc_khz;   /* its rate; 0 before tsc_init() */

/* Measures the rate, by the ACPI PM timer or the PIT; panics when neither counts. */
void tsc_init(void);

/* Waits; after tsc_init(). */
void tsc_delay_us(uint64_t us);

/* Microseconds that the TSC has counted; 0 before tsc_init(). */
uint64_t tsc_us(void);
#endif
