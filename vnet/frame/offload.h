/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload.h: the offloads in software: checksums (virtio 1.2, 5.1.6.2) and segmentation of large
 * frames (GSO).  Pure functions over a frame view, for receivers that did not negotiate the offload
 * and for frames that leave the node.
 */
#ifndef VNET_FRAME_OFFLOAD_H
#define VNET_FRAME_OFFLOAD_H
#include "vnet/frame/frame.h"

#define OFFLOAD_HEAD 256 /* bytes of headers, Ethernet to TCP, at most */
/*
 * Segments of one frame, at most.  The receiver or link that segments pays for each, and gso_size 8
 * would make 8118 of one frame.  Linux keeps a path's MTU at 552 bytes or more
 * (net.ipv4.route.min_pmtu), which leaves 472 behind 20 bytes of IP and 60 of TCP: 139 segments in
 * the 65 535 bytes of a packet.  A peer that asks for smaller ones (down to TCP_MIN_SND_MSS, 48)
 * gets as many, for whose smaller frames a smaller window is enough.
 */
#define OFFLOAD_SEGMENTS 140

#define OFFLOAD_SLICES 64 /* pieces of one segment, the headers included, at most */

/* Where the headers of a frame lie, found in a private copy that its sender cannot change. */
struct offload_head {
	uint8_t byte[OFFLOAD_HEAD];
	uint16_t l3, l4, len; /* offsets of the IP and the TCP or UDP header; of the payload */
	bool ipv6, udp;
	bool covered;         /* by an authentication header: no byte behind it may change */
	bool addresses_known; /* the addresses that the checksum covers: */
	uint8_t source[16], destination[16]; /* 4 bytes each for IPv4 */
};

/*
 * Whether the offload header fits the frame, which may have two tags, IPv4 options and IPv6
 * extension headers (headers.h), so that it may go unsegmented to a receiver that negotiated the
 * offload: the checksum field lies inside; a GSO type is TCPv4, TCPv6 or UDP_L4, asks for the
 * checksum where that protocol has it, has a sane segment size and header length (a hint only, but
 * it must lie inside), the frame really carries these headers, and it makes at most
 * OFFLOAD_SEGMENTS segments. frame->hdr, seg, nseg and len are read.
 */
bool offload_check(const struct vnet_frame *frame);

/* Whether offload_check() refuses the frame only because it makes too many segments. */
bool offload_excess(const struct vnet_frame *frame);

/*
 * Finds the headers of a GSO frame and checks them as offload_check() does; *head is filled in.
 * False: they do not fit.
 */
bool offload_parse(struct offload_head *head, const struct vnet_frame *frame);

/*
 * Completes the checksum that hdr asks for (VNET_HDR_F_NEEDS_CSUM) in place, in the frame of `len`
 * bytes that the pieces hold: the sum from csum_start to the end, the field's own content (the
 * pseudo-header's sum) included (RFC 1071).  With nothing to do it succeeds.  False: the field or
 * the frame lies outside of the pieces; nothing is written then.
 */
bool offload_csum(const struct vnet_hdr *hdr, const struct vnet_seg *seg, unsigned nseg,
                  uint32_t len);

/* A large frame being segmented.  About 1.5 KiB; everything in it is private. */
struct offload_cut {
	const struct vnet_frame *frame;
	struct offload_head head;  /* as the sender wrote it */
	uint8_t out[OFFLOAD_HEAD]; /* the headers of the last segment returned */
	struct vnet_seg slice[OFFLOAD_SLICES];
	uint32_t offset;          /* of the next payload byte in the frame */
	uint32_t at_seg, at_byte; /* the same as a place in frame->seg */
	uint32_t index, segments; /* segments returned, and how many there will be */
	uint16_t size;            /* payload of a segment, the last may have less */
	bool broken;              /* a segment has too many pieces */
};

/*
 * Starts to segment a GSO frame (offload_check() is done again, on a private copy of the headers).
 * False: the headers do not fit, or a segment's IP packet would be longer than `mtu` bytes; or it
 * cannot be segmented, because an authentication header covers it (RFC 4302, 3.3.3;
 * cut->head.covered is set) or a routing header is of an unknown type.  The frame must outlive
 * *cut.
 */
bool offload_cut_begin(struct offload_cut *cut, const struct vnet_frame *frame, unsigned mtu);

/*
 * The next segment, as a frame with all checksums complete: seg[0] its rewritten headers, then
 * slices of the sender's payload; they stay valid until the next call.  TCP: sequence number, FIN
 * and PSH on the last, CWR on the first only (RFC 9293, RFC 3168).  IPv4: length, a new
 * identification, header checksum (RFC 791).  UDP: length (RFC 768).  False: there are no more, or
 * cut->broken is set since a segment has more pieces than OFFLOAD_SLICES.
 */
bool offload_cut_next(struct offload_cut *cut, struct vnet_frame *segment);

#endif
