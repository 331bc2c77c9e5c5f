/* SPDX-License-Identifier: BSD-2-Clause */
/* From the NIC to the port: the NIC's buffer is added to the port's ring, without a copy. */
#include <string.h>
#include "guest-images/dom0/bridge.h"
#include "guest-images/lib/mem.h"

#define BATCH    64
#define FRAME_AT 64 /* offset of a frame in its slot, with room for the virtio header before it */

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

/* Returns buffers that the switch has used to the NIC, whose ring has room for all of them. */
static bool reclaim_used(struct bridge *b)
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

/* The frame is complete, so its header asks for no offload (virtio 1.2, 5.1.6.2). */
static void pass_to_port(struct bridge *b, uint8_t *frame, uint32_t len)
{
	uint8_t *header = frame - PORT_HEADER;

	if (stamps_on(&b->in))
		stamps_frame(&b->in, TRACE_nic_taken, b->port.tx.avail_next, trace_now());
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
	bool moved = reclaim_used(b);
	uint32_t len;
	uint8_t *frame;

	for (unsigned i = 0; i < BATCH && (frame = e1000_rx_next(&b->nic, &len)); i++) {
		pass_to_port(b, frame, len);
		moved = true;
	}
	stamps_flush(&b->in, TRACE_guest_given);
	guest_vq_kick(&b->port.tx);
	moved |= reclaim_used(b); /* a switch that runs during the kick has used them already */
	e1000_rx_flush(&b->nic);
	return moved;
}
