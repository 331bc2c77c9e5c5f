/* SPDX-License-Identifier: BSD-2-Clause */
/* echo.c: the reply to an echo request: new headers in front of the request's payload. */
#include "vnet/link/echo.h"
#include <string.h>
#include "lib/bytes.h"
#include "vnet/frame/view.h"

#define HEAD    42 /* Ethernet, IPv4, ICMP */
#define REQUEST 8
#define REPLY   0

/* The request's headers with the addresses swapped. */
static void write_reply(uint8_t *out, const struct encap_packet *p, const struct underlay *u)
{
	struct sum sum = {0, false};
	uint8_t *ip = out + 14, *icmp = ip + 20;
	uint32_t check;

	memcpy(out, p->head, HEAD);
	memcpy(out, p->head + 6, 6);
	mac_write(out + 6, u->config.mac);
	ip[8] = 64;
	put_be32(ip + 12, p->destination);
	put_be32(ip + 16, p->source);
	put_be16(ip + 10, 0);
	sum_bytes(&sum, ip, 20);
	sum_store(&sum, ip + 10);
	icmp[0] = REPLY;
	/* RFC 1624, eqn. 3: the type was all that changed.  A wrong sum stays wrong. */
	check = (uint16_t)~be16(icmp + 2) + (0xffffu ^ REQUEST << 8);
	put_be16(icmp + 2, ~(check + (check >> 16)) & 0xffff);
}

bool echo_answer(struct vnet_core *core, struct underlay *u, const struct vnet_frame *frame,
                 const struct encap_packet *p)
{
	struct vnet_scratch *s = &core->scratch;
	struct vnet_frame f = *frame, *const list = &f;
	const uint8_t *icmp = p->head + p->l4;

	if (p->l4 != 34 || p->end < HEAD || p->have < HEAD || icmp[0] != REQUEST || icmp[1])
		return false;
	/* A copy of the list of pieces, with room in front for one more. */
	memcpy(s->seg + 1, frame->seg, frame->nseg * sizeof *s->seg);
	f.seg = s->seg + 1;
	if (!view_cut(&f, HEAD, p->end - HEAD))
		return false;
	write_reply(s->head[0], p, u);
	f.seg--;
	*f.seg = (struct vnet_seg){s->head[0], HEAD};
	f.nseg++;
	f.len += HEAD;
	f.contiguous_head = true;
	memset(&f.hdr, 0, sizeof f.hdr);
	if (atomic_load_explicit(&u->edge->up, memory_order_acquire))
		port_hand(core, u->edge, &list, 1, f.len);
	return true;
}
