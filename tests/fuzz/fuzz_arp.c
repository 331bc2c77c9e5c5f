/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_arp.c: ARP frames of any shape, in any order with requests and the clock.  A next hop has
 * the MAC of the answer to our last request and no other; a frame is answered at most once, and
 * makes us ask one next hop at most; no table grows.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/arena.h"
#include "vnet/link/arp.h"
#include "lib/bytes.h"
#include "vnet/link/neighbour.h"

#define US     0xc0000201u
#define US_MAC 0x010000000002ull
#define LINKS  3

struct input {
	const uint8_t *p;
	size_t left;
};

static struct vnet *v;
static struct vnet_port *edge, *link[LINKS];
static uint64_t now;
static unsigned sent[3];      /* frames of the edge since the last step, by operation */
static uint64_t asked[LINKS]; /* one more than the second of the last question; 0: answered */
static mac_t believed[LINKS]; /* what it may have, besides nothing */

static unsigned next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static uint32_t hop(unsigned i)
{
	return US + 1 + i;
}

/* Every frame that the edge sends is ARP of ours. */
static unsigned egress(struct vnet_port *port, struct vnet_core *core,
                       struct vnet_frame *const *frames, unsigned n)
{
	struct arp a;

	(void)port, (void)core;
	for (unsigned i = 0; i < n; i++) {
		if (!arp_read(&a, frames[i]->seg->base, frames[i]->len) || a.sender != US ||
		    a.sender_mac != US_MAC)
			abort();
		sent[a.op]++;
		for (unsigned k = 0; k < LINKS && a.op == ARP_REQUEST; k++)
			if (a.target == hop(k))
				asked[k] = now + 1;
	}
	return n;
}

static const struct vnet_port_ops ops = {.egress = egress};

/* What a right answer changes. */
static void expect(const struct arp *a, mac_t dst, mac_t src)
{
	if ((dst != US_MAC && dst != MAC_BROADCAST) || src == US_MAC || src & MAC_MULTICAST ||
	    a->op != ARP_REPLY || a->target != US)
		return;
	for (unsigned i = 0; i < LINKS; i++) {
		if (a->sender != hop(i) || !asked[i] || now + 1 - asked[i] > NEIGHBOUR_WAIT)
			continue;
		believed[i] = a->sender_mac;
		asked[i] = 0;
	}
}

static void receive_frame(struct input *in)
{
	static const mac_t mac[] = {US_MAC, 0x050000000002ull, 0x060000000002ull, MAC_BROADCAST};
	struct arp a = {1 + next(in) % 2, mac[next(in) % 3], mac[next(in) % 4], 0, 0};
	mac_t dst = mac[next(in) % 4], src;
	struct vnet_batch *b = vnet_core_batch(vnet_core(v, 0));
	unsigned len = ARP_FRAME;
	uint8_t out[ARP_FRAME], *bytes;

	a.sender = US + next(in) % 5;
	a.target = US + next(in) % 3;
	arp_write(out, dst, &a);
	mac_write(out + 6, mac[1 + next(in) % 2]);
	if (next(in) % 4 == 0)
		out[next(in) % ARP_FRAME] = (uint8_t)next(in);
	if (next(in) % 8 == 0)
		len = next(in) % ARP_FRAME;
	bytes = malloc(len);
	memcpy(bytes, out, len);
	dst = mac_read(out);
	src = mac_read(out + 6);
	if (be16(out + 12) == ETHER_ARP && arp_read(&a, out, len))
		expect(&a, dst, src);
	b->n = 1;
	b->nseg = len ? 1 : 0;
	b->seg[0] = (struct vnet_seg){bytes, len};
	b->frame[0] = (struct vnet_frame){.seg = b->seg,
	                                  .nseg = (uint16_t)b->nseg,
	                                  .len = len,
	                                  .contiguous_head = len >= VNET_FRAME_MIN};
	memset(sent, 0, sizeof sent);
	vnet_input(vnet_core(v, 0), edge, b);
	if (sent[ARP_REQUEST] > 1 || sent[ARP_REPLY] > 1)
		abort();
	free(bytes);
}

static void check(void)
{
	struct vnet_link_info info;

	for (unsigned i = 0; i < LINKS; i++) {
		if (!vnet_link_get(link[i], &info) || info.next_hop != hop(i))
			abort();
		if (info.next_mac && info.next_mac != believed[i])
			abort();
	}
}

/* The switch that each input begins with. */
static void build(void)
{
	const struct vnet_underlay_config under = {US, 24, 0, US_MAC, 1500};
	static const char *const name[LINKS] = {"l0", "l1", "l2"};
	char err[100];

	v = vnet_create(&arena_mem, 1);
	vnet_net_set(v, 0, VNET_EXACT); /* nothing to age */
	edge = vnet_port_add(v, "edge", 0, &ops, NULL, VNET_EDGE);
	edge->up = true;
	if (!vnet_underlay_set(edge, &under, err, sizeof err))
		abort();
	for (unsigned i = 0; i < LINKS; i++) {
		const struct vnet_link_config c = {VNET_LINK_VXLAN, hop(i), i, 0, 0};

		link[i] = vnet_link_add(v, name[i], 0, edge, &c, err, sizeof err);
		if (!link[i])
			abort();
	}
	arena_keep();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	if (!v)
		build();
	else
		arena_restore();
	memset(asked, 0, sizeof asked);
	memset(believed, 0, sizeof believed);
	now = 0;
	while (in.left) {
		if (next(&in) % 4 == 0) {
			now += next(&in) % 40;
			vnet_clock_set(vnet_core(v, 0), now);
			if (now & 1)
				vnet_port_ready(vnet_core(v, 0), edge);
		} else {
			receive_frame(&in);
		}
		check();
	}
	if (arena_grew())
		abort();
	return 0;
}
