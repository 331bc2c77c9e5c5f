/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.c: what a hop of a trust group costs the VMM, ring to ring, as a host program.
 *
 * Members pass bursts on to each other for ever: each round every member has received what its
 * neighbour sent, and sends it on as a function that changes nothing would.  Only vnet_poll() is
 * measured, the poll loop of a core that is given to the network; each frame that it moves is one
 * hop.
 *
 *   group ns|insn LOOKUP SIZE BATCH MEMBERS   LOOKUP: route, learn, or direct (SHM_TO)
 *
 * Prints the median time of a hop in nanoseconds, or its instructions, and how often a byte of a
 * frame was copied.
 */
#include <stdio.h>
#include <stdlib.h>
#include "tests/bench/ringbench/bench_switch.h"
#include "tests/bench/ringbench/meter.h"

#define WARM   400
#define ROUNDS 4000

struct bench {
	const char *look_up;
	unsigned size, batch, members;
	bool stepped;
};

static struct bench_member member[BENCH_MEMBERS];

static void address(struct netlib_frame *f, unsigned from, unsigned to)
{
	mac_write(f->data, bench_mac(to));
	mac_write(f->data + 6, bench_mac(from));
	f->data[12] = 0x88;
	f->data[13] = 0xb5;
}

/* The first bursts, from empty buffers. */
static void fill(const struct bench *b)
{
	struct netlib_frame f[NETLIB_BURST];

	for (unsigned i = 0; i < b->members; i++) {
		if (netlib_take(&member[i].lib, f, b->batch) != b->batch)
			bench_fail("member", "has too few buffers");
		for (unsigned k = 0; k < b->batch; k++) {
			address(&f[k], i, (i + 1) % b->members);
			f[k].length = b->size;
		}
		netlib_send(&member[i].lib, f, b->batch);
	}
	vnet_poll(bench_core, b->batch);
}

static void build(const struct bench *b)
{
	bool learns = b->look_up[0] == 'l';
	struct vnet *net = bench_switch(learns ? VNET_LEARN : VNET_ROUTE);

	bench_group(net, member, b->members);
	if (!learns)
		bench_routes(net, b->members);
	fill(b);
}

/* Every member sends on what it has received; returns how many frames there are. */
static unsigned pass_on(const struct bench *b)
{
	struct netlib_frame f[NETLIB_BURST];
	unsigned n, all = 0;

	for (unsigned i = 0; i < b->members; i++) {
		n = netlib_receive(&member[i].lib, f, b->batch);
		for (unsigned k = 0; k < n; k++) {
			address(&f[k], i, (i + 1) % b->members);
			if (b->look_up[0] == 'd') {
				f[k].action = SHM_TO;
				f[k].to = (uint8_t)((i + 1) % b->members);
			}
		}
		all += netlib_send(&member[i].lib, f, n);
	}
	return all;
}

static void move(const struct bench *b)
{
	unsigned sent = pass_on(b), moved;

	meter_on();
	moved = vnet_poll(bench_core, b->batch);
	meter_off();
	if (moved != sent || moved != b->members * b->batch)
		bench_fail("round", "lost frames");
}

/* How often each byte was copied, since the start. */
static double copies(const struct bench *b, unsigned rounds)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < b->members; i++)
		bytes += member[i].device->copied;
	return (double)bytes / ((double)rounds * b->members * b->batch * b->size);
}

static void warm_up(const struct bench *b)
{
	build(b);
	for (unsigned i = 0; i < WARM; i++)
		move(b);
	meter_take();
}

static void step(void *ctx)
{
	const struct bench *b = ctx;

	warm_up(b);
	meter_stepped = true;
	move(b);
	if (copies(b, WARM + 1) > 0)
		bench_fail("round", "copied frames");
}

static void print_steps(struct bench *b)
{
	long steps = meter_steps(step, b);

	if (steps < 0)
		bench_fail("insn", "cannot be counted");
	printf("%.1f -\n", (double)steps / (b->members * b->batch));
}

static void print_time(const struct bench *b)
{
	static double ticks[ROUNDS];

	warm_up(b);
	for (unsigned i = 0; i < ROUNDS; i++) {
		move(b);
		ticks[i] = (double)meter_take() / (b->members * b->batch);
	}
	printf("%.2f %.3f\n", meter_median(ticks, ROUNDS) / meter_ticks_per_ns(),
	       copies(b, WARM + ROUNDS));
}

int main(int argc, char **argv)
{
	struct bench b = {0};

	if (argc != 6)
		bench_fail("usage", "group ns|insn route|learn|direct SIZE BATCH MEMBERS");
	b.look_up = argv[2];
	b.size = (unsigned)atoi(argv[3]);
	b.batch = (unsigned)atoi(argv[4]);
	b.members = (unsigned)atoi(argv[5]);
	if (!b.size || b.size > SHM_FRAME_MAX || !b.batch || b.batch > NETLIB_BURST ||
	    b.members < 2 || b.members > BENCH_MEMBERS)
		bench_fail("usage", "out of range");
	if (argv[1][0] == 'i')
		print_steps(&b);
	else
		print_time(&b);
	return 0;
}
