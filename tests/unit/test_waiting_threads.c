/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_waiting_threads.c: the next hop's reply comes at the moment when two senders find its MAC
 * unknown, or just when their devices stop; or the link is removed just when a device stops.  Each
 * frame is sent or dropped, each descriptor is given back, and nothing of it is used after that.
 */
#include "tests/unit/rig/link_nodes.h"
#include <pthread.h>
#include <sched.h>
#include "lib/bytes.h"
#include "vnet/link/arp.h"
#include "vnet/link/wire.h"

#define ROUNDS  3000
#define SENDERS 2
#define PIECES  16
#define PIECE   400

static const struct vnet_link_config far1 = {VNET_LINK_VXLAN, NODE_IP(1), 1, 0, 0};

static struct vnet *v;
static struct vnet_port *edge, *guest[SENDERS], *link;
static atomic_uint round_now, finished, wired;

static unsigned to_wire(struct vnet_port *port, struct vnet_core *core,
                        struct vnet_frame *const *frames, unsigned n)
{
	(void)port, (void)core;
	for (unsigned i = 0; i < n; i++) {
		const struct vnet_seg *last = &frames[i]->seg[frames[i]->nseg - 1];

		if (be16(frames[i]->seg[0].base + 12) == ETHER_ARP)
			continue;
		atomic_fetch_add(&wired, 1);
		/* Read, so that the sanitizer sees it: the sender writes there when it has its
		 * memory back. */
		if (!last->base[last->len - 1])
			abort();
	}
	return n;
}

/* The slots of a sender. */
static struct slots {
	atomic_uint used;
} slots[SENDERS];

static int hold(void *dev, unsigned frame, struct vnet_held *h)
{
	struct slots *s = dev;
	unsigned used = atomic_load(&s->used), slot = (unsigned)__builtin_ctz(~used);

	(void)frame, (void)h;
	if (slot >= VNET_HOLDS)
		return -1;
	atomic_fetch_or(&s->used, 1u << slot);
	return (int)slot;
}

static void release(void *dev, unsigned slot)
{
	struct slots *s = dev;

	atomic_fetch_and(&s->used, ~(1u << slot));
}

static const struct vnet_port_ops ops = {.egress = to_wire, .hold = hold, .release = release};

static void input(unsigned core, struct vnet_port *from, uint8_t *bytes, uint32_t piece,
                  unsigned pieces)
{
	struct vnet_batch *b = vnet_core_batch(vnet_core(v, core));

	b->n = 1;
	b->nseg = pieces;
	for (unsigned i = 0; i < pieces; i++)
		b->seg[i] = (struct vnet_seg){bytes + i * piece, piece};
	b->frame[0] = (struct vnet_frame){.seg = b->seg,
	                                  .len = piece * pieces,
	                                  .nseg = (uint16_t)pieces,
	                                  .contiguous_head = true};
	vnet_input(vnet_core(v, core), from, b);
}

static void *sender(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	uint8_t out[PIECES * PIECE];

	ether_frame(out, MAC_BROADCAST, i ? A : B, 0x88b5, sizeof out, i);
	memset(out + 14, 1, sizeof out - 14);
	for (unsigned k = 1; k <= ROUNDS; k++) {
		while (atomic_load(&round_now) < k)
			sched_yield();
		input(i, guest[i], out, PIECE, PIECES);
		if (k % 3) {
			while (atomic_load(&slots[i].used))
				sched_yield();
		} else {
			vnet_port_recall(vnet_core(v, i), guest[i]);
			if (atomic_load(&slots[i].used))
				abort();
		}
		memset(out + 14, (int)(k % 250 + 1), sizeof out - 14);
		atomic_fetch_add(&finished, 1);
	}
	return NULL;
}

/* Nothing is known of it, but that it was asked. */
static void forget(struct neighbour *hop)
{
	atomic_store(&hop->word, 0);
	atomic_store(&hop->asked, 1);
}

/* Senders whose frames go to one link, which is asked for its next hop. */
static void make_senders(const struct vnet_port_ops *sender_ops)
{
	const struct vnet_underlay_config under = {NODE_IP(0), 24, GATEWAY, NODE_MAC(0), 16000};
	struct vnet_route all = {1, {VNET_MAC_ANY, 0}, {VNET_MAC_ANY, 0}, -1, 0, false};
	char err[100];

	v = vnet_create(&node_mem, SENDERS + 1);
	vnet_net_set(v, 0, VNET_LEARN);
	vnet_net_set(v, 1, VNET_ROUTE);
	edge = vnet_port_add(v, "edge", 0, &ops, NULL, VNET_EDGE);
	edge->up = true;
	assert_true(vnet_underlay_set(edge, &under, err, sizeof err));
	link = vnet_link_add(v, "far", 1, edge, &far1, err, sizeof err);
	all.to = link->number;
	for (unsigned i = 0; i < SENDERS; i++) {
		guest[i] = vnet_port_add(v, i ? "a" : "b", 1, sender_ops, &slots[i], 0);
		guest[i]->up = true;
	}
	assert_true(vnet_routes_set(v, &all, 1, err, sizeof err));
	forget(link_of(link)->hop);
}

static void no_frame_is_left_waiting(void **state)
{
	const struct arp a = {ARP_REPLY, NODE_MAC(1), NODE_MAC(0), NODE_IP(1), NODE_IP(0)};
	uint8_t out[ARP_FRAME];
	pthread_t thread[SENDERS];
	unsigned gone, dropped = 0;

	(void)state;
	make_senders(&ops);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_create(&thread[i], NULL, sender, (void *)(uintptr_t)i);
	for (unsigned k = 1; k <= ROUNDS; k++) {
		atomic_store(&round_now, k);
		for (unsigned spin = k % 64 * 2; spin; spin--)
			__builtin_ia32_pause();
		arp_write(out, NODE_MAC(0), &a);
		input(SENDERS, edge, out, sizeof out, 1);
		while (atomic_load(&finished) < k * SENDERS)
			sched_yield();
		gone = atomic_load(&wired) + (unsigned)port_drops(link, VNET_DROP_no_neighbour);
		assert_int_equal(gone, k * SENDERS);
		dropped = gone - atomic_load(&wired);
		forget(link_of(link)->hop);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(thread[i], NULL);
	assert_in_range(dropped, 0, 2 * ROUNDS); /* of two at once, one can wait */
	assert_int_equal(port_drops(edge, VNET_DROP_arp_unsolicited), 0);
	vnet_destroy(v);
}

static atomic_bool releasing, recalled, too_early;

/* Takes longer than a recall that does not wait for it. */
static void release_slowly(void *dev, unsigned slot)
{
	atomic_store(&releasing, true);
	for (unsigned i = 0; i < 1000 && !atomic_load(&recalled); i++)
		sched_yield();
	atomic_store(&too_early, atomic_load(&recalled));
	release(dev, slot);
}

static void *recall(void *arg)
{
	(void)arg;
	while (!atomic_load(&releasing))
		sched_yield();
	vnet_port_recall(vnet_core(v, 0), guest[0]);
	atomic_store(&recalled, true);
	return NULL;
}

/* A device that stops knows of each of its frames that it was released, also when a removal of the
 * link, which is not in the walk, has it in hand: else it would be given back after a restart. */
static void a_recall_waits_for_a_removal(void **state)
{
	static const struct vnet_port_ops slow = {
	    .egress = to_wire, .hold = hold, .release = release_slowly};
	uint8_t out[PIECE];
	pthread_t thread;

	(void)state;
	make_senders(&slow);
	ether_frame(out, MAC_BROADCAST, A, 0x88b5, sizeof out, 0);
	input(0, guest[0], out, sizeof out, 1);
	assert_int_equal(atomic_load(&slots[0].used), 1);
	pthread_create(&thread, NULL, recall, NULL);
	assert_true(vnet_link_remove(link));
	pthread_join(thread, NULL);
	assert_false(atomic_load(&too_early));
	assert_int_equal(atomic_load(&slots[0].used), 0);
	vnet_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_frame_is_left_waiting),
	    cmocka_unit_test(a_recall_waits_for_a_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
