/* SPDX-License-Identifier: BSD-2-Clause */
/* view.h: reading, cutting and summing the view of a frame (private to vnet/). */
#ifndef VNET_FRAME_VIEW_H
#define VNET_FRAME_VIEW_H
#include "vnet/frame/sum.h"
#include "vnet/frame/frame.h"

/* Copies the frame's first bytes, `want` at most; returns how many there were. */
uint32_t view_read(const struct vnet_frame *f, uint8_t *to, uint32_t want);

/*
 * Lets the view begin `skip` bytes later and be `len` bytes long; its pieces are changed in place.
 * False: the pieces hold fewer bytes; the view is of no use then.
 */
bool view_cut(struct vnet_frame *f, uint32_t skip, uint32_t len);

/*
 * Lets a copy stand for the frame's first `have` bytes; its pieces go to `seg`, which has room for
 * one more than it has.  Returns how many there are then.
 */
unsigned view_replace_head(struct vnet_frame *f, uint8_t *head, unsigned have,
                           struct vnet_seg *seg);

/* Sums the bytes [from, end) of the pieces; returns how many of them there were. */
uint32_t view_sum(struct sum *sum, const struct vnet_seg *seg, unsigned nseg, uint32_t from,
                  uint32_t end);

#endif
