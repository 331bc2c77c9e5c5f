/* SPDX-License-Identifier: BSD-2-Clause */
/* From the wire into the node: the filled buffer goes into the port's ring as it is. */
#include <string.h>
#include "guest-images/dom0/bridge.h"
#include "guest-images/lib/mem.h"

#define BATCH    64
#define FRAME_AT 64 /* where a frame starts in its slot, so that header and frame adjoin */

const char *inward_start(struct bridge *b)
{
	while (e1000_rx_room(&b->nic)) {
		uint8_t *slot = mem_alloc(FRAME_AT + b->nic.rx_bytes, 64);
		if (!slot)
			return "no memory for the NIC's buffers";
		e1000_rx_give(&b->nic, slot + FRAME_AT);
	}
	e1000_rx_flush(&b->nic);
	return NULL;
}

/* Buffers that the switch is done with go back to the NIC, whose ring has room for all there are.
 */
static bool reclaim(struct bridge *b)
{
	uint32_t unused;
	uint8_t *frame;
	bool any = false;
	while ((frame = guest_vq_used(&b->port.tx, &unused))) {
		e1000_rx_give(&b->nic, frame);
		b->in_held--;
		any = true;
	}
	return any;
}

/* The frame is complete, so its header asks for nothing (virtio 1.2, 5.1.6.2). */
static void pass(struct bridge *b, uint8_t *frame, uint32_t len)
{
	uint8_t *header = frame - PORT_HEADER;
	memset(header, 0, PORT_HEADER);
	if (guest_vq_add(&b->port.tx, &(struct guest_vbuf){header, PORT_HEADER + len}, 1, 0,
	                 frame)) {
		b->in_held++;
		b->count[BRIDGE_in_frames]++;
	} else {
		b->count[BRIDGE_in_port_full]++;
		e1000_rx_give(&b->nic, frame);
	}
}

bool inward_poll(struct bridge *b)
{
	bool moved = reclaim(b);
	uint32_t len;
	uint8_t *frame;
	for (unsigned i = 0; i < BATCH && (frame = e1000_rx_take(&b->nic, &len)); i++) {
		pass(b, frame, len);
		moved = true;
	}
	guest_vq_kick(&b->port.tx);
	moved |= reclaim(b); /* a switch that runs in the kick is done with them already */
	e1000_rx_flush(&b->nic);
	return moved;
}
