/* SPDX-License-Identifier: BSD-2-Clause */
/* Large TCP frames as a virtio driver sends them, and a check of the segments made of them. */
#ifndef GUEST_TESTS_TSO_FRAME_H
#define GUEST_TESTS_TSO_FRAME_H
#include <stdbool.h>
#include <stdint.h>
#include "vnet/frame/frame.h"

/* A frame with `payload` bytes of TCP data in `to` (payload + 86 bytes); returns its length. */
uint32_t tso_build(uint8_t *to, struct vnet_hdr *hdr, bool v6, uint32_t payload, uint16_t mss);

/* Changes such a frame so that its TCP checksum, when it is completed, is zero. */
void tso_zero_sum(uint8_t *frame, bool v6, uint32_t payload);

/* The content of a frame's TCP checksum field. */
uint16_t tso_sum(const uint8_t *frame, bool v6);

/* Splits the frame's memory into pieces of at most 4 KiB, the first with all headers; returns how
 * many (17 at most). */
unsigned tso_pieces(uint8_t *frame, uint32_t len, struct vnet_seg *piece);

struct tso_check {
	bool v6;
	uint32_t payload, offset; /* offset: of the next byte that must come */
	uint16_t mss;
	bool any_flags; /* do not look at them */
};

void tso_check_begin(struct tso_check *c, bool v6, uint32_t payload, uint16_t mss);
bool tso_check_complete(const struct tso_check *c);

/* Whether `frame` is the next segment: lengths, checksums, flags, sequence, data. NULL, or what is
 * wrong. */
const char *tso_check_segment(struct tso_check *c, const uint8_t *frame, uint32_t len);
#endif
