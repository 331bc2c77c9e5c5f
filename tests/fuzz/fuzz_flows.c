/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_flows.c: services, flows and frames of any content.  Functions give back what they get,
 * changed or not; frames lie in allocations of their exact size.  No frame leaves its network, none
 * that is given back unchanged goes in a circle, and a flood never reaches a function.
 */
#include <stdlib.h>
#include <string.h>
#include "lib/bytes.h"
#include "tests/fuzz/arena.h"
#include "vnet/chain/chain.h"

#define PORTS  8
#define CORES  2
#define QUEUE  64
#define FRAME  256
#define ROUNDS 400 /* batches given back after a frame was sent, at most: flows times services */

struct input {
	const uint8_t *p;
	size_t left;
};

static struct vnet *v;
static struct vnet_port *port[PORTS], *first[PORTS]; /* now; as each input begins */
static struct {
	unsigned len;
	uint8_t bytes[FRAME];
} queue[QUEUE];
static uint8_t at[QUEUE]; /* the port where each waits */
static unsigned queued;
static unsigned sender_net;
static struct vnet_service service[4];
static struct vnet_flow flow[VNET_FLOWS];
static struct vnet_chain_rules rules = {service, 0, flow, 0};

static unsigned next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static bool is_function(unsigned number)
{
	for (unsigned i = 0; i < rules.services; i++)
		for (unsigned k = 0; service[i].name[0] && k < service[i].replicas; k++)
			if (service[i].port[k] == number)
				return true;
	return false;
}

static unsigned egress(struct vnet_port *self, struct vnet_core *core,
                       struct vnet_frame *const *frames, unsigned n)
{
	(void)core;
	if (n == 0 || self->net != sender_net)
		abort();
	for (unsigned i = 0; i < n; i++) {
		uint32_t len = 0;

		if (is_function(self->number) && frames[i]->nseg && queued < QUEUE &&
		    frames[i]->len <= FRAME) {
			for (unsigned s = 0; s < frames[i]->nseg; s++) {
				const struct vnet_seg *seg = &frames[i]->seg[s];

				if (len + seg->len > FRAME)
					abort();
				memcpy(queue[queued].bytes + len, seg->base, seg->len);
				len += seg->len;
			}
			at[queued] = (uint8_t)self->number;
			queue[queued++].len = len;
		}
	}
	return n;
}

static const struct vnet_port_ops ops = {.egress = egress};

/* Another port with that number is no function. */
static void forget(unsigned number)
{
	for (unsigned i = 0; i < rules.services; i++)
		for (unsigned k = 0; k < service[i].replicas; k++)
			if (service[i].port[k] == number)
				service[i].port[k] = VNET_PORTS;
}

static void plug(struct input *in)
{
	unsigned i = next(in) % PORTS;
	char name[3] = {'p', (char)('0' + i), 0};

	if (port[i] && next(in) % 4 == 0) {
		forget(port[i]->number);
		if (!vnet_port_remove(port[i]))
			abort();
		port[i] = NULL;
	} else if (port[i]) {
		atomic_store(&port[i]->up, next(in) & 1);
	} else {
		port[i] = vnet_port_add(v, name, next(in) % 2, &ops, NULL, next(in) & 1);
		if (port[i])
			atomic_store(&port[i]->up, true);
	}
}

static struct vnet_prefix prefix(struct input *in)
{
	struct vnet_prefix p = {.version = (uint8_t)(next(in) % 8), .bits = (uint8_t)next(in)};

	p.version = p.version == 4 || p.version == 6 ? p.version : p.version == 7 ? 7 : 0;
	if (p.version == 0 && p.bits < 250)
		p.bits = 0;
	for (unsigned i = 0; p.version && i < 2; i++)
		p.address[i] = (uint8_t)(next(in) & 1);
	return p;
}

static void make_service(struct input *in, unsigned i)
{
	struct vnet_service *s = &service[i];
	unsigned how;

	memset(s, 0, sizeof *s);
	if (next(in) % 4)
		s->name[0] = (char)('a' + i);
	s->net = (uint16_t)(next(in) % 16 == 0);
	how = next(in);
	s->fail_open = how & 1;
	s->may_leave = how >> 1 & 1;
	s->replicas = (uint16_t)(1 + next(in) % 2);
	for (unsigned k = 0; k < s->replicas; k++)
		s->port[k] = (uint16_t)(2 + (2 * i + next(in)) % PORTS);
}

static void make_flow(struct input *in, unsigned i)
{
	struct vnet_flow *f = &flow[i];

	memset(f, 0, sizeof *f);
	f->name[0] = (char)('A' + i % 32);
	f->net = (uint16_t)(next(in) % 16 == 0);
	f->version = (uint8_t)(next(in) % 4 ? 0 : next(in) % 8);
	f->protocol = next(in) % 2 ? -1 : next(in) % 2 ? 17 : (int16_t)(next(in) * 2);
	f->src = prefix(in);
	f->dst = prefix(in);
	f->ranges = next(in) % 4 ? 0 : (uint16_t)(next(in) % 6);
	for (unsigned k = 0; k < f->ranges && k < VNET_FLOW_RANGES; k++)
		f->range[k] =
		    (struct vnet_port_range){(uint16_t)next(in), (uint16_t)(next(in) * 2)};
	f->from = next(in) % 2 ? -1 : (int)(next(in) % (PORTS + 4));
	f->services = (uint16_t)(next(in) % 5);
	for (unsigned k = 0; k < f->services; k++)
		f->service[k] = (uint16_t)(next(in) % 5);
	f->end = (enum vnet_flow_end)(next(in) % 4);
	f->to = (uint16_t)(next(in) % (PORTS + 1));
}

/* New tables until one is accepted, with a flow fewer each time. */
static void tables(struct input *in)
{
	struct vnet_chains *c = NULL;
	char err[200];

	rules.services = next(in) % 5;
	rules.flows = next(in) % 9;
	for (unsigned i = 0; i < rules.services; i++)
		make_service(in, i);
	for (unsigned i = 0; i < rules.flows; i++)
		make_flow(in, i);
	while (!(c = vnet_chains_make(v, &rules, err, sizeof err)) &&
	       (rules.flows || rules.services))
		--*(rules.flows ? &rules.flows : &rules.services);
	if (!c)
		return;
	if (next(in) % 16 == 0) {
		vnet_chains_free(v, c);
		rules.services = rules.flows = 0;
		c = vnet_chains_make(v, &rules, err, sizeof err);
		if (!c)
			return;
	}
	vnet_chains_use(v, c);
}

static void read_back(void)
{
	struct vnet_flow_count count;
	struct vnet_service s;
	struct vnet_flow f;
	uint64_t hits[VNET_REPLICAS];

	for (unsigned i = 0; vnet_flow_get(v, i, &f, &count); i++)
		if (!f.name[0] || i >= rules.flows)
			abort();
	for (unsigned i = 0; vnet_service_get(v, i, &s, hits); i++)
		if (i >= rules.services)
			abort();
}

/* A head that is often IP: a few addresses and ports. */
static void head(struct input *in, uint8_t *p, unsigned len)
{
	static const uint16_t type[] = {0x800, 0x86dd, 0x8100, 0x806};
	unsigned kind = next(in);

	memset(p, 0, len);
	p[0] = kind & 64 ? 0xff : 0x52;
	p[5] = (uint8_t)(kind >> 4 & 3);
	p[6] = 0x52;
	p[11] = (uint8_t)(kind >> 2 & 3);
	put_be16(p + 12, type[kind & 3]);
	for (unsigned i = 14; i < len && in->left; i++)
		p[i] = (uint8_t)next(in);
	if (len > 40 && (kind & 3) == 0 && kind & 128) {
		p[14] = 0x45;
		p[23] = 17;
	}
	if (len > 60 && (kind & 3) == 1 && kind & 128) {
		p[14] = 0x60;
		p[20] = 17;
	}
}

/* Sends a frame in pieces of their own; `leaves`: out of its chain. */
static void input(unsigned core, struct vnet_port *from, const uint8_t *bytes, unsigned len,
                  unsigned piece, bool leaves)
{
	struct vnet_batch *b = vnet_core_batch(vnet_core(v, core));
	struct vnet_frame *f = &b->frame[0];

	b->n = 1;
	memset(f, 0, sizeof *f);
	f->seg = b->seg;
	f->len = len;
	for (unsigned done = 0; done < len; done += piece) {
		unsigned part = len - done < piece ? len - done : piece;

		b->seg[f->nseg] = (struct vnet_seg){malloc(part), part};
		memcpy(b->seg[f->nseg++].base, bytes + done, part);
	}
	f->contiguous_head = f->nseg && b->seg[0].len >= VNET_FRAME_MIN;
	b->nseg = f->nseg;
	sender_net = from->net;
	(leaves ? vnet_input_leaving : vnet_input)(vnet_core(v, core), from, b);
	for (unsigned i = 0; i < b->nseg; i++)
		free(b->seg[i].base);
}

static void send(struct input *in)
{
	unsigned core = next(in) & 1, from = next(in) % PORTS, change = next(in), rounds = 0;
	unsigned len = 1 + next(in) % (FRAME - 1), piece = 1 + next(in) % 100;
	uint8_t bytes[FRAME];

	if (!port[from])
		return;
	head(in, bytes, len);
	queued = 0;
	input(core, port[from], bytes, len, piece, change & 2);
	while (queued) {
		unsigned i = --queued, n = queue[i].len;
		struct vnet_port *function = vnet_port_get(v, at[i]);

		memcpy(bytes, queue[i].bytes, n);
		if (change & 1 && n > 14) {
			bytes[14 + change % (n - 14)] ^= (uint8_t)next(in);
			if (++rounds > 20)
				return;
		} else if (++rounds > ROUNDS) {
			abort();
		}
		if (function)
			input(core, function, bytes, n, piece, change & 4);
	}
}

static void ignore(void *ctx, const struct vnet_verdict *verdict)
{
	unsigned *lines = ctx;

	if (verdict->drop >= VNET_DROP_CAUSES || verdict->port >= VNET_PORTS || ++*lines > 1000)
		abort();
}

static void explain(struct input *in)
{
	struct vnet_question q = {.net = next(in) % 2, .from = next(in) % PORTS};
	unsigned lines = 0;

	q.src = 0x52 | (mac_t)(next(in) & 3) << 40;
	q.dst = (next(in) & 1 ? 0xff : 0x52) | (mac_t)(next(in) & 3) << 40;
	q.packet.version = (uint8_t)(next(in) % 3 * 2);
	q.packet.version += q.packet.version ? 2 : 0;
	q.packet.protocol = next(in) & 1 ? 17 : 6;
	q.packet.src[0] = (uint8_t)(next(in) & 1);
	q.packet.dst[0] = (uint8_t)(next(in) & 1);
	q.packet.port[1] = (uint16_t)next(in);
	vnet_explain(v, &q, ignore, &lines);
}

static void step(struct input *in)
{
	unsigned i;

	switch (next(in) % 8) {
	case 0:
		plug(in);
		break;
	case 1:
		tables(in);
		break;
	case 2:
		vnet_net_set(v, next(in) % 2, (enum vnet_policy)(next(in) % 3));
		break;
	case 3:
		i = next(in) % PORTS;
		if (port[i])
			vnet_port_set_mac(port[i], 0x52 | (mac_t)(next(in) & 3) << 40);
		break;
	case 4:
		explain(in);
		read_back();
		break;
	default:
		send(in);
	}
}

/* The switch that each input begins with: eight ports, the last in another network. */
static void build(void)
{
	struct vnet_chains *c;
	char err[200];

	v = vnet_create(&arena_mem, CORES);
	vnet_net_set(v, 0, VNET_LEARN);
	vnet_net_set(v, 1, VNET_LEARN);
	for (unsigned i = 0; i < PORTS; i++) {
		const char name[3] = {'p', (char)('0' + i), 0};

		port[i] = vnet_port_add(v, name, i == PORTS - 1, &ops, NULL, i == 1);
		atomic_store(&port[i]->up, true);
	}
	/* With the first table each core gets its memory, which stays. */
	c = vnet_chains_make(v, &rules, err, sizeof err);
	vnet_chains_use(v, c);
	memcpy(first, port, sizeof port);
	arena_keep();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	rules.services = rules.flows = 0;
	if (!v)
		build();
	else
		arena_restore();
	memcpy(port, first, sizeof port);
	while (in.left)
		step(&in);
	return 0;
}
