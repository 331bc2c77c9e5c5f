/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting by the time stamp counter. */
#ifndef GUEST_DELAY_H
#define GUEST_DELAY_H
#include <stdint.h>

/*
 * TSC ticks in a millisecond, as CPUID says (leaf 0x40000010 of a hypervisor, else 0x15, else
 * 0x16); 5 000 000, more than any CPU has, where none of them does.
 */
uint32_t tsc_khz(void);

void delay_us(unsigned us);
#endif
