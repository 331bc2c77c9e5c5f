/* SPDX-License-Identifier: BSD-2-Clause */
/* From the port to the NIC: the port's buffers are added to the NIC's ring, without a copy. */
#include <string.h>
#include "guest-images/dom0/bridge.h"
#include "guest-images/lib/mem.h"
#include "vnet/frame/offload.h"

#define BATCH 64

static void free_frame(struct bridge *b, struct out_frame *f)
{
	f->n = f->want = 0;
	f->next_free = b->out_free;
	b->out_free = f;
	b->out_nfree++;
}

struct out_frame *outward_take(struct bridge *b)
{
	struct out_frame *f = b->out_free;

	if (f) {
		b->out_free = f->next_free;
		b->out_nfree--;
	}
	return f;
}

const char *outward_start(struct bridge *b)
{
	unsigned n = b->port.rx.num; /* a frame has at least one of the ring's buffers */
	struct out_frame *frames = mem_alloc(n * sizeof *frames, 64);

	if (!frames)
		return "no memory for frames";
	for (unsigned i = 0; i < n; i++)
		free_frame(b, &frames[i]);
	return NULL;
}

static void release_frame(struct bridge *b, struct out_frame *f)
{
	for (unsigned i = 0; i < f->n; i++)
		port_give(&b->port, f->buffer[i]);
	free_frame(b, f);
}

/* The first buffer begins with the header, which has the number of buffers (5.1.6.4). */
static void begin_frame(struct out_frame *f, uint8_t *buffer, uint32_t len)
{
	memcpy(&f->hdr, buffer, sizeof f->hdr);
	f->want = f->hdr.num_buffers;
	f->piece[0] = (struct vnet_seg){buffer + PORT_HEADER, len - PORT_HEADER};
}

/*
 * Adds a used buffer to the frame.  False: the frame is invalid; the caller counts and drops it.
 * The next buffer then starts a frame again, which is wrong only if the device breaks the rules.
 */
static bool add_buffer(struct out_frame *f, uint8_t *buffer, uint32_t len)
{
	f->buffer[f->n] = buffer;
	if (len > PORT_BUFFER || len <= (f->n ? 0 : PORT_HEADER)) {
		f->n++;
		return false;
	}
	if (f->n == 0)
		begin_frame(f, buffer, len);
	else
		f->piece[f->n] = (struct vnet_seg){buffer, len};
	f->n++;
	return f->want >= 1 && f->want <= OUT_BUFFERS;
}

/* The next complete frame, or NULL when some of its buffers have not come yet. */
static struct out_frame *next_frame(struct bridge *b)
{
	struct out_frame *f;

	if (!b->out_now)
		b->out_now = outward_take(b);
	if (!b->out_now)
		return NULL;
	f = b->out_now;
	while (f->n < f->want || f->n == 0) {
		uint32_t len;
		uint8_t *buffer = guest_vq_used(&b->port.rx, &len);

		if (!buffer)
			return NULL;
		if (add_buffer(f, buffer, len))
			continue;
		b->count[BRIDGE_out_bad]++;
		for (unsigned i = 0; i < f->n; i++)
			port_give(&b->port, f->buffer[i]);
		f->n = f->want = 0;
	}
	return f;
}

/* Releases the frames that the NIC has sent. */
static bool reclaim_sent(struct bridge *b)
{
	struct out_frame *f;
	bool any = false;

	while ((f = e1000_tx_done(&b->nic))) {
		release_frame(b, f);
		any = true;
	}
	return any;
}

/* Completes a checksum that the NIC cannot: its offset is too large for the NIC. */
static bool complete_checksum(struct out_frame *f)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < f->n; i++)
		len += f->piece[i].len;
	if (!offload_csum(&f->hdr, f->piece, f->n, len))
		return false;
	f->hdr.flags = 0;
	return true;
}

/* Sends a frame with the offload done in software. */
static enum e1000_sent send_software(struct bridge *b, struct out_frame *f)
{
	enum e1000_sent sent = E1000_UNABLE;

	if (f->hdr.gso_type != VNET_GSO_NONE)
		sent = outward_cut(b, f);
	else if (complete_checksum(f))
		sent = e1000_tx_send(&b->nic, f->piece, f->n, &f->hdr, f);
	b->count[BRIDGE_out_software] += sent == E1000_SENT;
	return sent;
}

/* Sends or drops the frame; false: neither, the NIC's ring is full. */
static bool send_frame(struct bridge *b, struct out_frame *f)
{
	enum e1000_sent sent = e1000_tx_send(&b->nic, f->piece, f->n, &f->hdr, f);

	if (sent == E1000_UNABLE)
		sent = send_software(b, f);
	switch (sent) {
	case E1000_SENT:
		b->count[BRIDGE_out_frames]++;
		return true;
	case E1000_FULL:
		b->count[BRIDGE_out_waits]++;
		return false;
	case E1000_UNABLE:
		b->count[BRIDGE_out_unable]++;
		break;
	case E1000_BAD:
		b->count[BRIDGE_out_bad]++;
		break;
	}
	release_frame(b, f);
	return true;
}

bool outward_blocked(const struct bridge *b)
{
	return b->out_now && b->out_now->n && b->out_now->n >= b->out_now->want;
}

/* Sends or drops the next frame, and stamps it; false: there is none, or the NIC's ring is full. */
static bool send_next(struct bridge *b)
{
	struct out_frame *f = next_frame(b);
	uint16_t position;
	uint64_t met;

	if (!f)
		return false;
	/* All of its buffers have been taken, and each had a position. */
	position = (uint16_t)(b->port.rx.used_next - f->n);
	met = stamps_on(&b->out) ? trace_now() : 0;
	if (!send_frame(b, f))
		return false;
	if (met)
		stamps_frame(&b->out, TRACE_guest_taken, position, met);
	b->out_now = NULL;
	return true;
}

bool outward_poll(struct bridge *b)
{
	bool moved = reclaim_sent(b);

	for (unsigned i = 0; i < BATCH && send_next(b); i++)
		moved = true;
	e1000_tx_flush(&b->nic);
	stamps_flush(&b->out, TRACE_nic_given);
	guest_vq_kick(&b->port.rx);
	return moved;
}
