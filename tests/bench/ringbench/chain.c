/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain.c: what a chain of functions costs the VMM, ring to ring, as a host program.
 *
 * Two ends send each other bursts in turn, all of whose frames pass so many functions, each of
 * which gives back what it gets.  All are ports of one kind: virtio devices, between which a frame
 * is copied at each hop, or members of a group.  Only vnet_poll() is measured, the poll loop of a
 * core that is given to the network, which moves a whole burst one hop each time.
 *
 *   chain ns|insn virtio|group SIZE BATCH FUNCTIONS [BUFFERS]
 *
 * BUFFERS, from 2 BATCH to 256, are those that go round in each virtio device, 256 if not given.
 * All of them together must stay in the cache, or each hop waits for memory.
 *
 * Prints the median time of a frame from end to end in nanoseconds, or its instructions, and how
 * often a byte of a frame was copied, on the whole way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/ringbench/bench_switch.h"
#include "tests/bench/ringbench/meter.h"
#include "tests/unit/rig/host_memory.h"
#include "vnet/chain/chain.h"

#define WARM    400
#define ROUNDS  4000
#define ENDS    2
#define PARTIES (ENDS + VNET_CHAIN)
#define FLOWS   32 /* by UDP port */
#define HEADERS 42 /* Ethernet, IPv4, UDP */

struct bench {
	bool group;
	unsigned size, batch, functions, buffers;
};

/* ---- frames ---- */

static void address(uint8_t *frame, unsigned end)
{
	mac_write(frame, bench_mac(1 - end));
	mac_write(frame + 6, bench_mac(end));
}

static void compose(uint8_t *frame, unsigned size, unsigned number)
{
	static const uint8_t headers[HEADERS - 12] = {
	    8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 4, 0, 0, 80};

	memset(frame, 0, size);
	address(frame, 0);
	memcpy(frame + 12, headers, sizeof headers);
	frame[16] = (uint8_t)((size - 14) >> 8);
	frame[17] = (uint8_t)(size - 14);
	frame[35] = (uint8_t)(number % FLOWS);
	frame[38] = (uint8_t)((size - 34) >> 8);
	frame[39] = (uint8_t)(size - 34);
}

/* ---- virtio: the driver's side of a device whose buffers go round ---- */

#define QUEUE  256u
#define BUFFER 2048u
#define HEADER 12u /* struct virtio_net_hdr */
#define PAGE   4096u

struct avail {
	uint16_t flags, idx, ring[QUEUE], used_event;
};

struct used {
	uint16_t flags, idx;
	struct vring_used_elem ring[QUEUE];
	uint16_t avail_event;
};

/* A buffer that came in by RX goes out by TX, and is offered again when that was used. */
struct driver {
	struct virtio_net *nic;
	struct {
		struct vring_desc desc[QUEUE] __attribute__((aligned(PAGE)));
		struct avail avail __attribute__((aligned(PAGE)));
		struct used used __attribute__((aligned(PAGE)));
	} rx, tx;
	uint8_t buffer[QUEUE][BUFFER] __attribute__((aligned(PAGE)));
	uint16_t rx_used, tx_used; /* as far as the driver has read */
};

static struct gmem memory;
static struct driver *driver; /* the guests' memory, at GPA 0 */

static uint64_t gpa(const void *at)
{
	return (uint64_t)((const uint8_t *)at - (const uint8_t *)driver);
}

static void offer(struct avail *a, uint16_t index)
{
	a->ring[a->idx % QUEUE] = index;
	__atomic_store_n(&a->idx, (uint16_t)(a->idx + 1), __ATOMIC_RELEASE);
}

/* All buffers but the first `kept` are offered to the device. */
static void fill_rings(struct driver *d, unsigned buffers, unsigned kept)
{
	d->rx.avail.flags = d->tx.avail.flags = VRING_NO_INTERRUPT;
	for (uint16_t i = 0; i < QUEUE; i++) {
		uint64_t at = gpa(d->buffer[i]);

		d->rx.desc[i] = (struct vring_desc){at, BUFFER, VRING_DESC_WRITE, 0};
		d->tx.desc[i] = (struct vring_desc){at, 0, 0, 0};
		if (i >= kept && i < buffers)
			offer(&d->rx.avail, i);
	}
}

/* The first burst, when frames find their way: a device takes what is offered as soon as it runs.
 */
static void begin_virtio(const struct bench *b)
{
	struct driver *d = &driver[0];

	for (uint16_t i = 0; i < b->batch; i++) {
		compose(d->buffer[i] + HEADER, b->size, i);
		d->tx.desc[i].len = b->size + HEADER;
		offer(&d->tx.avail, i);
	}
}

/* Party i sends on what it got; returns how many frames.  One core: nothing changes meanwhile. */
static unsigned pass_virtio(unsigned i)
{
	struct driver *d = &driver[i];
	unsigned n = 0;

	for (; d->tx_used != d->tx.used.idx; d->tx_used++)
		offer(&d->rx.avail, (uint16_t)d->tx.used.ring[d->tx_used % QUEUE].id);
	for (; d->rx_used != d->rx.used.idx; d->rx_used++, n++) {
		const struct vring_used_elem *e = &d->rx.used.ring[d->rx_used % QUEUE];

		d->tx.desc[e->id].len = e->len;
		if (i < ENDS)
			address(d->buffer[e->id] + HEADER, i);
		offer(&d->tx.avail, (uint16_t)e->id);
	}
	return n;
}

static void build_virtio(struct vnet *net, const struct bench *b)
{
	unsigned n = ENDS + b->functions;

	driver = host_alloc_at(PAGE, n * sizeof *driver);
	gmem_add(&memory, 0, n * sizeof *driver, driver);
	for (unsigned i = 0; i < n; i++) {
		struct driver *d = &driver[i];
		const struct bench_queue rx = {gpa(d->rx.desc), gpa(&d->rx.avail),
		                               gpa(&d->rx.used)};
		const struct bench_queue tx = {gpa(d->tx.desc), gpa(&d->tx.avail),
		                               gpa(&d->tx.used)};

		fill_rings(d, b->buffers, i ? 0 : b->batch);
		d->nic = bench_nic(net, bench_mac(i), &memory, QUEUE, &rx, &tx);
	}
}

/* ---- members of a group ---- */

static struct bench_member member[PARTIES];

static unsigned pass_member(unsigned i)
{
	struct netlib_frame f[NETLIB_BURST];
	unsigned n = netlib_receive(&member[i].lib, f, NETLIB_BURST);

	for (unsigned k = 0; k < n && i < ENDS; k++)
		address(f[k].data, i);
	return netlib_send(&member[i].lib, f, n);
}

static void begin_members(const struct bench *b)
{
	struct netlib_frame f[NETLIB_BURST];

	if (netlib_take(&member[0].lib, f, b->batch) != b->batch)
		bench_fail("member", "has too few buffers");
	for (unsigned k = 0; k < b->batch; k++) {
		compose(f[k].data, b->size, k);
		f[k].length = b->size;
	}
	netlib_send(&member[0].lib, f, b->batch);
}

/* ---- both ---- */

static const struct vnet_port *port_of(const struct bench *b, unsigned i)
{
	return b->group ? member[i].device->port : driver[i].nic->port;
}

static void use_chain(struct vnet *net, const struct bench *b)
{
	struct vnet_service service[VNET_CHAIN] = {0};
	struct vnet_flow all = {
	    .name = "all", .version = 4, .protocol = 17, .from = -1, .end = VNET_FLOW_OUT};
	const struct vnet_chain_rules rules = {service, b->functions, &all, 1};
	struct vnet_chains *c;
	char err[200];

	for (unsigned i = 0; i < b->functions; i++) {
		snprintf(service[i].name, sizeof service[i].name, "s%u", i);
		service[i].replicas = 1;
		service[i].port[0] = port_of(b, ENDS + i)->number;
		all.service[all.services++] = (uint16_t)i;
	}
	c = vnet_chains_make(net, &rules, err, sizeof err);
	if (!c)
		bench_fail("chain", err);
	vnet_chains_use(net, c);
}

/* The burst of a party, one hop further. */
static void hop(const struct bench *b)
{
	unsigned moved;

	meter_on();
	moved = vnet_poll(bench_core, b->batch);
	meter_off();
	if (moved != b->batch)
		bench_fail("hop", "lost frames");
}

static unsigned pass(const struct bench *b, unsigned i)
{
	return b->group ? pass_member(i) : pass_virtio(i);
}

/* A burst from the end that has sent already to the other one, which sends it back. */
static void move(const struct bench *b)
{
	static unsigned to = 1;

	hop(b);
	for (unsigned i = 0; i < b->functions; i++) {
		pass(b, ENDS + i);
		hop(b);
	}
	if (pass(b, to) != b->batch)
		bench_fail("end", "got fewer frames");
	to = 1 - to;
}

static void warm_up(const struct bench *b)
{
	struct vnet *net = bench_switch(VNET_ROUTE);

	if (b->group)
		bench_group(net, member, ENDS + b->functions);
	else
		build_virtio(net, b);
	bench_routes(net, ENDS);
	if (b->functions)
		use_chain(net, b);
	if (b->group)
		begin_members(b);
	else
		begin_virtio(b);
	for (unsigned i = 0; i < WARM; i++)
		move(b);
	meter_take();
}

/* Bytes that were copied, since the start. */
static uint64_t copied(const struct bench *b)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < ENDS + b->functions; i++) {
		struct vnet_port_stats s;

		vnet_port_stats(port_of(b, i), &s);
		bytes += s.copied + (b->group ? member[i].device->copied : driver[i].nic->copied);
	}
	return bytes;
}

static void step(void *ctx)
{
	warm_up(ctx);
	meter_stepped = true;
	move(ctx); /* there, and back */
	move(ctx);
}

static void print_steps(struct bench *b)
{
	long steps = meter_steps(step, b);

	if (steps < 0)
		bench_fail("insn", "cannot be counted");
	printf("%.1f -\n", (double)steps / (2 * b->batch));
}

static void print_time(const struct bench *b)
{
	static double ticks[ROUNDS];
	uint64_t before;

	warm_up(b);
	before = copied(b);
	for (unsigned i = 0; i < ROUNDS; i++) {
		move(b);
		ticks[i] = (double)meter_take() / b->batch;
	}
	printf("%.2f %.3f\n", meter_median(ticks, ROUNDS) / meter_ticks_per_ns(),
	       (double)(copied(b) - before) / ((double)ROUNDS * b->batch * b->size));
}

int main(int argc, char **argv)
{
	struct bench b = {0};

	if (argc != 6 && argc != 7)
		bench_fail("usage", "chain ns|insn virtio|group SIZE BATCH FUNCTIONS [BUFFERS]");
	b.group = argv[2][0] == 'g';
	b.size = (unsigned)atoi(argv[3]);
	b.batch = (unsigned)atoi(argv[4]);
	b.functions = (unsigned)atoi(argv[5]);
	b.buffers = argc == 7 ? (unsigned)atoi(argv[6]) : QUEUE;
	if (b.size < HEADERS || b.size > SHM_FRAME_MAX || !b.batch || b.batch > NETLIB_BURST ||
	    b.functions > VNET_CHAIN || b.buffers < 2 * b.batch || b.buffers > QUEUE)
		bench_fail("usage", "out of range");
	if (argv[1][0] == 'i')
		print_steps(&b);
	else
		print_time(&b);
	return 0;
}
