/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.h: the core that polls.  While frames come, and for a time after the last one, it polls;
 * then it asks all drivers for kicks and sleeps until one comes, if the ports' modes allow that
 * (vnet/switch.h).
 */
#ifndef VMM_POLL_H
#define VMM_POLL_H
#include <stdint.h>

struct core;

/* Sets how long it polls after the last frame, in microseconds.  Any core. */
void poll_time_set(uint32_t us);

/* One turn of its loop: a round of the rings, or a sleep.  Returns after each. */
void poll_turn(struct core *c);

/* How often rings were looked at, in all: while this stands still, no core polls. */
uint64_t poll_rounds(void);

/* Calls core number `core` out of its sleep. */
void poll_wake(unsigned core);
#endif
