/* SPDX-License-Identifier: BSD-2-Clause */
/* admit.c: the rare cases of checking a frame that enters the switch. */
#include "vnet/frame/offload.h"
#include "vnet/walk.h"

/* Copies an Ethernet header from several pieces into w->head; false: they are too short. */
bool admit_gather(struct walk *w, const struct vnet_frame *f)
{
	unsigned n = 0;

	for (unsigned s = 0; s < f->nseg; s++)
		for (uint32_t i = 0; i < f->seg[s].len; i++) {
			w->head[n++] = f->seg[s].base[i];
			if (n == VNET_FRAME_MIN)
				return true;
		}
	drop_here(w, f, VNET_DROP_runt);
	return false;
}

static __attribute__((noinline)) bool refuse_offload(struct walk *w, const struct vnet_frame *f)
{
	enum vnet_drop why = offload_excess(f) ? VNET_DROP_many_segments : VNET_DROP_bad_offload;

	drop_here(w, f, why);
	return false;
}

bool admit_offload(struct walk *w, struct vnet_frame *f)
{
	/* Flags that the standard gives to no sender must be ignored: cleared for all after us. */
	f->hdr.flags &= VNET_HDR_F_NEEDS_CSUM | VNET_HDR_F_DATA_VALID;
	return offload_check(f) || refuse_offload(w, f);
}

bool admit_length(struct walk *w, const struct vnet_frame *f)
{
	drop_here(w, f, f->len < VNET_FRAME_MIN ? VNET_DROP_runt : VNET_DROP_oversize);
	return false;
}

bool admit_source(struct walk *w, const struct vnet_frame *f)
{
	drop_here(w, f, VNET_DROP_bad_source);
	return false;
}
