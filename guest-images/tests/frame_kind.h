/* SPDX-License-Identifier: BSD-2-Clause */
/* VLAN tags and extension headers: put into plain TCP frames, and taken out again. */
#ifndef GUEST_TESTS_FRAME_KIND_H
#define GUEST_TESTS_FRAME_KIND_H
#include <stdbool.h>
#include <stdint.h>
#include "vnet/frame/frame.h"

#define FRAME_KINDS    10
#define FRAME_KIND_MAX 64 /* bytes that are put in, at most */

struct frame_kind {
	const char *name;
	bool v6;
	bool covered;    /* by an authentication header */
	uint8_t n;       /* extension headers, of IPv6 */
	uint8_t ext[3];  /* their numbers */
	uint8_t tags;    /* VLAN tags */
	uint16_t tag[2]; /* their types */
};

extern const struct frame_kind frame_kinds[FRAME_KINDS];

/* Bytes from the beginning of the frame to TCP's header. */
uint32_t frame_kind_l4(const struct frame_kind *k);

/*
 * Turns a frame from tso_build(), of `len` bytes and with room for FRAME_KIND_MAX more, into one of
 * the kind, with DSCP FRAME_DSCP and this ECN field; adjusts *hdr.  Returns the new length.
 */
uint32_t frame_kind_put(uint8_t *frame, uint32_t len, struct vnet_hdr *hdr,
                        const struct frame_kind *k, unsigned ecn);
#define FRAME_DSCP 0x15

/* The reverse: *len is the new length, *ecn the frame's ECN field.  Returns NULL, or which part
 * differs from what frame_kind_put() wrote. */
const char *frame_kind_take(uint8_t *frame, uint32_t *len, const struct frame_kind *k,
                            unsigned *ecn);
#endif
