/* SPDX-License-Identifier: BSD-2-Clause */
/* daxchannel.h: messages that are waited for. */
#ifndef GUEST_IMAGES_LINUX_CHANNEL_DAXCHANNEL_H
#define GUEST_IMAGES_LINUX_CHANNEL_DAXCHANNEL_H
#include <stdint.h>
#include "guest-images/netlib/channel.h"

/* Says what went wrong, and ends the program with status 1. */
_Noreturn void give_up(const char *what, const char *why);

/* Sleeps for a moment, between two looks at something that may be long in coming: a member that
 * polls all the time takes a core, and, where one emulator runs several, the other members' time.
 */
void look_later(void);

/* Sends a message of `bytes` bytes, as soon as there is room. */
void send_one(struct channel *c, const uint8_t *from, uint32_t bytes);

/* Receives a message into CHANNEL_MESSAGE_MAX bytes; one of another length than `bytes` ends the
 * program.  The first one polls, the other one sleeps between looks. */
void receive_one(struct channel *c, uint8_t *to, uint32_t bytes);
void receive_asleep(struct channel *c, uint8_t *to, uint32_t bytes);

#endif
