/* SPDX-License-Identifier: BSD-2-Clause */
/* counter.c: a network function that counts; see functions.h. */
#include "guest-images/netlib/functions.h"
#include "lib/bytes.h"
#include "lib/net_formats.h"
#include "vnet/frame/frame.h"

static void count_one(struct netlib_counter *c, const struct netlib_frame *f)
{
	c->frames++;
	c->bytes += f->length;
	switch (f->length < VNET_FRAME_MIN ? 0 : be16(f->data + 12)) {
	case ETHER_IPV4:
		c->ipv4++;
		break;
	case ETHER_IPV6:
		c->ipv6++;
		break;
	case ETHER_ARP:
		c->arp++;
		break;
	default:
		c->other++;
	}
}

void netlib_count(void *state, struct netlib_frame *frame, unsigned count)
{
	struct netlib_counter *c = state;

	for (unsigned i = 0; i < count; i++) {
		count_one(c, &frame[i]);
		frame[i].action = c->onward.action;
		frame[i].to = c->onward.to;
	}
}
