/* SPDX-License-Identifier: BSD-2-Clause */
/* relay.c: a network function that sends frames back, or onward as they are; see functions.h. */
#include <string.h>
#include "guest-images/netlib/functions.h"
#include "vnet/frame/frame.h"

static void exchange_addresses(uint8_t *head)
{
	uint8_t dst[6];

	memcpy(dst, head, 6);
	memcpy(head, head + 6, 6);
	memcpy(head + 6, dst, 6);
}

void netlib_relay_frames(void *state, struct netlib_frame *frame, unsigned count)
{
	struct netlib_relay *r = state;

	for (unsigned i = 0; i < count; i++) {
		frame[i].action = r->onward.action;
		frame[i].to = r->onward.to;
		if (r->back && frame[i].length < VNET_FRAME_MIN)
			frame[i].action = SHM_DROP;
		else if (r->back)
			exchange_addresses(frame[i].data);
		r->relayed += frame[i].action != SHM_DROP;
	}
}
