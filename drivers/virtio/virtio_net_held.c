/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_net_held.c: chains of the TX ring whose frames wait in the switch.
 *
 * A device may use chains in any order (virtio 1.2, 2.7.14: VIRTIO_F_IN_ORDER, which would forbid
 * it, is not offered).  So a chain whose frame is held is left out when its batch ends, and is
 * given back in a later visit, when the frame was sent or dropped.
 */
#include "drivers/virtio/virtio_net.h"
#include "drivers/virtio/virtio_net_parts.h"

/* The number of the chain that became frame number `frame` of the batch. */
static unsigned chain_of(const struct virtio_net_holds *h, unsigned frame)
{
	uint64_t left = ~h->skipped;

	for (; frame; frame--)
		left &= left - 1;
	return (unsigned)__builtin_ctzll(left);
}

/* Fills a slot with a chain of the present batch; one that has a slot already is held once. */
static void fill(struct virtio_net *n, struct virtio_net_hold *s, unsigned chain)
{
	struct virtio_net_holds *h = &n->holds;
	struct vring *r = &n->v.queue[VIRTIO_NET_TX].ring;
	const volatile struct vring_used_elem *filled = &r->used_ring[(r->next + chain) & r->mask];

	s->chain = (uint8_t)chain;
	if (h->held >> chain & 1) {
		for (unsigned left = h->fresh; left; left &= left - 1)
			if (h->slot[__builtin_ctz(left)].chain == chain)
				*s = h->slot[__builtin_ctz(left)];
		return;
	}
	/* A driver that has overwritten it gets back what it wrote. */
	s->head = (uint16_t)filled->id;
	s->serial = ++h->serial;
	h->held |= 1ull << chain;
	r->held++;
}

int virtio_net_hold(void *dev, unsigned frame, struct vnet_held *view)
{
	struct virtio_net *n = dev;
	struct virtio_net_holds *h = &n->holds;
	const struct vring *r = &n->v.queue[VIRTIO_NET_TX].ring;
	unsigned slot = (unsigned)__builtin_ctz(~(unsigned)h->used);

	(void)view; /* guest memory lasts */
	/* Half of the ring stays for frames that do not wait. */
	if (slot >= VNET_HOLDS || r->held >= r->num / 2)
		return -1;
	fill(n, &h->slot[slot], chain_of(h, frame));
	h->used |= (uint16_t)(1u << slot);
	h->fresh |= (uint16_t)(1u << slot);
	return (int)slot;
}

void virtio_net_release(void *dev, unsigned slot)
{
	struct virtio_net *n = dev;

	atomic_fetch_or(&n->holds.released, (uint16_t)(1u << slot));
	virtio_pci_schedule_work(&n->v, VIRTIO_NET_TX);
}

/* Whether another slot has the same chain. */
static bool held_elsewhere(const struct virtio_net_holds *h, unsigned slot)
{
	for (unsigned left = h->used; left; left &= left - 1)
		if (h->slot[__builtin_ctz(left)].serial == h->slot[slot].serial)
			return true;
	return false;
}

static void collect_released(struct virtio_net *n)
{
	struct virtio_net_holds *h = &n->holds;

	for (unsigned left = atomic_exchange(&h->released, 0); left; left &= left - 1) {
		unsigned slot = (unsigned)__builtin_ctz(left);

		h->used &= (uint16_t) ~(1u << slot);
		if (!held_elsewhere(h, slot))
			vring_give_back(&n->v.queue[VIRTIO_NET_TX].ring, h->slot[slot].head);
	}
}

void virtio_net_done_but_held(struct virtio_net *n, struct vnet_core *core, unsigned taken)
{
	struct virtio_net_holds *h = &n->holds;

	vring_done_but(&n->v.queue[VIRTIO_NET_TX].ring, taken, h->held);
	h->held = 0;
	h->fresh = 0;
	vnet_port_drop_late(core, n->port);
	collect_released(n);
}
