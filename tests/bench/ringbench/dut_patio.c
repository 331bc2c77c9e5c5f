/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dut_patio.c: Patio's switch and virtio devices as a device under test of the ring-to-ring rig.
 *
 * Each of the rig's ports is a guest's network device, negotiated through its registers as a driver
 * does, in poll mode; fwd() is the poll loop of a core that is given to the network.  The number of
 * routes comes from the environment (RB_ROUTES); those that no frame needs are filled up with
 * routes to addresses that nobody sends to.
 *
 * With RB_CHAIN functions, all frames pass so many more ports, whose guests give back each buffer
 * that they get (some twenty instructions a frame, which are in the figures).
 */
#include "ringbench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/virtio/virtio_net.h"
#include "drivers/bus/gpa.h"
#include "drivers/bus/vpci.h"
#include "vnet/chain/chain.h"
#include "vnet/vnet.h"

extern struct port P[MAXP];

#define TRACED 2048 /* records, as a node has them */

static struct vnet *net;
static struct vnet_core *core;
static struct gmem guest_memory;
static struct vpci *bus[MAXP + VNET_CHAIN];

/* A guest that gives frames back: a buffer that came in by the RX ring goes out by the TX ring, and
 * is offered again when that has been used. */
struct function {
	struct port ring;
	uint16_t rx_used, tx_used, rx_avail, tx_avail; /* as far as the guest is */
};

static struct function function[VNET_CHAIN];
static unsigned functions;
static uint8_t *function_memory;
#define FUNCTION_GPA   (1ull << 32)
#define FUNCTION_BYTES (16 * 4096 + QSZ * BUFSZ) /* rings and buffers of one */

static void *alloc(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	memset(p, 0, size);
	return p;
}

static void release(void *p, size_t size)
{
	(void)size;
	free(p);
}

struct vnet_core *vnet_this_core(void)
{
	return core;
}

static void no_interrupt(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx;
	(void)addr;
	(void)data;
}

static void out(struct vpci *p, uint16_t port, unsigned size, uint32_t val)
{
	vpci_io(p, port, size, true, &val);
}

static uint64_t gpa_of(const void *at)
{
	uint64_t off = (uint64_t)((const uint8_t *)at - function_memory);

	if (functions && off < functions * FUNCTION_BYTES)
		return FUNCTION_GPA + off;
	return (uint64_t)((const uint8_t *)at - gmem);
}

static void give_queue(struct vpci *p, uint16_t common, unsigned index, const struct vq *q)
{
	const void *area[3] = {q->desc, q->avail, q->used};

	out(p, (uint16_t)(common + 0x16), 2, index);
	out(p, (uint16_t)(common + 0x18), 2, QSZ);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t gpa = gpa_of(area[i]);

		out(p, (uint16_t)(common + 0x20 + 8 * i), 4, (uint32_t)gpa);
		out(p, (uint16_t)(common + 0x24 + 8 * i), 4, (uint32_t)(gpa >> 32));
	}
	out(p, (uint16_t)(common + 0x1c), 2, 1);
}

/* What the guest's driver does (virtio 1.2, 3.1.1): MRG_RXBUF and VERSION_1. */
static void drive(struct vpci *p, const struct port *rings)
{
	uint16_t common = VPCI_IO_FIRST + VIRTIO_IO_COMMON;

	out(p, 0xcf8, 4, 0x80000000u | 1 << 11 | 4);
	out(p, 0xcfc, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	out(p, (uint16_t)(common + 8), 4, 0);
	out(p, (uint16_t)(common + 12), 4, VIRTIO_NET_F_MRG_RXBUF);
	out(p, (uint16_t)(common + 8), 4, 1);
	out(p, (uint16_t)(common + 12), 4, 1);
	out(p, (uint16_t)(common + 0x14), 1, 3);
	out(p, (uint16_t)(common + 0x14), 1, 11);
	give_queue(p, common, VIRTIO_NET_RX, &rings->rx);
	give_queue(p, common, VIRTIO_NET_TX, &rings->tx);
	out(p, (uint16_t)(common + 0x14), 1, 15);
}

static struct vnet_port *make_port(int i, const struct port *rings)
{
	struct virtio_net_config c = {"net", mac_of((unsigned)i), 1500, QSZ, QSZ, &guest_memory};
	struct virtio_net *n = alloc(sizeof *n);
	struct vnet_port *port;
	char name[16];

	snprintf(name, sizeof name, "p%d", i);
	virtio_net_init(n, &c);
	port = vnet_port_add(net, name, 0, &virtio_net_port_ops, n, 0);
	virtio_net_attach(n, port);
	bus[i] = alloc(sizeof *bus[i]);
	vpci_init(bus[i], no_interrupt, NULL);
	if (!port || !vpci_add(bus[i], &n->v.pci, 1))
		return NULL;
	drive(bus[i], rings);
	vnet_port_set_mode(port, VNET_POLL);
	return port;
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
	static const struct vnet_mem mem = {alloc, release};
	struct vnet_port **port = calloc(MAXP, sizeof(void *));

	gmem_add(&guest_memory, 0, gmem_sz, gmem);
	net = vnet_create(&mem, 1);
	core = vnet_core(net, 0);
	vnet_net_set(net, 0, VNET_ROUTE);
	for (int i = 0; i < nports; i++) {
		port[i] = make_port(i, &P[i]);
		if (!port[i])
			return fprintf(stderr, "port %d\n", i), -1;
	}
	return set_routes(port, lookup);
}

/* --- a chain of functions ----------------------------------------------------------------- */

static void make_rings(struct function *f, uint8_t *at)
{
	struct vq *rx = &f->ring.rx, *tx = &f->ring.tx;

	rx->desc = (struct vdesc *)at;
	rx->avail = (struct vavail *)(at + 4096);
	rx->used = (struct vused *)(at + 2 * 4096);
	tx->desc = (struct vdesc *)(at + 4 * 4096);
	tx->avail = (struct vavail *)(at + 5 * 4096);
	tx->used = (struct vused *)(at + 6 * 4096);
	for (unsigned i = 0; i < QSZ; i++) {
		uint64_t buffer = gpa_of(at + 16 * 4096 + (size_t)i * BUFSZ);

		rx->desc[i] = (struct vdesc){buffer, BUFSZ, 2, 0};
		tx->desc[i] = (struct vdesc){buffer, 0, 0, 0};
		rx->avail->ring[i] = (uint16_t)i;
	}
	rx->avail->idx = f->rx_avail = QSZ;
	rx->avail->flags = tx->avail->flags = 1; /* no interrupts */
}

/* What came in goes out; what went out may come in.  One core: nothing changes meanwhile. */
static unsigned give_back(struct function *f)
{
	struct vq *rx = &f->ring.rx, *tx = &f->ring.tx;
	unsigned n = 0;

	for (; f->tx_used != tx->used->idx; f->tx_used++)
		rx->avail->ring[f->rx_avail++ & (QSZ - 1)] =
		    (uint16_t)tx->used->ring[f->tx_used & (QSZ - 1)].id;
	for (; f->rx_used != rx->used->idx; f->rx_used++, n++) {
		const struct vuelem *e = &rx->used->ring[f->rx_used & (QSZ - 1)];

		tx->desc[e->id].len = e->len;
		tx->avail->ring[f->tx_avail++ & (QSZ - 1)] = (uint16_t)e->id;
	}
	__atomic_store_n(&rx->avail->idx, f->rx_avail, __ATOMIC_RELEASE);
	__atomic_store_n(&tx->avail->idx, f->tx_avail, __ATOMIC_RELEASE);
	return n;
}

static int use_chain(struct vnet_port **port)
{
	struct vnet_service service[VNET_CHAIN] = {0};
	struct vnet_flow all = {
	    .name = "all", .version = 4, .protocol = 17, .from = -1, .end = VNET_FLOW_OUT};
	const struct vnet_chain_rules rules = {service, functions, &all, 1};
	struct vnet_chains *c;
	char err[200];

	for (unsigned i = 0; i < functions; i++) {
		snprintf(service[i].name, sizeof service[i].name, "s%u", i);
		service[i].replicas = 1;
		service[i].port[0] = port[i]->number;
		all.service[all.services++] = (uint16_t)i;
	}
	c = vnet_chains_make(net, &rules, err, sizeof err);
	if (!c)
		return fprintf(stderr, "chain: %s\n", err), -1;
	vnet_chains_use(net, c);
	return 0;
}

static int init_chain(void)
{
	struct vnet_port *port[VNET_CHAIN];

	if (init_with(1))
		return -1;
	functions = getenv("RB_CHAIN") ? (unsigned)atoi(getenv("RB_CHAIN")) : 0;
	if (!functions)
		return 0;
	function_memory = alloc(functions * FUNCTION_BYTES);
	gmem_add(&guest_memory, FUNCTION_GPA, functions * FUNCTION_BYTES, function_memory);
	for (unsigned i = 0; i < functions; i++) {
		make_rings(&function[i], function_memory + i * FUNCTION_BYTES);
		port[i] = make_port(nports + (int)i, &function[i].ring);
		if (!port[i])
			return fprintf(stderr, "function %u\n", i), -1;
	}
	return use_chain(port);
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
	return (int)vnet_poll(core, (unsigned)batch);
}

/* The frames that the guests have sent, through the whole chain. */
static int forward_chain(int batch)
{
	int sent = (int)vnet_poll(core, (unsigned)batch);

	for (unsigned i = 0; i < functions; i++)
		if (give_back(&function[i]))
			while (vnet_poll(core, (unsigned)batch))
				;
	return sent;
}

struct dut dut_patio_chain = {"patio-chain", 1, init_chain, forward_chain};
struct dut dut_patio = {"patio", 1, init_lookup, forward};
struct dut dut_patio_traced = {"patio-traced", 1, init_traced, forward};
struct dut dut_patio_nolookup = {"patio-nolookup", 0, init_pairs, forward};
