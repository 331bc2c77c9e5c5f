/* SPDX-License-Identifier: BSD-2-Clause */
/* stop.h: stops other cores and devices before the node ends. */
#ifndef ARCH_STOP_H
#define ARCH_STOP_H
#include <stdbool.h>
#include <stdint.h>

struct core;

/*
 * Makes this core the one that ends the node and stops all others for good; waits for them a
 * limited time.  Does not return if another core ends the node already.  false: this core called it
 * before, so what it did since has failed.
 */
bool stop_all_others(void);

/* From the NMI handler: does not return if another core ends the node. */
void stop_if_wanted(struct core *c);

/* Turns bus mastering off in all devices, and leaves SVM or VMX operation on this CPU. */
void stop_devices(void);

/* Waits; may be called before the TSC's rate is known. */
void stop_delay_us(uint64_t us);
#endif
