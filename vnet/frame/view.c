/* SPDX-License-Identifier: BSD-2-Clause */
/* view.c: see view.h. */
#include "vnet/frame/view.h"
#include <string.h>

uint32_t view_read(const struct vnet_frame *f, uint8_t *to, uint32_t want)
{
	uint32_t n = 0;

	if (want > f->len)
		want = f->len;
	for (unsigned s = 0; s < f->nseg && n < want; s++) {
		uint32_t part = f->seg[s].len < want - n ? f->seg[s].len : want - n;

		memcpy(to + n, f->seg[s].base, part);
		n += part;
	}
	return n;
}

/* Drops the first bytes; the first piece that is left is not empty. */
static void skip_bytes(struct vnet_frame *f, uint32_t skip)
{
	while (f->nseg && f->seg->len <= skip) {
		skip -= f->seg->len;
		f->seg++;
		f->nseg--;
	}
	if (f->nseg) {
		f->seg->base += skip;
		f->seg->len -= skip;
	}
}

bool view_cut(struct vnet_frame *f, uint32_t skip, uint32_t len)
{
	uint32_t left = len;
	uint16_t kept = 0;

	skip_bytes(f, skip);
	while (kept < f->nseg && left) {
		struct vnet_seg *seg = &f->seg[kept++];

		if (seg->len > left)
			seg->len = left;
		left -= seg->len;
	}
	f->nseg = kept;
	f->len = len;
	f->contiguous_head = kept && f->seg->len >= VNET_FRAME_MIN;
	return left == 0;
}

unsigned view_replace_head(struct vnet_frame *f, uint8_t *head, unsigned have, struct vnet_seg *seg)
{
	struct vnet_frame rest = *f;

	memcpy(seg + 1, f->seg, f->nseg * sizeof *seg);
	rest.seg = seg + 1;
	view_cut(&rest, have, f->len - have);
	f->seg = rest.seg - 1;
	*f->seg = (struct vnet_seg){head, have};
	f->nseg = (uint16_t)(1 + rest.nseg);
	f->contiguous_head = true;
	return (unsigned)(f->seg - seg) + f->nseg;
}

uint32_t view_sum(struct sum *sum, const struct vnet_seg *seg, unsigned nseg, uint32_t from,
                  uint32_t end)
{
	uint32_t done = 0, at = 0; /* at: the piece's offset in the frame, never beyond end */

	for (unsigned s = 0; s < nseg && at < end; s++) {
		uint32_t skip = from > at ? from - at : 0;
		uint32_t stop = seg[s].len < end - at ? seg[s].len : end - at;

		if (skip < stop) {
			sum_bytes(sum, seg[s].base + skip, stop - skip);
			done += stop - skip;
		}
		at += stop;
	}
	return done;
}
