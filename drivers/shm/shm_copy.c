/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm_copy.c: frames that come from outside the group, or go to several destinations, are copied
 * once, into spare buffers of the receiver.
 *
 * The buffers are taken and the frames put into the ring with the receiver's lock held; it is not
 * held over the copy between the two.  Members get frames with their checksums complete, and of
 * one buffer at most: what a sender leaves to the receiver is done here (virtio 1.2, 5.1.6.4).
 */
#include <string.h>
#include "drivers/shm/shm_parts.h"
#include "vnet/frame/offload.h"

#define AT_ONCE OFFLOAD_SEGMENTS /* buffers that are taken at once, at most */

_Static_assert(AT_ONCE >= VNET_BATCH, "a batch without segmentation is taken at once");

/* Copies on their way into the ring. */
struct copies {
	struct shm_member *to;
	struct vnet_core *core;
	unsigned have, used; /* buffers taken, and those of them with a frame */
	uint64_t bytes;      /* copied */
	struct shm_desc desc[AT_ONCE];
};

/* Takes up to `wanted` spare buffers; with `all` that many or none.  *why is set if there are
 * fewer. */
static void take_buffers(struct copies *c, unsigned wanted, bool all, enum vnet_drop *why)
{
	struct shm_member *m = c->to;
	unsigned fit = 0;

	c->used = 0;
	c->bytes = 0;
	spin_lock(&m->lock);
	*why = shm_ready(m) ? VNET_DROP_rx_full : VNET_DROP_port_down;
	if (shm_ready(m))
		fit = shm_receivable(m, wanted);
	if (all && fit < wanted)
		fit = 0;
	for (c->have = 0; c->have < fit; c->have++)
		c->desc[c->have] = (struct shm_desc){.at = m->spare[--m->nspare] * SHM_BUFFER};
	m->incoming += c->have;
	spin_unlock(&m->lock);
}

/* Puts the frames into the ring, and gives back the other buffers.  False: the member has stopped
 * meanwhile, and gets none. */
static bool put_copies(struct copies *c)
{
	struct shm_member *m = c->to;
	bool running;

	spin_lock(&m->lock);
	running = shm_ready(m);
	for (unsigned i = 0; i < c->used && running; i++)
		shm_set_owner(m->group, c->desc[i].at / SHM_BUFFER, shm_id(m));
	for (unsigned i = running ? c->used : 0; i < c->have; i++)
		m->spare[m->nspare++] = (uint16_t)(c->desc[i].at / SHM_BUFFER);
	m->incoming -= c->have - c->used;
	count_add(&m->copied, c->bytes);
	if (c->used)
		shm_put(m, c->desc, c->used);
	else
		running = true;
	spin_unlock(&m->lock);
	return running;
}

/* Copies one frame into the next buffer, and completes its checksum there.  False: *why says
 * why not; the buffer can be used again. */
static bool copy_frame(struct copies *c, const struct vnet_frame *f, enum vnet_drop *why)
{
	struct shm_desc *d = &c->desc[c->used];
	uint8_t *to = c->to->group->buffer + d->at + SHM_HEADROOM;
	struct vnet_seg whole = {to, f->len};

	*why = VNET_DROP_oversize;
	if (f->len > SHM_FRAME_MAX)
		return false;
	memset(to - SHM_HEADROOM, 0, SHM_NOTES);
	for (unsigned i = 0; i < f->nseg; i++) {
		memcpy(to, f->seg[i].base, f->seg[i].len);
		to += f->seg[i].len;
	}
	c->bytes += f->len;
	*why = VNET_DROP_no_offload;
	if (!offload_csum(&f->hdr, &whole, 1, f->len))
		return false;
	d->at += SHM_HEADROOM;
	d->length = (uint16_t)f->len;
	c->used++;
	return true;
}

/* Delivers a large frame in segments, all or none. */
static bool copy_segments(struct copies *c, const struct vnet_frame *f, enum vnet_drop *why)
{
	struct vnet_frame segment;
	struct offload_cut cut;
	bool whole = true;

	if (!offload_cut_begin(&cut, f, c->to->mtu)) {
		*why = cut.head.covered ? VNET_DROP_authenticated : VNET_DROP_no_offload;
		return false;
	}
	take_buffers(c, cut.segments, true, why);
	if (!c->have)
		return false;
	while (whole && offload_cut_next(&cut, &segment))
		whole = c->used < c->have && copy_frame(c, &segment, why);
	if (!whole || cut.broken) {
		*why = VNET_DROP_no_offload;
		c->used = 0;
		put_copies(c);
		return false;
	}
	*why = VNET_DROP_port_down;
	return put_copies(c);
}

static bool is_large(const struct vnet_frame *f)
{
	return f->hdr.gso_type != VNET_GSO_NONE;
}

/* Copies frames that need no segmentation.  Returns how many were delivered. */
static unsigned copy_plain(struct copies *c, struct vnet_frame *const *frames, unsigned n)
{
	const struct vnet_frame *copied[VNET_BATCH];
	struct shm_member *m = c->to;
	enum vnet_drop none, why;

	take_buffers(c, n, false, &none);
	for (unsigned i = 0; i < n; i++) {
		why = none;
		if (c->used < c->have) {
			copied[c->used] = frames[i];
			if (copy_frame(c, frames[i], &why))
				continue;
		}
		vnet_refuse(c->core, m->port, frames[i], why);
	}
	if (put_copies(c))
		return c->used;
	for (unsigned i = 0; i < c->used; i++)
		vnet_refuse(c->core, m->port, copied[i], VNET_DROP_port_down);
	return 0;
}

unsigned shm_copy(struct shm_member *m, struct vnet_core *core, struct vnet_frame *const *frames,
                  unsigned n)
{
	struct copies c = {.to = m, .core = core};
	unsigned delivered = 0, first = 0, next;

	while (first < n) {
		enum vnet_drop why;

		for (next = first; next < n && !is_large(frames[next]); next++)
			;
		if (next > first) {
			delivered += copy_plain(&c, frames + first, next - first);
		} else if (copy_segments(&c, frames[next++], &why)) {
			delivered++;
		} else {
			vnet_refuse(core, m->port, frames[first], why);
		}
		first = next;
	}
	return delivered;
}
