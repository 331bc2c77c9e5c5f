/* SPDX-License-Identifier: BSD-2-Clause */
/* view.h: reading, trimming and summing the view of a frame (private to vnet/). */
#ifndef VNET_FRAME_VIEW_H
#define VNET_FRAME_VIEW_H
#include "vnet/frame/sum.h"
#include "vnet/frame/frame.h"

/* Copies the frame's first bytes, `want` at most; returns how many there were. */
uint32_t view_read(const struct vnet_frame *f, uint8_t *to, uint32_t want);

/*
 * Trims the view to `len` bytes from offset `skip` on; its pieces are changed in place.  False: the
 * pieces hold fewer bytes; the view must not be used then.
 */
bool view_cut(struct vnet_frame *f, uint32_t skip, uint32_t len);

/*
 * Replaces the frame's first `have` bytes by the copy `head`.  The list of pieces is rebuilt in
 * `seg`, with room for one more than f->nseg.  Returns how many elements of `seg` are used.
 */
unsigned view_replace_head(struct vnet_frame *f, uint8_t *head, unsigned have,
                           struct vnet_seg *seg);

/* Sums the bytes [from, end) of the pieces; returns how many the pieces have. */
uint32_t view_sum(struct sum *sum, const struct vnet_seg *seg, unsigned nseg, uint32_t from,
                  uint32_t end);

#endif
