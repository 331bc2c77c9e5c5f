/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_vnet.c: control operations and frames in any order and of any shape.  Frames lie in
 * allocations of their exact size, and no frame may leave its network.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/capture.h"
#include "tests/fuzz/arena.h"
#include "vnet/measure.h"
#include "vnet/mirror.h"
#include "vnet/trace.h"

#define PORTS        6
#define NETS         3
#define CORES        2
#define CAPTURED     2048u /* bytes of a core's ring */
#define TRACED       16u   /* records of a core's ring */
#define RECORD_STEPS 240   /* values of a step's byte from here on are record()'s */

struct input {
	const uint8_t *p;
	size_t left;
};

static struct vnet *v;
static struct vnet_port *port[PORTS], *first[PORTS]; /* now; as each input begins */
static unsigned sender_net;
static uint64_t clock_now;

static unsigned next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static mac_t next_mac(struct input *in)
{
	static const mac_t mac[] = {0, MAC_BROADCAST, 0x5e0001, 0x10052, 0x20052, 0x30052};
	unsigned i = next(in);

	return i < 224 ? mac[i % 6] : (mac_t)i << 40 | (mac_t)next(in) << 16;
}

static unsigned egress(struct vnet_port *self, struct vnet_core *core,
                       struct vnet_frame *const *frames, unsigned n)
{
	if (n == 0 || n > VNET_BATCH || self->net != sender_net)
		abort();
	for (unsigned i = 0; i < n; i++)
		if (frames[i]->len < VNET_FRAME_MIN || frames[i]->len > VNET_FRAME_MAX ||
		    frames[i]->src & MAC_MULTICAST || (i && frames[i] <= frames[i - 1]))
			abort();
	if (n > 3)
		vnet_refuse(core, self, frames[n - 1], VNET_DROP_rx_full);
	return n > 3 ? n - 1 : n;
}

static const struct vnet_port_ops ops = {.egress = egress};

static void plug(struct input *in)
{
	unsigned i = next(in) % PORTS;
	char name[8];

	if (port[i]) {
		if (!vnet_port_remove(port[i]))
			abort();
		port[i] = NULL;
		return;
	}
	snprintf(name, sizeof name, "p%u", i);
	port[i] = vnet_port_add(v, name, next(in) % NETS, &ops, (void *)(size_t)i, next(in) & 1);
	if (port[i])
		port[i]->up = next(in) % 8 != 0;
}

static void routes(struct input *in)
{
	struct vnet_route t[32], last;
	unsigned n = next(in) % 32;
	uint64_t hits;
	char err[100];

	for (unsigned i = 0; i < n; i++) {
		t[i].net = (uint16_t)(next(in) % (NETS + 1));
		t[i].src = (struct vnet_qual){(enum vnet_match)(next(in) % 5), next_mac(in)};
		t[i].dst = (struct vnet_qual){(enum vnet_match)(next(in) % 5), next_mac(in)};
		t[i].from = (int)(next(in) % 32) - 24;
		t[i].from = t[i].from < -1 ? -1 : t[i].from;
		t[i].to = (uint16_t)(next(in) % (PORTS + 1));
		t[i].reflect = next(in) & 1;
	}
	/* A table of which one route is refused is tried again without its end. */
	while (!vnet_routes_set(v, t, n, err, sizeof err)) {
		if (!strncmp(err, "no memory", strlen("no memory")))
			return;
		n = (unsigned)strtoul(err + strlen("route "), NULL, 10);
	}
	if ((n && !vnet_route_get(v, n - 1, &last, &hits)) || vnet_route_get(v, n, &last, &hits))
		abort();
}

static void ignore(void *ctx, const struct vnet_verdict *verdict)
{
	(void)ctx;
	if (verdict->drop >= VNET_DROP_CAUSES || verdict->port >= VNET_PORTS)
		abort();
}

static void explain(struct input *in)
{
	struct vnet_question q = {.net = next(in) % NETS};

	q.src = next_mac(in);
	q.dst = next_mac(in);
	q.from = next(in) % PORTS;
	vnet_explain(v, &q, ignore, NULL);
}

/* One frame in pieces of their own; returns how many pieces were used. */
static unsigned frame(struct input *in, struct vnet_frame *f, struct vnet_seg *seg, unsigned room)
{
	uint8_t head[VNET_FRAME_MIN] = {0};
	uint32_t len = next(in) % 100, at = 0, step = 1 + next(in) % 40;

	mac_write(head, next_mac(in));
	mac_write(head + 6, next_mac(in));
	memset(f, 0, sizeof *f);
	f->seg = seg;
	while (at < len && f->nseg < room) {
		uint32_t part = len - at < step ? len - at : step;

		seg[f->nseg] = (struct vnet_seg){malloc(part), part};
		for (uint32_t i = 0; i < part; i++)
			seg[f->nseg].base[i] = at + i < 14 ? head[at + i] : (uint8_t)next(in);
		f->nseg++;
		at += part;
	}
	f->len = next(in) == 0 ? next(in) << 10 : at;
	f->contiguous_head = f->nseg && seg[0].len >= VNET_FRAME_MIN;
	if (next(in) % 4 == 0)
		f->hdr = (struct vnet_hdr){
		    (uint8_t)next(in),  (uint8_t)next(in),  0, (uint16_t)(next(in) * 5),
		    (uint16_t)next(in), (uint16_t)next(in), 0};
	return f->nseg;
}

static void send(struct input *in)
{
	unsigned core = next(in) & 1, from = next(in) % PORTS, n = next(in) % (VNET_BATCH + 1);
	struct vnet_batch *b = vnet_core_batch(vnet_core(v, core));
	unsigned used = 0;

	if (!port[from])
		return;
	for (b->n = 0; b->n < n && in->left; b->n++)
		used += frame(in, &b->frame[b->n], &b->seg[used], VNET_SEGS - used);
	sender_net = port[from]->net;
	vnet_input(vnet_core(v, core), port[from], b);
	for (unsigned i = 0; i < used; i++)
		free(b->seg[i].base);
}

static void declare(struct input *in)
{
	unsigned i = next(in) % PORTS;
	mac_t mac = next_mac(in);

	if (port[i] && vnet_port_set_mac(port[i], mac) && mac & MAC_MULTICAST)
		abort();
}

/* --- recording: rings of their exact size, which nobody writes after the stop ------------- */

static struct capture_ring *captured[CORES];
static struct trace_ring *traced[CORES];

/* What the switch has written is whole, whatever was left out of it. */
static void read_ring(const struct capture_ring *ring)
{
	struct capture_cursor c = {0};
	struct capture_record r;
	uint8_t bytes[CAPTURED];
	int found;

	while ((found = capture_read(ring, CAPTURED, &c, &r, bytes, sizeof bytes)) == 1)
		if (r.kind == CAPTURE_frame && r.port >= VNET_PORTS)
			abort();
	if (found < 0)
		abort();
}

static void stop_capture(void)
{
	vnet_capture_stop(v);
	for (unsigned i = 0; i < CORES; i++) {
		if (captured[i])
			read_ring(captured[i]);
		free(captured[i]);
		captured[i] = NULL;
	}
}

static void start_capture(uint32_t cut)
{
	for (unsigned i = 0; i < CORES && !captured[i]; i++) {
		captured[i] = calloc(1, sizeof *captured[i] + CAPTURED);
		capture_ring_init(captured[i], CAPTURED);
	}
	vnet_capture_start(v, vnet_core(v, 0), captured, cut);
}

static void stop_trace(void)
{
	vnet_trace_stop(v);
	for (unsigned i = 0; i < CORES; i++) {
		free(traced[i]);
		traced[i] = NULL;
	}
}

static void start_trace(struct input *in)
{
	const struct vnet_trace_filter filter = {(int)(next(in) % (PORTS + 1)) - 1, next_mac(in)};

	for (unsigned i = 0; i < CORES && !traced[i]; i++) {
		traced[i] = calloc(1, trace_bytes(TRACED));
		trace_ring_init(traced[i], TRACED, (uint16_t)i);
	}
	vnet_trace_start(v, traced, &filter);
}

static void read_times(struct input *in)
{
	struct hist h = {0};
	unsigned i = next(in) % PORTS;

	if (port[i])
		vnet_port_measured(port[i], -1, &h);
	vnet_route_measured(v, next(in) % 32, -1, &h);
	if (hist_percentile(&h, 500) > hist_percentile(&h, 999))
		abort();
}

static void record(struct input *in, unsigned what)
{
	char err[200];
	unsigned i;

	switch (what % 8) {
	case 0:
	case 1:
		start_capture(what & 1 ? 14 + next(in) : CAPTURE_WHOLE);
		break;
	case 2:
		stop_capture();
		break;
	case 3:
		i = next(in) % PORTS;
		if (port[i])
			vnet_port_set_mirrors(port[i], vnet_core(v, 1), (uint8_t)next(in));
		break;
	case 4:
		start_trace(in);
		break;
	case 5:
		stop_trace();
		break;
	case 6:
		vnet_measure_start(v, err, sizeof err);
		read_times(in);
		break;
	default:
		vnet_measure_stop(v);
	}
}

static void step(struct input *in)
{
	unsigned what = next(in);

	if (what >= RECORD_STEPS) {
		record(in, what);
		return;
	}
	switch (what % 8) {
	case 0:
		plug(in);
		break;
	case 1:
		routes(in);
		break;
	case 2:
		vnet_net_set(v, next(in) % NETS, (enum vnet_policy)(next(in) % 3));
		break;
	case 3:
		declare(in);
		clock_now += next(in) * 4;
		vnet_clock_set(vnet_core(v, 0), clock_now);
		break;
	case 4:
		explain(in);
		break;
	default:
		send(in);
	}
}

/* The switch that each input begins with: six ports in three networks. */
static void build(void)
{
	static const uint8_t ports[] = {0, 0, 0, 1, 1, 0, 0, 1, 2, 0, 0, 1,
	                                3, 1, 0, 1, 4, 1, 0, 1, 5, 2, 1, 1};
	struct input start = {ports, sizeof ports};

	v = vnet_create(&arena_mem, CORES);
	vnet_net_set(v, 0, VNET_ROUTE);
	vnet_net_set(v, 1, VNET_LEARN);
	while (start.left)
		plug(&start);
	memcpy(first, port, sizeof port);
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
	memcpy(port, first, sizeof port);
	clock_now = 0;
	while (in.left)
		step(&in);
	stop_capture();
	stop_trace();
	return 0;
}
