/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dut_patio.c: Patio's switch and virtio devices as a device under test of the ring-to-ring rig.
 *
 * Each of the rig's ports is a guest's network device, negotiated through its registers as a driver
 * does, in poll mode; fwd() is the poll loop of a core that is given to the network.  The number of
 * routes comes from the environment (RB_ROUTES); those that no frame needs are filled up with
 * routes to addresses that nobody sends to.
 */
#include "ringbench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/bus/gpa.h"
#include "tests/bench/ringbench/bench_switch.h"
#include "vnet/vnet.h"

extern struct port P[MAXP];

#define TRACED 2048 /* records, as a node has them */

static struct vnet *net;
static struct gmem guest_memory;

/* The rig's guest-physical addresses are offsets into its memory. */
static struct bench_queue queue_of(const struct vq *q)
{
	const void *base = gmem;

	return (struct bench_queue){(uint64_t)((const char *)q->desc - (const char *)base),
	                            (uint64_t)((const char *)q->avail - (const char *)base),
	                            (uint64_t)((const char *)q->used - (const char *)base)};
}

static struct vnet_port *make_port(int i)
{
	struct bench_queue rx = queue_of(&P[i].rx), tx = queue_of(&P[i].tx);

	return bench_nic(net, mac_of((unsigned)i), &guest_memory, QSZ, &rx, &tx)->port;
}

static int set_routes(struct vnet_port **port, int lookup)
{
	unsigned want = getenv("RB_ROUTES") ? (unsigned)atoi(getenv("RB_ROUTES")) : 0, n = 0;
	struct vnet_route *r = calloc(VNET_ROUTES, sizeof *r);
	char err[128];

	if (want == 1) { /* one for all: two ports, the frames of the second come back to it */
		r[n++] = (struct vnet_route){.src = {VNET_MAC_ANY, 0},
		                             .dst = {VNET_MAC_ANY, 0},
		                             .from = -1,
		                             .to = port[1]->number,
		                             .reflect = true};
	} else {
		unsigned used = lookup ? nmac : (unsigned)nports;

		for (; n < used || n < want; n++) {
			uint16_t to = port[port_of(n)]->number;

			r[n] = (struct vnet_route){.src = {VNET_MAC_ANY, 0},
			                           .dst = {VNET_MAC_IS, mac_of(n)},
			                           .from = -1,
			                           .to = to};
		}
	}
	if (!vnet_routes_set(net, r, n, err, sizeof err))
		return fprintf(stderr, "routes: %s\n", err), -1;
	free(r);
	return 0;
}

static int init_with(int lookup)
{
	struct vnet_port **port = calloc(MAXP, sizeof(void *));

	gmem_add(&guest_memory, 0, gmem_sz, gmem);
	net = bench_switch(VNET_ROUTE);
	for (int i = 0; i < nports; i++)
		port[i] = make_port(i);
	return set_routes(port, lookup);
}

static int init_lookup(void)
{
	return init_with(1);
}

/* All frames are traced. */
static int init_traced(void)
{
	static const struct vnet_trace_filter all = {-1, 0};
	struct trace_ring *ring = calloc(1, trace_bytes(TRACED));

	if (!ring || init_with(1))
		return -1;
	trace_ring_init(ring, TRACED, 0);
	vnet_trace_start(net, &ring, &all);
	return 0;
}

static int init_pairs(void)
{
	return init_with(0);
}

static int forward(int batch)
{
	return (int)vnet_poll(bench_core, (unsigned)batch);
}

struct dut dut_patio = {"patio", 1, init_lookup, forward};
struct dut dut_patio_traced = {"patio-traced", 1, init_traced, forward};
struct dut dut_patio_nolookup = {"patio-nolookup", 0, init_pairs, forward};
