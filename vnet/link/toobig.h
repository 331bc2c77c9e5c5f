/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * toobig.h: ICMP answers to frames that do not fit a link, for path MTU discovery (private to
 * vnet/): "fragmentation needed" (RFC 792, RFC 1191, 4) and "packet too big" (RFC 4443, 3.2; RFC
 * 8201).
 */
#ifndef VNET_LINK_TOOBIG_H
#define VNET_LINK_TOOBIG_H
#include "vnet/frame/headers.h"
#include "vnet/vnet.h"

#define TOOBIG_QUOTE 512 /* bytes of the packet quoted in the answer, at most */
#define TOOBIG_MAX   (HEADERS_L3 + 40 + 8 + TOOBIG_QUOTE)

/*
 * Writes the answer to a frame that is larger than `limit` bytes, from its destination's addresses
 * to its source's, behind the same tags, for which the MTU in it leaves room; returns its length.
 * 0: none is due, since the frame is no IP packet, may be fragmented, is not from and to a single
 * host, or is an ICMP error itself (RFC 1122, 3.2.2; RFC 4443, 2.4 e).  frame->dst and frame->src
 * are set.
 */
unsigned toobig_answer(uint8_t *out, const struct vnet_frame *frame, unsigned limit);

#endif
