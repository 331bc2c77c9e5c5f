/* SPDX-License-Identifier: BSD-2-Clause */
/* stop.h: what comes before every end of the node. */
#ifndef ARCH_STOP_H
#define ARCH_STOP_H
#include <stdbool.h>
#include <stdint.h>

struct core;

/*
 * This core is the one that ends the node; all others stop, for good, within a time.  A core that
 * comes here while another ends the node stops too.  false: this one was it before, and what it did
 * since has failed.
 */
bool stop_all_others(void);

/* Does not return when another core ends the node: at an NMI. */
void stop_if_wanted(struct core *c);

/* Takes bus mastering from all devices, and this CPU out of SVM or VMX operation. */
void stop_devices(void);

/* Waits, also before the TSC's rate is known. */
void stop_delay_us(uint64_t us);
#endif
