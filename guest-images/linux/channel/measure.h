/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.h: what messages between two members of a group cost, in ticks of the time stamp counter.
 *
 * One member runs measure_answer() again and again; the other asks it for a number of messages of
 * one length, which come back one by one or are only taken, and measures.  Results are lines of
 * JSON, like those of netprobe.
 */
#ifndef GUEST_IMAGES_LINUX_CHANNEL_MEASURE_H
#define GUEST_IMAGES_LINUX_CHANNEL_MEASURE_H
#include "guest-images/netlib/channel.h"

#define MEASURE_MESSAGES 10000000u /* of one measurement, and of its warming up */

/* Sleeps until the other side asks for a measurement, and takes its messages by polling. */
void measure_answer(struct channel *there, struct channel *back);

/*
 * Measures `n` >= 1 round trips of `bytes` bytes, after `warm` others.  Prints their distribution
 * as "tsc", and those of two parts: "send", the call that sends, and "receive", the call that
 * receives the message's last segment, which the other side has written by then.
 */
void measure_trips(struct channel *there, struct channel *back, uint64_t n, uint32_t bytes,
                   uint64_t warm);

/* Sends `n` >= 1 messages, and waits until the last one was taken; prints the ticks of a MiB. */
void measure_stream(struct channel *there, struct channel *back, uint64_t n, uint32_t bytes);

#endif
